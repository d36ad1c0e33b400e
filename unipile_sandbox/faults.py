"""Everything that can be wrong with an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from unipile_sandbox.answers import Answer, encode, error_body
from unipile_sandbox.bodies import arrays, blanks, first_bytes, gzipped

MAX_SECONDS = 3600
MAX_PADDING = 2**40
# These bodies are made in memory before they are sent.
MAX_ARRAYS = 2**28
MAX_GZIP_PADDING = 2**30
MAX_EARLY_HINTS = 1000
FRAMINGS = ("length", "chunked", "close")

FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "status": (int,),
    "error_type": (str,),
    "body": (str, dict, list),
    "headers": (dict,),
    "delay": (int, float),
    "drip_headers": (int, float),
    "drip_body": (int, float),
    "close": (bool,),
    "reset": (bool,),
    "silent": (bool,),
    "cut": (int,),
    "framing": (str,),
    "padding": (int,),
    "gzip": (bool,),
    "arrays": (int,),
    "early_hints": (int,),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with an answer. What is left unset stays true."""

    status: int | None = None
    # Goes into the error body that a status from 400 on gets when no `body` is given.
    error_type: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # Seconds before the answer, and between two bytes of head or body.
    delay: float = 0
    drip_headers: float = 0
    drip_body: float = 0
    # Hang up without an answer, by FIN.
    close: bool = False
    # Break off with RST, or say nothing while the client waits.
    reset: bool = False
    silent: bool = False
    # Hang up unannounced after so many bytes of the body.
    cut: int | None = None
    # What ends the body.
    framing: Literal["length", "chunked", "close"] = "length"
    # Blanks after the body leave JSON valid. With `gzip` they make a bomb.
    padding: int = 0
    gzip: bool = False
    # So many bytes of [[],[],...] in place of the body.
    arrays: int = 0
    # So many answers 103 come before the answer itself.
    early_hints: int = 0

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 999:
            raise ValueError("status must be a number from 200 to 999.")
        if self.error_type is not None and (self.status is None or self.status < 400):
            raise ValueError("error_type needs a status from 400 on.")
        for name in ("delay", "drip_headers", "drip_body"):
            if not 0 <= getattr(self, name) <= MAX_SECONDS:
                raise ValueError(f"{name} must be a number of seconds from 0 to {MAX_SECONDS}.")
        if self.framing not in FRAMINGS:
            raise ValueError(f"framing must be one of {', '.join(FRAMINGS)}.")
        if self.cut is not None and self.cut < 0:
            raise ValueError("cut must not be negative.")
        if not 0 <= self.arrays <= MAX_ARRAYS:
            raise ValueError(f"arrays must be a number of bytes from 0 to {MAX_ARRAYS}.")
        if not 0 <= self.early_hints <= MAX_EARLY_HINTS:
            raise ValueError(f"early_hints must be a number from 0 to {MAX_EARLY_HINTS}.")
        most = MAX_GZIP_PADDING if self.gzip else MAX_PADDING
        if not 0 <= self.padding <= most:
            raise ValueError(f"padding must be a number of bytes from 0 to {most}.")

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Fault:
        for name, value in fields.items():
            if name not in FIELD_TYPES:
                raise ValueError(f"{name!r} is not known; a fault has {', '.join(FIELD_TYPES)}.")
            if type(value) not in FIELD_TYPES[name]:
                types = " or ".join(kind.__name__ for kind in FIELD_TYPES[name])
                raise ValueError(f"{name} must be of type {types}.")
        if "body" in fields:
            fields = {**fields, "body": _as_bytes(fields["body"])}
        fault = cls(**fields)
        if fault == cls():
            raise ValueError(f"That fault changes nothing; set one of {', '.join(FIELD_TYPES)}.")
        return fault

    @property
    def refuses(self) -> bool:
        """Whether the request has no effect either, and not only a bad answer."""
        return self.status is not None and self.status >= 400

    @property
    def answers(self) -> bool:
        return not (self.close or self.reset or self.silent)

    @property
    def ends_connection(self) -> bool:
        return not self.answers or self.cut is not None or self.framing == "close"

    def spoil(self, answer: Answer) -> tuple[int, dict[str, str], Iterator[bytes]]:
        """Return the status, headers and body blocks to send in place of the answer."""
        body, padding = self._body(answer), self.padding
        headers = dict(answer.headers)
        if self.gzip:
            body, padding = gzipped(body, padding), 0
            headers["Content-Encoding"] = "gzip"
        if self.framing == "length":
            headers["Content-Length"] = str(len(body) + padding)
        elif self.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Connection"] = "close"
        blocks = chain([body] if body else [], blanks(padding))
        return self.status or answer.status, headers | dict(self.headers), self._framed(blocks)

    def _body(self, answer: Answer) -> bytes:
        if self.body is not None:
            return self.body
        if self.arrays:
            return arrays(self.arrays)
        if self.status is None or self.status < 300:
            return answer.body
        return b"" if self.status < 400 else error_body(self.status, self.error_type)

    def _framed(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        if self.cut is not None:
            blocks = first_bytes(blocks, self.cut)
        if self.framing != "chunked":
            yield from blocks
            return
        for block in blocks:
            yield b"%x\r\n%b\r\n" % (len(block), block)
        if self.cut is None:
            yield b"0\r\n\r\n"


def _as_bytes(body: object) -> bytes:
    return body.encode(errors="replace") if isinstance(body, str) else encode(body)
