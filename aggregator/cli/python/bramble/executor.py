"""An Executor after concurrent.futures: calls run on the nodes of a cluster."""

from __future__ import annotations

import concurrent.futures
import time
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Optional, Tuple, TypeVar

from ._answers import Call
from ._calls import Calls

if TYPE_CHECKING:
    from .cluster import Cluster

R = TypeVar("R")


class Executor(concurrent.futures.Executor):
    """Is one job of the cluster. `max_workers`: at most so many processes at once (all slots). `initializer` runs once
    in each process on a node, before its first call.

    with bramble.Executor() as executor:
        future = executor.submit(pow, 2, 10)
        print(future.result())
    """

    def __init__(
        self,
        cluster: "Optional[Cluster]" = None,
        max_workers: Optional[int] = None,
        initializer: Optional[Callable[..., Any]] = None,
        initargs: Tuple[Any, ...] = (),
        *,
        name: str = "python",
    ):
        from .cluster import Cluster

        if max_workers is not None and max_workers < 1:
            raise ValueError("max_workers must be at least 1")
        cluster = Cluster() if cluster is None else cluster
        self._sender = cluster._sender
        self._always = () if initializer is None else (self._sender.initializer(initializer, initargs),)
        self._calls = cluster._new_calls(name, max_workers or 0)
        self._end = weakref.finalize(self, _close, self._calls)
        self._end.atexit = False

    def submit(
        self, fn: Callable[..., R], /, *args: Any, **kwargs: Any
    ) -> "concurrent.futures.Future[R]":
        """Calls fn(*args, **kwargs) on a node. What cannot be sent there is told at once, by CannotSend."""
        function = self._sender.function(fn, self._always)
        made = self._sender.input(function, args, kwargs)
        future: "concurrent.futures.Future[R]" = concurrent.futures.Future()
        self._calls.add(Call(function, made, _setter(future), future.set_running_or_notify_cancel))
        return future

    def map(
        self,
        fn: Callable[..., R],
        *iterables: Iterable[Any],
        timeout: Optional[float] = None,
        chunksize: int = 1,
        buffersize: Optional[int] = None,
    ) -> Iterator[R]:
        """As that of concurrent.futures: takes all inputs at once. (Cluster.map does not.) How many calls travel
        together is measured; `chunksize` is not needed."""
        function = self._sender.function(fn, self._always)
        futures = []
        for args in zip(*iterables):
            future: "concurrent.futures.Future[R]" = concurrent.futures.Future()
            made = self._sender.input(function, args, {})
            self._calls.add(Call(function, made, _setter(future), future.set_running_or_notify_cancel))
            futures.append(future)
        return _results(futures, timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more calls; `wait`: until those that were submitted have ended."""
        if cancel_futures:
            self._calls.cancel_queued()
        self._calls.close(wait)

    def cancel(self) -> None:
        """Ends the job: calls that run are ended on the nodes, too."""
        self._calls.cancel()

    def __reduce__(self) -> Any:
        raise TypeError("an Executor is of the program that made it")

    def __exit__(self, kind: Any, value: Any, trace: Any) -> Optional[bool]:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.cancel()
        try:
            self.shutdown(wait=True)
        except KeyboardInterrupt:
            self.cancel()
            raise
        return None


def _close(calls: Calls) -> None:
    calls.close(wait=False)


def _setter(future: "concurrent.futures.Future[Any]") -> Callable[[bool, Any], None]:
    def accept(good: bool, value: Any) -> None:
        if future.cancelled():
            return
        if good:
            future.set_result(value)
        else:
            future.set_exception(value)

    return accept


def _results(futures: Any, timeout: Optional[float]) -> Iterator[Any]:
    end = None if timeout is None else time.monotonic() + timeout
    futures.reverse()  # so that each is let go when it was given out
    try:
        while futures:
            yield futures.pop().result(None if end is None else max(0.0, end - time.monotonic()))
    finally:
        for future in futures:
            future.cancel()
