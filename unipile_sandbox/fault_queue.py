"""The faults that wait for the answers which they spoil."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from unipile_sandbox.answers import OPERATIONS, Answer, Operation
from unipile_sandbox.faults import Fault


@dataclass
class _Injected:
    fault: Fault
    account_id: str | None
    page: int | None
    times: int | None
    operation: Operation | None
    reused: bool

    def fits(self, answer: Answer, *, reused: bool) -> bool:
        if self.reused and not reused:
            return False
        if self.operation is not None and self.operation != answer.operation:
            return False
        if self.account_id is not None:
            return self.account_id == answer.account_id
        return self.page is None or (answer.page is not None and self.page <= answer.page)


class FaultQueue:
    """Injected faults. The oldest that fits an answer spoils it."""

    def __init__(self) -> None:
        self._injected: list[_Injected] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._injected)

    def inject(
        self,
        fault: Fault,
        *,
        account_id: str | None = None,
        page: int | None = None,
        times: int | None = None,
        operation: Operation | None = None,
        reused: bool = False,
    ) -> None:
        """Spoil what is about one account, the list from a page on, or else every answer.

        `operation` narrows it to one kind of request, `reused` to those that are not the first of
        their connection. An error status keeps the request from having its effect.
        """
        if account_id is not None and page is not None:
            raise ValueError("A fault is for an account or for pages of the list, not for both.")
        if min(1 if page is None else page, 1 if times is None else times) < 1:
            raise ValueError("page and times must be 1 or more.")
        if operation is not None and operation not in OPERATIONS:
            raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}.")
        with self._lock:
            self._injected.append(_Injected(fault, account_id, page, times, operation, reused))

    def take(self, answer: Answer, *, reused: bool) -> Fault | None:
        with self._lock:
            for injected in self._injected:
                if injected.fits(answer, reused=reused):
                    self._count_down(injected)
                    return injected.fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._injected.clear()

    def _count_down(self, injected: _Injected) -> None:
        if injected.times is not None:
            injected.times -= 1
            if not injected.times:
                self._injected.remove(injected)
