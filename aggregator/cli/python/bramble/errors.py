"""What can go wrong. All of it is a BrambleError; what the called function itself raises comes as it is."""

from __future__ import annotations

import pickle
from concurrent.futures import CancelledError

__all__ = [
    "BatchFailed", "BrambleError", "CallTimeout", "CancelledError", "CannotSend", "ClusterUnreachable", "KernelDied",
    "RemoteError", "RemoteTraceback", "RequestRefused",
]  # fmt: skip


class BrambleError(Exception):
    """Any of the errors below."""


def alone(error: BaseException) -> BaseException:
    """Of ours the sentence says all: the lines of this package that it came through would only stand above it."""
    return error.with_traceback(None) if isinstance(error, BrambleError) else error


class ClusterUnreachable(BrambleError, ConnectionError):
    """No aggregator answers."""


class RequestRefused(BrambleError):
    """The aggregator answered, and will not do it. `status` is HTTP's."""

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


class CannotSend(BrambleError, TypeError, pickle.PicklingError):
    """A function or an argument that cannot be pickled; the sentence names the thing."""


class KernelDied(BrambleError):
    """The process on the node ended in this call: os._exit(), a signal, or too much memory."""


class CallTimeout(BrambleError, TimeoutError):
    """The call took longer than a call may (`call_limit`)."""


class BatchFailed(BrambleError):
    """The task in which the call travelled failed as a whole."""


class RemoteError(BrambleError):
    """The function raised an exception that could not be brought back; this tells what it said."""


class RemoteTraceback(Exception):
    """The traceback on the node, as text; it is the `__cause__` of what a call raises."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'
