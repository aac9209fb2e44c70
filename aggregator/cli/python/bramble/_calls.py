"""A job of calls: batches go out as its tasks, results come back.

One thread sends what is queued, one collects what has ended. Batches are few at a time (two for each slot and some), so
that what is queued behind them can still be cancelled, and grows into batches of the right size.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

from . import _ending, _frames
from ._answers import AGAIN, POLL_S, Answer, Answers, Batch, Call, runs
from ._api import Api
from ._pace import MAX_BYTES, Pace
from ._progress import waits_text
from ._sending import MAX_HANDLES, Function
from ._transfer import Handle
from .errors import BrambleError, CancelledError, RequestRefused, alone

SLOTS_EVERY_S = 10.0  # nodes come and go
TELL_AFTER_S = 1.0  # of a program's end that waits
CONFLICT = 409  # an input was not uploaded
ENDED = ("succeeded", "failed", "cancelled")


class Calls:
    """Thread-safe. `body` is what the job is submitted with; it is when the first call comes. `slots`: at most so many
    are used (0: all)."""

    # Whether the end of the program does not wait for what is left.
    cancel_at_exit = False

    def __init__(self, api: Api, body: Dict[str, Any], say: Callable[[str], None], slots: int = 0):
        self._api = api
        self._body = body
        self._say = say
        self._most_slots = slots
        self._slots = 1
        self._slots_until = 0.0
        self._changed = threading.Condition()
        self._queues: "OrderedDict[bytes, Deque[Call]]" = OrderedDict()
        self._paces: Dict[bytes, Pace] = {}
        self._queued = 0
        self._outstanding: Dict[int, Tuple[Batch, int]] = {}  # task: its calls, and where they begin in the batch
        self._next_task = 0
        self._closing = False
        self._error: Optional[BaseException] = None
        self._threads: List[threading.Thread] = []
        self._answers: Optional[Answers] = None
        self.job: Optional[int] = None
        self.done = 0
        self.failed = 0
        _ending.heed_sigterm()

    # --- what owners ask for

    def add(self, call: Call) -> None:
        """Queues it. Raises what made the job end, if it has."""
        with self._changed:
            if self._error is not None:
                raise self._error
            if self._closing:
                raise RuntimeError("cannot add a call after the end: this was shut down")
            self._put(call)
            if not self._threads:
                self._start()
            self._changed.notify_all()

    def close(self, wait: bool) -> None:
        """No more calls will come. `wait`: until all have ended."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if wait:
            for thread in self._threads:
                while thread.is_alive():  # in steps, so that Ctrl-C is heard
                    thread.join(0.5)

    def wait_at_exit(self) -> None:
        """Tells what is waited for, where that is not over at once."""
        self.close(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy() or self._error is not None, TELL_AFTER_S)
        if self.waiting > 0:
            self._say(waits_text(self.waiting, self.job))
        self.close(wait=True)

    def cancel_queued(self) -> None:
        """What was not sent yet fails as cancelled."""
        with self._changed:
            queued = [call for queue in self._queues.values() for call in queue]
            self._queues.clear()
            self._queued = 0
        _refuse(queued, CancelledError())

    def cancel(self, why: str = "it was cancelled") -> None:
        """Ends the job; all calls without a result fail as cancelled."""
        self._abandon(CancelledError(why))

    @property
    def is_running(self) -> bool:
        """What it has begun to send has not ended."""
        return any(thread.is_alive() for thread in self._threads[:1])

    def stop_silently(self, error: BaseException) -> None:
        """Of a program that dies: whoever waits for a result waits on. A job that is done but for its end is left alone.
        Takes no lock but one that its owner may take again."""
        with self._changed:
            if not (self._closing and not self._is_busy()):
                self._error = self._error or error
            self._changed.notify_all()

    def end_stopped_job(self, most_s: float) -> None:
        """Cancels it; one that is being submitted or closed is waited for."""
        if self._error is not None:
            self._api.give_up()
        if self.job is None or self._error is None:
            self._threads[0].join(most_s)
        if self.job is not None and self._error is not None:
            self._api.cancel(self.job)

    def appetite(self, function: Function) -> int:
        """So many calls of it ahead of those whose results were taken keep all slots busy."""
        with self._changed:
            pace = self._paces.get(function.definition.key)
            return max(64, 8 * self._slots * (pace.calls if pace else 1))

    @property
    def waiting(self) -> int:
        """Calls without a result."""
        with self._changed:
            return self._queued + sum(len(batch) for batch, _ in self._outstanding.values())

    @property
    def has_ended(self) -> bool:
        with self._changed:
            return self._error is not None or not self._threads or (self._closing and not self._is_busy())

    @property
    def all_answered(self) -> bool:
        """Nothing is left to do but to end the job well."""
        with self._changed:
            return self._error is None and self._closing and not self._is_busy()

    # --- the queue; the lock is held

    def _start(self) -> None:
        for target in (self._send_all, self._collect_all):
            thread = threading.Thread(target=self._guarded, args=(target,), name="bramble", daemon=True)
            self._threads.append(thread)
            thread.start()
        _ending.running.add(self)

    def _put(self, call: Call) -> None:
        key = call.function.definition.key
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            self._paces.setdefault(key, Pace(self._slots))
        queue.append(call)
        self._queued += 1

    def _take(self) -> Tuple[int, Batch]:
        """A task with calls of one function, that of the next in turn. They are outstanding from now on, so that at no
        moment nobody knows of them."""
        key, queue = next(iter(self._queues.items()))
        idle = max(1, self._slots - len(self._outstanding))
        most = min(self._paces[key].calls, -(-len(queue) // idle))
        task = self._next_task
        batch: Batch = []
        self._outstanding[task] = (batch, 0)
        size = 0
        handles: Set[Handle] = set()
        while queue and len(batch) < most and size < MAX_BYTES:
            if len(handles | queue[0].input.handles) > MAX_HANDLES:
                break
            call = queue.popleft()
            handles |= call.input.handles
            self._queued -= 1
            if call.sends > 0 or call.begin is None or call.begin():
                call.sends += 1
                batch.append(call)
                size += len(call.input.data)
        self._queues.move_to_end(key)
        if not queue:
            del self._queues[key]
        if batch:
            self._next_task += 1
        else:  # all were cancelled: perhaps that was the last that others wait for
            del self._outstanding[task]
            self._changed.notify_all()
        return task, batch

    def _is_busy(self) -> bool:
        return self._queued > 0 or bool(self._outstanding)

    # --- the thread that sends

    def _send_all(self) -> None:
        while self._wait_to_send():
            self._refresh_slots()
            with self._changed:
                task, batch = self._take() if self._queues else (0, [])
            if batch:
                self._send(task, batch)
        if self.job is not None and self._error is None:
            self._api.close(self.job)

    def _wait_to_send(self) -> bool:
        """False: there will be nothing more."""
        with self._changed:
            while self._error is None:
                if self._queued > 0 and len(self._outstanding) < 2 * self._slots + 2:
                    return True
                if self._closing and not self._is_busy():
                    return False
                self._changed.wait()
            return False

    def _refresh_slots(self) -> None:
        if time.monotonic() < self._slots_until:
            return
        slots = self._api.slots(self._body)
        with self._changed:
            self._slots = min(slots, self._most_slots) if self._most_slots > 0 else slots
        self._slots_until = time.monotonic() + SLOTS_EVERY_S

    def _send(self, task: int, batch: Batch) -> None:
        definitions: Dict[bytes, bytes] = {}
        for call in batch:
            for needed in (call.function.definition, *call.input.needs):
                if needed.key not in definitions:
                    definitions.update((each.key, each.input) for each in needed.with_needs())
        data = _frames.batch_of(list(definitions.values()) + [call.input.data for call in batch])
        with self._changed:
            if task not in self._outstanding:  # all was ended meanwhile
                return
            self._outstanding[task] = (batch, len(definitions))
        if self.job is None:
            self._submit()
        assert self.job is not None
        self._append(self.job, task, data, set().union(*(call.input.handles for call in batch)))
        with self._changed:
            self._changed.notify_all()

    def _append(self, job: int, task: int, data: bytes, handles: Set[Handle]) -> None:
        entry: Dict[str, Any] = {"stdin": self._api.put_blob(data)}
        if handles:
            entry["files"] = [{"name": handle._name, **handle._blob} for handle in handles]
        try:
            self._api.append(job, task, [entry])
        except RequestRefused as error:
            if not self._api.watch(job, 0, 0)["open"]:  # and nobody here has closed it
                raise CancelledError(f"job {job} was cancelled") from None
            if error.status != CONFLICT or not handles:
                raise
            for handle in handles:  # nothing had used it for a while
                self._api.offer_blob(handle._packed.data)
            self._api.append(job, task, [entry])

    def _submit(self) -> None:
        answer = self._api.submit(self._body)
        self.job = int(answer["job"])
        self._answers = Answers(self._api, self.job)
        if answer.get("note"):
            self._say(f"job {self.job} waits: {answer['note']}")
        if self._error is not None:  # cancelled meanwhile
            self._api.cancel(self.job)
            raise self._error

    # --- the thread that collects

    def _collect_all(self) -> None:
        version = ended = 0
        while self._wait_to_collect():
            assert self.job is not None
            view = self._api.watch(self.job, version, POLL_S)
            now_ended = sum(view["tasks"][state] for state in ENDED)
            is_news = now_ended != ended or view["version"] == version or view["state"] == "cancelled"
            version, ended = view["version"], now_ended
            if not is_news:
                continue
            for task in self._ended_tasks():
                self._collect(task)

    def _wait_to_collect(self) -> bool:
        with self._changed:
            while self._error is None:
                if self._outstanding and self.job is not None:
                    return True
                if self._closing and not self._is_busy():
                    return False
                self._changed.wait()
            return False

    def _ended_tasks(self) -> List[Dict[str, Any]]:
        assert self.job is not None
        with self._changed:
            wanted = sorted(self._outstanding)
        ended = []
        for first, last in runs(wanted):
            for task in self._api.tasks(self.job, first, last - first + 1):
                if task["state"] in ENDED and task["task"] in self._outstanding:
                    ended.append(task)
        return ended

    def _collect(self, task: Dict[str, Any]) -> None:
        index = task["task"]
        with self._changed:
            batch, begin = self._outstanding.get(index, ([], 0))
        if not batch:
            return  # all was ended meanwhile
        if task["state"] == "cancelled":
            raise CancelledError(f"job {self.job} was cancelled")
        assert self._answers is not None
        answers, measure = self._answers.of(task, batch, begin)
        if measure.calls > 0:
            self._paces[batch[0].function.definition.key].batch_ended(*measure)
        self._deliver(index, list(zip(batch, answers)))

    def _deliver(self, index: int, answers: List[Tuple[Call, Answer]]) -> None:
        with self._changed:
            if self._outstanding.pop(index, None) is None:
                return
            for call, (good, value) in answers:
                if value is AGAIN:
                    self._put(call)
                    continue
                self.done += 1
                if not good:
                    self.failed += 1
        try:
            _tell([(call, answer) for call, answer in answers if answer[1] is not AGAIN])
        finally:
            with self._changed:
                self._changed.notify_all()

    def _guarded(self, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:  # it must reach whoever waits for a result
            self._abandon(alone(error))
        finally:  # the other one may have waited for what this one did last
            with self._changed:
                self._changed.notify_all()

    def _abandon(self, error: BaseException) -> None:
        """All calls without a result fail, and the job ends on the cluster, too."""
        lost = self._stop(error)
        if lost is None:
            return
        try:
            _refuse(lost, error)
        finally:
            self._api.give_up()
            if self.job is not None:
                try:
                    self._api.cancel(self.job)
                except BrambleError:
                    pass  # what can be said was said

    def _stop(self, error: BaseException) -> Optional[List[Call]]:
        """The calls that will have no result. None: it had ended before."""
        with self._changed:
            if self._error is not None or (self._closing and self._threads and not self._is_busy()):
                return None
            self._error = error
            lost = [call for batch, _ in self._outstanding.values() for call in batch]
            lost += [call for queue in self._queues.values() for call in queue]
            self._outstanding.clear()
            self._queues.clear()
            self._queued = 0
            self._changed.notify_all()
        return lost


def _refuse(calls: List[Call], error: BaseException) -> None:
    _tell([(call, (False, error)) for call in calls])


def _tell(answers: List[Tuple[Call, Answer]]) -> None:
    """What one of them raises (a callback of a person's) is raised when all were told."""
    raised: Optional[BaseException] = None
    for call, (good, value) in answers:
        try:
            if call.sends > 0 or call.begin is None or call.begin():
                call.accept(good, value)
        except BaseException as error:
            raised = raised or error
    if raised is not None:
        raise raised
