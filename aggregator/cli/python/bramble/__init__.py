"""Compute on a bramble, a cluster of Raspberry Pis, from Python.

    from bramble import Cluster
    print(sum(Cluster().map(lambda x: x * x, range(1, 100))))      # 328350

Functions may be any: lambdas, closures, those of the script itself and of modules next to it. What they import must be
on the nodes, where nothing else is needed but python3 of the same version as here. Nothing but the standard library is
needed here.

    Cluster().map(f, xs)                results in order, fed while they are taken
    Cluster().submit(f, *args)          a future
    Executor()                          after concurrent.futures.Executor
    Pool()                              after multiprocessing.Pool
    Cluster().put(data)                 data for many calls, sent to each node once
    Cluster.local(agents=4)             a cluster on this machine, to try things

What a function raises is raised here, with the traceback of the node as its cause. What it prints goes to the standard
error of its task: `bramble job cat --stderr JOB`.

Results are read by pickle: whoever answers for a call runs code here. Besides the aggregator and the nodes these are all
who may submit jobs, for the tasks of all owners are one user of a node, where one may trace another. They are kept apart
where nodes put every task in a sandbox (bramble-warden --require-sandbox); job={"isolate": "sandbox"} puts your calls in
one, which keeps them from the tasks of others, and not others from them. Else use clusters where you trust all of these.
"""

from ._mapping import Results
from ._transfer import Handle
from .cluster import Cluster
from .errors import (
    BatchFailed,
    BrambleError,
    CallTimeout,
    CancelledError,
    CannotSend,
    ClusterUnreachable,
    KernelDied,
    RemoteError,
    RemoteTraceback,
    RequestRefused,
)
from .executor import Executor
from .pool import AsyncResult, Pool

__all__ = [
    "AsyncResult",
    "BatchFailed",
    "BrambleError",
    "CallTimeout",
    "CancelledError",
    "CannotSend",
    "Cluster",
    "ClusterUnreachable",
    "Executor",
    "Handle",
    "KernelDied",
    "Pool",
    "RemoteError",
    "RemoteTraceback",
    "RequestRefused",
    "Results",
]
