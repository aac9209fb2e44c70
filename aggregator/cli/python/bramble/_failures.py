"""What a call that failed raises here: the function's own exception, with the traceback of the node as its cause."""

from __future__ import annotations

import linecache
import pickle
import traceback
from typing import List

from . import _kernel, _transfer
from .errors import RemoteError, RemoteTraceback

LINKS = {
    "cause": "\nThe above exception was the direct cause of the following exception:\n\n",
    "context": "\nDuring handling of the above exception, another exception occurred:\n\n",
}


def exception_of(result: memoryview) -> BaseException:
    """Of the result of a call that failed."""
    text, _, rest = bytes(result).partition(b"\0")
    message = text.decode("utf-8", "replace")
    if not rest:
        return RemoteError(message)
    try:
        told = _kernel.Failure(*pickle.loads(rest))
    except Exception:
        return RemoteError(message)
    error = _rebuild(told)
    error.__cause__ = RemoteTraceback(traceback_text(told))
    return error


def _rebuild(told: _kernel.Failure) -> BaseException:
    if told.exception is not None:
        try:
            error = _transfer.unpack(told.exception)
            if isinstance(error, BaseException):
                return error
        except Exception:
            pass  # its class cannot be made from what it keeps: the text is what there is
    return RemoteError(told.message)


def traceback_text(told: _kernel.Failure) -> str:
    """As Python writes it; lines of files that only this machine has are looked up here."""
    pieces: List[str] = []
    for _, lines, how, frames in reversed(told.chain):
        if frames:
            pieces.append("Traceback (most recent call last):\n")
            summaries = [
                traceback.FrameSummary(file, line, name, line=text or linecache.getline(file, line).strip())
                for file, line, name, text in frames
            ]
            pieces.extend(traceback.format_list(summaries))
        pieces.extend(lines)
        pieces.append(LINKS.get(how, ""))
    where = f" (on the node {told.node})" if told.node else ""
    return "".join(pieces).rstrip("\n") + where
