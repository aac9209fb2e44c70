"""What becomes of jobs when the program ends that feeds them.

At its end they are waited for, as those of concurrent.futures; after Ctrl-C they are cancelled. At SIGTERM, where the
program leaves that to the system, they are cancelled, too, and the program dies of the signal as it would without this.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from types import FrameType
from typing import TYPE_CHECKING, Optional

from .errors import BrambleError, CancelledError

if TYPE_CHECKING:
    from ._calls import Calls

MOST_S = 10.0  # so long a program that is terminated waits for the aggregator

running: "weakref.WeakSet[Calls]" = weakref.WeakSet()  # from their first call on


@atexit.register
def _at_exit() -> None:
    interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt
    stopped = False
    for calls in list(running):
        if (interrupted or calls.cancel_at_exit) and not calls.all_answered:
            calls.cancel("the program ended")
        else:
            try:
                calls.wait_at_exit()
            except KeyboardInterrupt:
                interrupted = stopped = True
                calls.cancel("the program was interrupted")
    if stopped:
        _die_of_interrupt()


def _die_of_interrupt() -> None:
    """Else the program would end with 0, as if all had been answered. What others have registered runs before."""
    atexit.unregister(_at_exit)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # there is none, or nobody reads it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def heed_sigterm() -> None:
    """A handler of the program's own stays, and only the main thread may set one: elsewhere nothing changes."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, frame: Optional[FrameType]) -> None:
    """Nothing goes on in the main thread meanwhile, which may hold any lock: so others do what may need one."""
    signal.signal(number, signal.SIG_DFL)  # the next one is not waited for
    try:
        _end_all()
    finally:
        os.kill(os.getpid(), number)


def _end_all() -> None:
    left = [calls for calls in list(running) if calls.is_running]  # in a fork none is: they are its parent's
    for calls in left:
        calls.stop_silently(CancelledError("the program was terminated"))
    threads = [threading.Thread(target=_end, args=(calls,), daemon=True) for calls in left]
    for thread in threads:
        thread.start()
    until = time.monotonic() + MOST_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _end(calls: Calls) -> None:
    try:
        calls.end_stopped_job(MOST_S)
    except BrambleError:
        pass  # what can be done was done
