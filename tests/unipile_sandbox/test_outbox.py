from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unipile_sandbox.talking import messages
from unipile_sandbox import Fault, Sandbox

Send = Callable[[str], None]


@pytest.fixture
def send(sandbox: Sandbox, receiver: Sandbox) -> Send:
    """Send a notice with this name."""

    def add(name: str) -> None:
        payload = {"status": "CREATION_SUCCESS", "account_id": "mara", "name": name}
        sandbox.outbox.add("notice", "mara", receiver.url, payload, {})

    return add


def answer_with(receiver: Sandbox, *statuses: int) -> None:
    """Answer with these first, and with 200 from then on."""
    receiver.clear_faults()
    for status in statuses:
        receiver.inject(Fault(status=status), times=1)
    receiver.inject(Fault(status=200))


@pytest.mark.parametrize(
    ("answers", "attempts", "state"),
    [
        ([503, 201, 302], [503, 201, 302, 200], "delivered"),
        ([500] * 9, [500] * 6, "given up"),
    ],
)
def test_delivery_ends_with_200_or_given_up(
    sandbox: Sandbox,
    receiver: Sandbox,
    send: Send,
    answers: list[int],
    attempts: list[int],
    state: str,
) -> None:
    sandbox.delivery.retry_delays = (0.01,) * 5
    answer_with(receiver, *answers)

    send("st_1")
    [delivery] = sandbox.wait_for_deliveries()

    assert [attempt.status for attempt in delivery.attempts] == attempts
    assert delivery.state == state


def test_retries_wait_and_can_be_brought_forward(
    sandbox: Sandbox, receiver: Sandbox, send: Send
) -> None:
    sandbox.delivery.retry_delays = (3600,)
    answer_with(receiver, 503)
    send("st_1")
    send("st_2")

    first, second = sandbox.wait_for_deliveries(attempts=1)
    assert (first.state, second.state) == ("waiting", "delivered")
    with pytest.raises(TimeoutError, match="CREATION_SUCCESS"):
        sandbox.wait_for_deliveries(timeout=0.01)
    sandbox.outbox.retry_now()
    sandbox.wait_for_deliveries()
    assert [attempt.status for attempt in first.attempts] == [503, 200]


def test_held_messages_wait_for_their_release(
    sandbox: Sandbox, receiver: Sandbox, send: Send
) -> None:
    sandbox.outbox.hold("notice")
    send("st_1")
    sandbox.outbox.add("event", "mara", receiver.url, {"AccountStatus": {"message": "OK"}}, {})

    assert [delivery.state for delivery in sandbox.wait_for_deliveries()] == ["held", "delivered"]
    sandbox.outbox.release("notice")
    sandbox.wait_for_deliveries()
    assert messages(receiver) == ["OK", "CREATION_SUCCESS of st_1"]


def test_reset_drops_what_is_open(sandbox: Sandbox, receiver: Sandbox, send: Send) -> None:
    sandbox.delivery.retry_delays = (3600,)
    sandbox.outbox.hold("event")
    answer_with(receiver, 503)
    send("st_1")
    [delivery] = sandbox.wait_for_deliveries(attempts=1)

    sandbox.reset()

    assert (delivery.state, sandbox.deliveries) == ("dropped", [])
    assert len(list(sandbox.delivery.retry_delays)) == 5
    sandbox.delivery.copies = 2
    send("st_2")
    sandbox.wait_for_deliveries()
    assert messages(receiver) == ["CREATION_SUCCESS of st_1", *["CREATION_SUCCESS of st_2"] * 2]
