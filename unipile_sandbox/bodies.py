"""Bodies of answers in blocks, which may be larger than memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

BLOCK = 65536
BLANKS = b" " * BLOCK


def blanks(count: int) -> Iterator[bytes]:
    while count > 0:
        yield BLANKS[:count]
        count -= len(BLANKS)


def arrays(size: int) -> bytes:
    """Return JSON of about that many bytes that is a list of empty lists."""
    count = max(1, size // 3)
    return b"[" + b",".join([b"[]"] * count) + b"]"


def first_bytes(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for block in blocks:
        if count <= 0:
            return
        yield block[:count]
        count -= len(block)


def gzipped(body: bytes, padding: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(block) for block in chain([body], blanks(padding))]
    return b"".join((*packed, packer.flush()))
