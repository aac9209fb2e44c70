"""Batches of calls and their replies as bytes (agent/kernels/README.md)."""

from __future__ import annotations

from typing import Iterator, List, Tuple

from . import _kernel

GOOD, FAILED, DIED, TIMED_OUT, NONSENSE, SKIPPED, UNREAD = range(7)
MAX_BATCH_CALLS = 1 << 16


def batch_of(inputs: List[bytes]) -> bytes:
    """Their numbers are their places."""
    pieces = []
    for number, data in enumerate(inputs):
        pieces.append(_kernel.FRAME.pack(len(data) + 4, number))
        pieces.append(data)
    return b"".join(pieces)


def replies_in(data: bytes) -> Iterator[Tuple[int, int, memoryview]]:
    """(number, status, result) of each; a last one that is not whole is left out."""
    view = memoryview(data)
    at = 0
    while len(view) - at >= _kernel.REPLY.size:
        length, number, status = _kernel.REPLY.unpack_from(view, at)
        end = at + 4 + length
        if length < 5 or end > len(view):
            return
        yield number, status, view[at + _kernel.REPLY.size : end]
        at = end
