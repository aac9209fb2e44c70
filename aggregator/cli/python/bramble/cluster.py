"""A bramble as Python sees it."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple, TypeVar, Union

from ._api import GIVE_UP_S, Api
from ._calls import Calls
from ._endpoint import find_endpoint
from ._job import bytes_in, job_body
from ._mapping import Results
from ._progress import Progress, say
from ._sending import Sender
from ._transfer import Handle
from .errors import BrambleError, alone
from .executor import Executor
from .local import LocalCluster

R = TypeVar("R")
MOST_RETRIES = 10  # the aggregator's


class Cluster:
    """Calls functions on the nodes of a bramble.

    >>> sum(Cluster().map(lambda x: x * x, range(1, 100)))
    328350

    The aggregator is found as the `bramble` command finds it: `url`, else BRAMBLE_URL, else the socket of this machine.
    Where the work may run and what it may use: `on` (a node set: "pi[01-04]"), `arch`, `cpus` and `memory` ("512M") of
    each process, `env`, `priority`. `call_limit`: seconds after which a call is ended (never). `retries`: further tries
    of a call in which its process died. `job`: more words of a submission, as aggregator/http/README.md has them.
    `progress`: show a line on standard error (where that is a terminal).

    Results are read by pickle: trust the cluster, and all who may submit jobs there (see the docstring of the package).
    job={"isolate": "sandbox"} keeps the calls from tasks of others; only nodes that isolate every task keep others from
    them.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        *,
        token_file: Optional[str] = None,
        ca_file: Optional[str] = None,
        on: str = "",
        arch: str = "",
        cpus: int = 1,
        memory: Union[int, str] = 0,
        priority: int = 0,
        env: Optional[Mapping[str, str]] = None,
        call_limit: Optional[float] = None,
        retries: int = 0,
        job: Optional[Mapping[str, Any]] = None,
        progress: Optional[bool] = None,
        give_up: float = GIVE_UP_S,
    ):
        self._endpoint = find_endpoint(url, token_file, ca_file)
        self._give_up = give_up
        self._words: Dict[str, Any] = {"cpus": cpus, "priority": priority, **(job or {})}
        for word, value in (("on", on), ("arch", arch), ("memory_bytes", bytes_in(memory))):
            if value:
                self._words[word] = value
        self._env = dict(env or {})
        if not isinstance(call_limit, (int, float, type(None))):
            raise ValueError(f"call_limit is a number of seconds, not {call_limit!r}")
        if not isinstance(retries, int) or not 0 <= retries <= MOST_RETRIES:
            raise ValueError(f"retries is a number from 0 to {MOST_RETRIES}, not {retries!r}")
        self._call_limit = call_limit
        self._retries = retries
        self._progress = progress
        self._sender = Sender()
        self._lock = threading.Lock()
        self._executor: Optional[Executor] = None
        self._is_closed = False
        self._local: Optional[LocalCluster] = None
        self._made: "weakref.WeakSet[Calls]" = weakref.WeakSet()

    @classmethod
    def local(
        cls, agents: int = 4, *, slots: int = 0, directory: str = "", program: str = "bramble", **words: Any
    ) -> "Cluster":
        """A whole cluster on this machine, of `bramble local`, that ends with this object. `slots`: cores of each agent;
        `directory`: where its state is kept; `words`: those of Cluster.

        with Cluster.local(agents=4) as cluster:
            print(list(cluster.map(str.upper, "abc")))
        """
        started = LocalCluster(agents, slots, directory, program)
        try:
            cluster = cls(started.url, **words)
        except BaseException:
            started.close()
            raise
        cluster._local = started
        return cluster

    @property
    def url(self) -> str:
        """Where the aggregator is."""
        return self._endpoint.url

    def map(
        self, function: Callable[..., R], *iterables: Iterable[Any], ordered: bool = True, name: str = ""
    ) -> "Results[R]":
        """As the built-in map(), on the nodes: results in the order of the inputs (or, not `ordered`, as they come).

        Work begins at once. Inputs may be endless: they are taken as results are. A call that raises does so when its
        turn comes; next() goes on behind it. Inputs are read by another thread, as those of multiprocessing.Pool.imap.
        """
        self._refuse_if_closed()
        ready = self._sender.function(function)
        total = _length(iterables)
        progress = Progress(name or ready.name, total, self._progress)
        calls = self._new_calls(name or ready.name)
        calls.cancel_at_exit = True
        return Results(calls, self._sender, ready, zip(*iterables), ordered=ordered, progress=progress)

    def starmap(self, function: Callable[..., R], tuples: Iterable[Tuple[Any, ...]], ordered: bool = True) -> "Results[R]":
        """As itertools.starmap(), on the nodes: function(*each) for each of the tuples."""
        self._refuse_if_closed()
        ready = self._sender.function(function)
        progress = Progress(ready.name, _length((tuples,)), self._progress)
        calls = self._new_calls(ready.name)
        calls.cancel_at_exit = True
        inputs = (tuple(each) for each in tuples)
        return Results(calls, self._sender, ready, inputs, ordered=ordered, progress=progress)

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> "Future[R]":
        """Calls it on a node; the result is that of the future. All of these calls are one job."""
        with self._lock:
            self._refuse_if_closed()
            if self._executor is None:
                self._executor = Executor(self, name="submit")
            executor = self._executor
        return executor.submit(function, *args, **kwargs)

    def put(self, data: Any) -> Handle:
        """Data that many calls use: sent to a node once, and read once by each process there.

        table = cluster.put(load_table())
        cluster.map(lambda key: table[key], keys)       # there, `table` is the data itself

        In arguments the handle arrives as the data. It is shared by the calls of a process: do not change it there.
        """
        try:
            return self._sender.handle(data, self._api().offer_blob)
        except BrambleError as error:
            raise alone(error)

    def slots(self) -> int:
        """How many calls can run at once, on nodes that may and can run them."""
        try:
            return self._api().slots(self._words)
        except BrambleError as error:
            raise alone(error)

    def close(self) -> None:
        """Waits for what was submitted, and ends what `local` has started. No more can be submitted."""
        with self._lock:
            self._is_closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True)
        if self._local is not None:
            for calls in list(self._made):
                calls.cancel("the cluster was ended")
            self._local.close()

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not None and self._executor is not None and issubclass(kind, KeyboardInterrupt):
            self._executor.cancel()
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("a Cluster is of the program that made it")

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise RuntimeError("this cluster was closed: make another one to call more")

    def _api(self) -> Api:
        return Api(self._endpoint, say, self._give_up)

    def _new_calls(self, name: str, processes: int = 0) -> Calls:
        body = job_body(
            name,
            words=self._words,
            env=self._env,
            call_limit_s=self._call_limit,
            call_retries=self._retries,
            max_running=processes,
        )
        calls = Calls(self._api(), body, say, processes)
        self._made.add(calls)
        return calls


def _length(iterables: Tuple[Any, ...]) -> Optional[int]:
    lengths = [len(each) for each in iterables if hasattr(each, "__len__")]
    return min(lengths) if len(lengths) == len(iterables) and lengths else None
