"""The results of a function over many inputs: fed while they are taken, so that memory is bounded."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, Generic, Iterable, Iterator, Optional, Tuple, TypeVar

from ._answers import Call
from ._calls import Calls
from ._progress import Progress
from ._sending import Function, Sender

R = TypeVar("R")
HEAR_S = 0.5  # a signal that comes just before a wait is heard behind it only
MAX_AHEAD_CALLS = 200_000
MAX_AHEAD_BYTES = 64 << 20  # of inputs whose results were not taken


class _State:
    """What the threads share. Knows nothing of the iterator, so that one that nobody holds any more can end it."""

    def __init__(self, calls: Calls, function: Function, ordered: bool, bounded: bool, progress: Progress):
        self.calls = calls
        self.function = function
        self.ordered = ordered
        self.bounded = bounded
        self.progress = progress
        self.changed = threading.Condition()
        self.results: Dict[int, Tuple[bool, Any]] = {}
        self.arrived: Deque[int] = deque()  # in the order of their coming
        self.sizes: Dict[int, int] = {}
        self.bytes = 0
        self.fed = 0
        self.taken = 0
        self.feed_ended = False
        self.feed_error: Optional[BaseException] = None
        self.stopped = False

    def accept(self, index: int, good: bool, value: Any) -> None:
        """A result has come."""
        with self.changed:
            self.results[index] = (good, value)
            if not self.ordered:
                self.arrived.append(index)
            self.changed.notify_all()
        self.progress.update(self.calls.done, self.calls.failed)

    def wait_for_room(self) -> bool:
        """False: stopped."""
        with self.changed:
            while not self.stopped and self._is_full():
                self.changed.wait()
            return not self.stopped

    def _is_full(self) -> bool:
        if not self.bounded or self.fed == self.taken:
            return False
        ahead = self.fed - self.taken
        return self.bytes > MAX_AHEAD_BYTES or ahead >= min(self.calls.appetite(self.function), MAX_AHEAD_CALLS)

    def count_fed(self, size: int) -> int:
        """The index of one more input."""
        with self.changed:
            index = self.fed
            self.fed += 1
            self.sizes[index] = size
            self.bytes += size
        return index

    def uncount_fed(self, index: int) -> None:
        """It was the last one."""
        with self.changed:
            self.fed -= 1
            self.bytes -= self.sizes.pop(index)

    def next_index(self) -> Optional[int]:
        """That of the result that can be taken now."""
        if not self.ordered:
            return self.arrived[0] if self.arrived else None
        return self.taken if self.taken in self.results else None

    def take(self, index: int) -> Tuple[bool, Any]:
        """The lock is held."""
        if not self.ordered:
            self.arrived.popleft()
        self.taken += 1
        self.bytes -= self.sizes.pop(index, 0)
        self.changed.notify_all()
        return self.results.pop(index)


def _feed(state: _State, sender: Sender, inputs: Iterator[Tuple[Any, ...]]) -> None:
    error: Optional[BaseException] = None
    try:
        while state.wait_for_room():
            args = next(inputs, None)
            if args is None:
                break
            made = sender.input(state.function, args, {})
            index = state.count_fed(len(made.data))  # before its result can come
            try:
                state.calls.add(Call(state.function, made, _acceptor(state, index)))
            except BaseException:
                state.uncount_fed(index)  # no result will come
                raise
    except BaseException as caught:  # of the inputs: it is raised behind the results that were before it
        error = caught
    with state.changed:
        state.feed_ended = True
        state.feed_error = error
        state.changed.notify_all()
    if not state.stopped:
        state.calls.close(wait=False)


def _acceptor(state: _State, index: int) -> Callable[[bool, Any], None]:
    return lambda good, value: state.accept(index, good, value)


class Results(Generic[R], Iterator[R]):
    """Results in the order of the inputs, or as they come. A call that failed raises when its turn comes; the next
    next() goes on behind it. One that is closed, or that nobody holds any more, cancels what is left."""

    def __init__(
        self,
        calls: Calls,
        sender: Sender,
        function: Function,
        inputs: Iterable[Tuple[Any, ...]],
        *,
        ordered: bool = True,
        bounded: bool = True,
        progress: Optional[Progress] = None,
    ):
        self._state = _State(calls, function, ordered, bounded, progress or Progress("", None, False))
        thread = threading.Thread(
            target=_feed, args=(self._state, sender, iter(inputs)), name="bramble-feed", daemon=True
        )
        thread.start()

    def __iter__(self) -> "Results[R]":
        return self

    def __next__(self) -> R:
        return self.next()

    def next(self, timeout: Optional[float] = None) -> R:
        """The next result; TimeoutError if it does not come in so many seconds."""
        state = self._state
        state.progress.go_on()
        try:
            with state.changed:
                if not self._wait(math.inf if timeout is None else time.monotonic() + timeout):
                    raise TimeoutError("no result has come in time")
                index = state.next_index()
                if index is not None:
                    good, value = state.take(index)
                elif state.feed_error is not None:
                    error, state.feed_error = state.feed_error, None
                    raise error
                else:
                    raise StopIteration
        except TimeoutError:
            raise
        except StopIteration:
            state.progress.end()
            raise
        except BaseException:  # Ctrl-C, and what the inputs raised
            self.close()
            raise
        if good:
            state.progress.make_way()
            return value  # type: ignore[no-any-return]
        state.progress.end()
        raise value

    def _wait(self, until: float) -> bool:
        """In steps. False: nothing has come. The lock is held."""
        while not self._state.changed.wait_for(self._has_something, min(until - time.monotonic(), HEAR_S)):
            if time.monotonic() >= until:
                return False
        return True

    def _has_something(self) -> bool:
        state = self._state
        ended = state.feed_ended and (state.taken == state.fed or state.stopped)
        return state.next_index() is not None or ended

    def close(self) -> None:
        """Cancels what is left."""
        state = self._state
        with state.changed:
            state.stopped = True
            is_left = not (state.feed_ended and state.taken + len(state.results) == state.fed)
            state.changed.notify_all()
        state.progress.end()
        if is_left:
            state.calls.cancel()

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            self.close()
