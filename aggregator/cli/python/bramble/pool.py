"""A drop-in for multiprocessing.Pool: its processes are on the nodes of a cluster."""

from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Generic, Iterable, List, Mapping, Optional, Tuple, TypeVar

from ._answers import Call
from ._calls import Calls
from ._mapping import Results
from ._sending import Function

if TYPE_CHECKING:
    from .cluster import Cluster

R = TypeVar("R")
Callback = Optional[Callable[[Any], Any]]


class AsyncResult(Generic[R]):
    """What apply_async and map_async return."""

    def __init__(self, callback: Callback = None, error_callback: Callback = None) -> None:
        self._callback = callback
        self._error_callback = error_callback
        self._ended = threading.Event()
        self._good = False
        self._value: Any = None

    def ready(self) -> bool:
        """Whether it has ended."""
        return self._ended.is_set()

    def successful(self) -> bool:
        """Whether it has ended without an exception."""
        if not self.ready():
            raise ValueError(f"{self!r} has not ended yet")
        return self._good

    def wait(self, timeout: Optional[float] = None) -> None:
        """Until it has ended, or for so many seconds."""
        self._ended.wait(timeout)

    def get(self, timeout: Optional[float] = None) -> R:
        """The result; multiprocessing.TimeoutError if it does not come in so many seconds."""
        if not self._ended.wait(timeout):
            raise multiprocessing.TimeoutError("no result has come in time")
        if not self._good:
            raise self._value
        return self._value  # type: ignore[no-any-return]

    def _set(self, good: bool, value: Any) -> None:
        self._good, self._value = good, value
        told = self._callback if good else self._error_callback
        try:
            if told is not None:
                told(value)
        finally:
            self._ended.set()


class _Gathering:
    """Results of many calls that are one list."""

    def __init__(self, result: "AsyncResult[Any]", total: int):
        self._lock = threading.Lock()
        self._result = result
        self._values: List[Any] = [None] * total
        self._left = total
        self._error: Optional[BaseException] = None

    def acceptor(self, index: int) -> Callable[[bool, Any], None]:
        def accept(good: bool, value: Any) -> None:
            with self._lock:
                if good:
                    self._values[index] = value
                elif self._error is None:
                    self._error = value
                self._left -= 1
                is_whole = self._left == 0
            if is_whole:
                self._result._set(self._error is None, self._values if self._error is None else self._error)

        return accept


class Pool:
    """One job of the cluster. `processes`: at most so many at once (all slots). How many calls travel together is
    measured: `chunksize` and `maxtasksperchild` are taken and not needed.

    with bramble.Pool() as pool:
        print(pool.map(len, ["a", "bb"]))
    """

    def __init__(
        self,
        processes: Optional[int] = None,
        initializer: Optional[Callable[..., Any]] = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: Optional[int] = None,
        context: Any = None,
        *,
        cluster: "Optional[Cluster]" = None,
        name: str = "python",
    ):
        from .cluster import Cluster

        if processes is not None and processes < 1:
            raise ValueError("Number of processes must be at least 1")
        self._cluster = Cluster() if cluster is None else cluster
        self._processes = processes or 0
        self._name = name
        self._sender = self._cluster._sender
        self._always = () if initializer is None else (self._sender.initializer(initializer, tuple(initargs)),)
        self._calls = self._new_calls()
        self._others: List[Calls] = []  # of imap
        self._is_closed = False

    def apply(self, func: Callable[..., R], args: Iterable[Any] = (), kwds: Mapping[str, Any] = {}) -> R:
        """func(*args, **kwds), on a node."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(
        self,
        func: Callable[..., R],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> "AsyncResult[R]":
        """The same without waiting for it."""
        result: "AsyncResult[R]" = AsyncResult(callback, error_callback)
        self._add(self._function(func), tuple(args), dict(kwds), result._set)
        return result

    def map(self, func: Callable[[Any], R], iterable: Iterable[Any], chunksize: Optional[int] = None) -> List[R]:
        """A list of the results."""
        return self.map_async(func, iterable).get()

    def map_async(
        self,
        func: Callable[[Any], R],
        iterable: Iterable[Any],
        chunksize: Optional[int] = None,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> "AsyncResult[List[R]]":
        """The same without waiting for it."""
        return self.starmap_async(func, ((each,) for each in iterable), None, callback, error_callback)

    def starmap(
        self, func: Callable[..., R], iterable: Iterable[Iterable[Any]], chunksize: Optional[int] = None
    ) -> List[R]:
        """As map(), of func(*each)."""
        return self.starmap_async(func, iterable).get()

    def starmap_async(
        self,
        func: Callable[..., R],
        iterable: Iterable[Iterable[Any]],
        chunksize: Optional[int] = None,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> "AsyncResult[List[R]]":
        """The same without waiting for it."""
        function = self._function(func)
        inputs = [tuple(each) for each in iterable]
        result: "AsyncResult[List[R]]" = AsyncResult(callback, error_callback)
        gathering = _Gathering(result, len(inputs))
        for index, args in enumerate(inputs):
            self._add(function, args, {}, gathering.acceptor(index))
        if not inputs:
            result._set(True, [])
        return result

    def imap(self, func: Callable[[Any], R], iterable: Iterable[Any], chunksize: int = 1) -> "Results[R]":
        """An iterator of the results, in the order of the inputs."""
        return self._iterate(func, iterable, True)

    def imap_unordered(self, func: Callable[[Any], R], iterable: Iterable[Any], chunksize: int = 1) -> "Results[R]":
        """An iterator of the results as they come."""
        return self._iterate(func, iterable, False)

    def close(self) -> None:
        """No more calls."""
        self._is_closed = True
        self._calls.close(wait=False)

    def terminate(self) -> None:
        """Ends the job at once."""
        self._is_closed = True
        for calls in [self._calls, *self._others]:
            calls.cancel("the pool was terminated")

    def join(self) -> None:
        """Waits for the calls to end; close() or terminate() comes first."""
        if not self._is_closed:
            raise ValueError("Pool is still running")
        for calls in [self._calls, *self._others]:
            calls.close(wait=True)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.terminate()

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def _new_calls(self) -> Calls:
        calls = self._cluster._new_calls(self._name, self._processes)
        calls.cancel_at_exit = True
        return calls

    def _function(self, func: Callable[..., Any]) -> Function:
        if self._is_closed:
            raise ValueError("Pool not running")
        return self._sender.function(func, self._always)

    def _add(
        self, function: Function, args: Tuple[Any, ...], kwds: Dict[str, Any], accept: Callable[[bool, Any], None]
    ) -> None:
        self._calls.add(Call(function, self._sender.input(function, args, kwds), accept))

    def _iterate(self, func: Callable[[Any], R], iterable: Iterable[Any], ordered: bool) -> "Results[R]":
        function = self._function(func)
        calls = self._new_calls()
        self._others = [each for each in self._others if not each.has_ended] + [calls]
        inputs = ((each,) for each in iterable)
        return Results(calls, self._sender, function, inputs, ordered=ordered, bounded=False)
