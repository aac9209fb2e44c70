"""A line on a terminal that tells how far it is."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import Optional, TextIO

EVERY_S = 0.1


def say(text: str) -> None:
    """To people, on standard error."""
    print(f"bramble: {text}", file=sys.stderr, flush=True)


def _is_terminal(stream: Optional[TextIO]) -> bool:
    return stream is not None and stream.isatty()


def waits_text(calls: int, job: Optional[int]) -> str:
    """Of a program that would end, but for these."""
    of_job = "" if job is None else f" of job {job}"
    what, them = ("1 call", "it") if calls == 1 else (f"{calls} calls", "them")
    return f"waiting for {what}{of_job}; Ctrl-C cancels {them}"


class Progress:
    """`show` None: where standard error is a terminal. Thread-safe."""

    def __init__(self, name: str, total: Optional[int], show: Optional[bool]):
        self._name = name
        self._total = total
        self._is_shown = _is_terminal(sys.stderr) if show is None else show
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._next = self._began + EVERY_S
        self._has_line = False
        self._makes_way = False

    def update(self, done: int, failed: int) -> None:
        """Shows it where it is time."""
        if not self._is_shown or time.monotonic() < self._next:
            return
        with self._lock:
            if self._makes_way:
                return
            self._next = time.monotonic() + EVERY_S
            width = shutil.get_terminal_size().columns
            text = self.line(done, failed, time.monotonic() - self._began)
            sys.stderr.write("\r\x1b[K" + text[: max(width - 1, 10)])
            sys.stderr.flush()
            self._has_line = True

    def make_way(self) -> None:
        """The program goes on with a result, and may print it where the line stands: away with that until go_on()."""
        if not self._is_shown or not _is_terminal(sys.stdout):
            return
        with self._lock:
            self._makes_way = True
            self._take_away()

    def go_on(self) -> None:
        """The program waits."""
        self._makes_way = False

    def end(self) -> None:
        """Takes the line away."""
        with self._lock:
            self._take_away()
            self._is_shown = False

    def _take_away(self) -> None:
        if self._has_line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._has_line = False

    def line(self, done: int, failed: int, seconds: float) -> str:
        """What is shown."""
        rate = done / max(seconds, 1e-3)
        text = f"{self._name}: {done}"
        if self._total is not None:
            text += f" of {self._total} ({100 * done // max(self._total, 1)} %)"
        text += f", {rate:.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
        if self._total is not None and done > 0:
            text += f", {(self._total - done) / rate:.0f} s left"
        return text + (f", {failed} failed" if failed else "")
