"""The aggregator's API (aggregator/http/README.md) as calls. Each may be said twice, and so is repeated while the
aggregator is away: one that was there once is waited for (`give_up_s`), one that never answered is not. Room on the
head is waited for however long it takes. Where nothing comes, people are told what holds up everybody."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Set

from ._endpoint import Endpoint
from ._health import has_no_room, hold_ups_in
from ._http import Client, NoAnswer, Reply
from .errors import BrambleError, ClusterUnreachable, RequestRefused

GIVE_UP_S = 60.0
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0
FOLDED = re.compile(r"([^,\[\]]*)(?:\[([^\]]*)\])?([^,\[\]]*)(?:,|$)")
FIRST_POLL_S = 2.0  # so soon people are told why nothing comes
LOOK_AFTER_S = 1.0  # of "come again": most of these pass sooner
WORTH_ASKING_BYTES = 64 << 10  # what is smaller is sent as fast as it is asked for
BUSY = 503
SLOW_ANSWER_S = 2.0  # of what should come at once
SAY_AFTER_S = 0.3  # a restart that nobody would notice is not worth a line


class Output(NamedTuple):
    """A part of a task's output. `is_final`: committed, and `size` is all there will be."""

    data: bytes
    offset: int
    size: int
    is_final: bool


class Patience:
    """What is done while no aggregator answers; shared by all threads."""

    def __init__(self, give_up_s: float, say: Callable[[str], None]):
        self._give_up_s = give_up_s
        self._say = say
        self._lock = threading.Lock()
        self._ever_reached = False
        self._lost_since: Optional[float] = None
        self._said = False
        self._held_up: Set[str] = set()

    def reached(self) -> None:
        """It answered."""
        with self._lock:
            self._ever_reached = True
            self._lost_since = None
            if self._said:
                self._say("the aggregator answers again")
            self._said = False

    def lost(self, now: float) -> Optional[float]:
        """It did not: how long to wait before the next try. None: give up."""
        with self._lock:
            if not self._ever_reached:
                return None
            if self._lost_since is None:
                self._lost_since = now
            waited = now - self._lost_since
            if waited >= self._give_up_s:
                return None
            if not self._said and waited >= SAY_AFTER_S:
                self._say(f"the aggregator does not answer: trying again for {self._give_up_s:.0f} s")
                self._said = True
            return min(_back_off(waited), self._give_up_s - waited)

    def busy(self, waited: float) -> Optional[float]:
        """It said "come again"."""
        return None if waited >= self._give_up_s else _back_off(waited)

    def held_up(self, sentences: List[str]) -> None:
        """By these: each is said once, however often it comes and goes."""
        with self._lock:
            for sentence in sentences:
                if sentence not in self._held_up:
                    self._held_up.add(sentence)
                    self._say(sentence)


def _back_off(waited: float) -> float:
    """A quarter of what was waited already: grows by itself, however many threads ask."""
    return min(max(waited / 4, FIRST_WAIT_S), LONGEST_WAIT_S)


class _SlowAnswer:
    """While somebody waits for an answer that should come at once: looks after a while why it does not."""

    def __init__(self, look: Callable[[], Any]):
        self._timer = threading.Timer(SLOW_ANSWER_S, look)
        self._timer.daemon = True

    def __enter__(self) -> None:
        try:
            self._timer.start()
        except RuntimeError:  # the program ends: threads can be begun no more
            pass

    def __exit__(self, *_: Any) -> None:
        self._timer.cancel()


class Api:
    """Thread-safe."""

    def __init__(self, endpoint: Endpoint, say: Callable[[str], None], give_up_s: float = GIVE_UP_S):
        self._client = Client(endpoint)
        self._patience = Patience(give_up_s, say)
        self._gone = threading.Event()
        self._is_quiet = False  # the last watch brought nothing

    def give_up(self) -> None:
        """Nothing is tried again from now on; what waits for its next try ends."""
        self._gone.set()

    def get(self, path: str, wait_s: float = 0) -> Any:
        return self._json(self._send("GET", path, wait_s=wait_s))

    def post(self, path: str, body: Dict[str, Any]) -> Any:
        return self._json(self._post(path, json.dumps(body).encode(), "application/json"))

    def submit(self, body: Dict[str, Any]) -> Any:
        """The answer: `job`, and `note` where it would wait."""
        return self.post("/api/v1/jobs", {**body, "submit_id": str(uuid.uuid4())})

    def put_blob(self, data: bytes) -> Dict[str, Any]:
        """What a task's `stdin` says."""
        reply = self._json(self._post("/api/v1/blobs", data, "application/octet-stream"))
        return {"blob": reply["blob"], "size_bytes": reply["size_bytes"]}

    def offer_blob(self, data: bytes) -> Dict[str, Any]:
        """The same of what may have been put before: only what the aggregator does not have is sent."""
        if len(data) < WORTH_ASKING_BYTES:
            return self.put_blob(data)
        blob = {"blob": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        try:
            self.post("/api/v1/blobs/keep", blob)
            return blob
        except RequestRefused as error:
            if error.status == BUSY:
                raise
        return self.put_blob(data)  # it is not there, or nobody there understands the question

    def append(self, job: int, first: int, tasks: List[Dict[str, Any]]) -> None:
        self.post(f"/api/v1/jobs/{job}/tasks", {"first": first, "tasks": tasks})

    def close(self, job: int) -> None:
        """No more tasks will come."""
        self.post(f"/api/v1/jobs/{job}/close", {})

    def cancel(self, job: int) -> None:
        self.post("/api/v1/jobs/cancel", {"jobs": str(job)})

    def watch(self, job: int, since: int, wait_s: float) -> Any:
        """The first one after news is short: what follows it is told soon, and who waits for long asks seldom."""
        poll_s = wait_s if self._is_quiet else min(wait_s, FIRST_POLL_S)
        view = self.get(f"/api/v1/jobs/{job}/watch?since={since}&wait_s={poll_s:.0f}", poll_s)
        if wait_s > 0:
            self._is_quiet = bool(view["version"] == since)
            if self._is_quiet:
                self._tell_hold_ups()
        return view

    def tasks(self, job: int, first: int, limit: int) -> Any:
        return self.get(f"/api/v1/jobs/{job}/tasks?first={first}&limit={limit}")

    def slots(self, job: Optional[Mapping[str, Any]] = None) -> int:
        """Cores of the nodes that take work; of those that could hold a task of `job` (words of a submission): how many
        such tasks fit. At least 1."""
        cpus = 1 if job is None else max(1, int(job.get("cpus", 1)))
        nodes = [node for node in self.get("/api/v1/nodes") if node["state"] == "on" and not node["drained"]]
        if job is not None:
            able = unfolded(self.post("/api/v1/jobs", {**job, "argv": ["true"], "env": {}, "dry_run": True})["nodes"])
            nodes = [node for node in nodes if node["node"] in able]
        return max(1, sum(int(node["cores"]) // cpus for node in nodes))

    def output(self, job: int, task: int, stream: str, offset: int = 0, wait_s: float = 0, final: bool = True) -> Output:
        path = f"/api/v1/jobs/{job}/tasks/{task}/output/{stream}?offset={offset}&wait_s={wait_s:.0f}"
        reply = self._send("GET", path + ("&final=1" if final else ""), wait_s=wait_s)
        if reply.status >= 300:
            raise _refusal(reply)
        number = {name: int(reply.headers.get("x-bramble-" + name, "0")) for name in ("offset", "size", "final")}
        return Output(reply.body, number["offset"], number["size"], number["final"] == 1)

    def _post(self, path: str, body: bytes, kind: str) -> Reply:
        with _SlowAnswer(self._tell_hold_ups):
            return self._send("POST", path, body, kind)

    def _send(self, method: str, path: str, body: Optional[bytes] = None, kind: str = "", wait_s: float = 0) -> Reply:
        began = since = time.monotonic()  # patience is for what passes by itself; room is made by people
        while True:
            try:
                reply = self._client.send(method, path, body, kind, wait_s)
            except NoAnswer as error:
                pause = None if self._gone.is_set() else self._patience.lost(time.monotonic())
                if pause is None or self._gone.wait(pause):
                    raise ClusterUnreachable(str(error)) from None
                continue
            except ValueError as error:
                raise ClusterUnreachable(str(error)) from None
            self._patience.reached()
            if reply.status != BUSY:
                return reply
            now = time.monotonic()
            pause = self._patience.busy(now - since)
            if (pause is None or now - began >= LOOK_AFTER_S) and self._tell_hold_ups():
                since = now
                pause = self._patience.busy(0) or LONGEST_WAIT_S
            if pause is None or self._gone.wait(pause):
                return reply

    def _tell_hold_ups(self) -> bool:
        """True: the head has no room. What cannot be asked now is told in another way."""
        try:
            health = self._json(self._client.send("GET", "/api/v1/health"))
        except (NoAnswer, ValueError, BrambleError):
            return False
        if not isinstance(health, dict):
            return False
        self._patience.held_up(hold_ups_in(health))
        return has_no_room(health)

    def _json(self, reply: Reply) -> Any:
        if reply.status >= 300:
            raise _refusal(reply)
        try:
            return json.loads(reply.body)
        except ValueError:
            raise RequestRefused(
                "the aggregator's answer is not understood: are it and python3-bramble of one version?", reply.status
            ) from None


def unfolded(nodes: str) -> Set[str]:
    """The names in a node set as the aggregator writes them: "head,pi[01-03,7]"."""
    names: Set[str] = set()
    for before, numbers, after in FOLDED.findall(nodes):
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            between = [str(n).zfill(len(first)) for n in range(int(first), int(last or first) + 1)] if first else [""]
            names.update(before + number + after for number in between)
    return names - {""}


def _refusal(reply: Reply) -> RequestRefused:
    try:
        message = str(json.loads(reply.body)["error"])
    except (ValueError, KeyError, TypeError):
        message = f"the aggregator answered with HTTP status {reply.status}"
    if reply.status == 401:
        message += " (token_file, BRAMBLE_TOKEN_FILE or BRAMBLE_TOKEN give a token)"
    return RequestRefused(message, reply.status)
