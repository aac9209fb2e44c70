"""What became of a batch of calls: its replies, or why it has none."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import _frames, _kernel, _transfer
from ._api import Api
from ._failures import exception_of
from ._sending import Function, Input, call_text
from .errors import BatchFailed, BrambleError, CallTimeout, KernelDied

GAP = 16  # so many tasks that nobody asks for are listed rather than asking twice
POLL_S = 10.0
MAX_SENDS = 5  # of one call, because processes on nodes were younger than its batch
TAIL_BYTES = 2048

AGAIN: Any = object()  # in place of a result: the call must be sent again
Answer = Tuple[bool, Any]  # (True, result) or (False, exception)


class Call:
    """`begin` is asked before it is sent: False if it was cancelled. `accept` is told its answer, once."""

    __slots__ = ("function", "input", "accept", "begin", "sends")

    def __init__(
        self,
        function: Function,
        input: Input,
        accept: Callable[[bool, Any], None],
        begin: Optional[Callable[[], bool]] = None,
    ):
        self.function = function
        self.input = input
        self.accept = accept
        self.begin = begin
        self.sends = 0


Batch = List[Call]


class Measure(NamedTuple):
    """Of the calls that have a result: what Pace wants to know."""

    calls: int
    seconds: float
    result_bytes: int


class Answers:
    """Of one job."""

    def __init__(self, api: Api, job: int):
        self._api = api
        self._job = job

    def of(self, task: Dict[str, Any], batch: Batch, begin: int) -> Tuple[List[Answer], Measure]:
        """The answer to each call of a batch that has ended. `begin`: the number of the first call in it."""
        index = task["task"]
        end = _last_try(task)
        if end.get("outcome") != "exited":
            return [(False, self._batch_error(index, end)) for _ in batch], Measure(0, 0, 0)
        told, measure = self._read(index, batch, begin)
        return [told.get(call) or (False, self._batch_error(index, end)) for call in batch], measure

    def _read(self, index: int, batch: Batch, begin: int) -> Tuple[Dict[Call, Answer], Measure]:
        told: Dict[Call, Answer] = {}
        calls = microseconds = size = 0
        for number, status, result in _frames.replies_in(self._output(index)):
            if not begin <= number < begin + len(batch):
                continue
            call = batch[number - begin]
            if status == _frames.GOOD and result[:1] == _kernel.RESULT:
                calls += 1
                size += len(result)
                microseconds += _kernel.MICROSECONDS.unpack_from(result, 1)[0] + 1
                told[call] = _unpacked(result[1 + _kernel.MICROSECONDS.size :])
            elif status == _frames.GOOD and call.sends < MAX_SENDS:
                told[call] = (True, AGAIN)
            elif status == _frames.FAILED:
                told[call] = (False, exception_of(result))
            else:
                told[call] = (False, self._died(index, status, call, result))
        return told, Measure(calls, microseconds / 1e6, size)

    def _output(self, index: int) -> bytes:
        part = self._api.output(self._job, index, "stdout", wait_s=POLL_S)
        while not part.is_final:
            part = self._api.output(self._job, index, "stdout", wait_s=POLL_S)
        pieces = [part.data]
        have = len(part.data)
        while have < part.size and part.data:
            part = self._api.output(self._job, index, "stdout", offset=have)
            pieces.append(part.data)
            have += len(part.data)
        return b"".join(pieces)

    def _died(self, index: int, status: int, call: Call, said: memoryview) -> BrambleError:
        text = f"{call_text(call.function, call.input)}: {bytes(said).decode('utf-8', 'replace')}"
        if status == _frames.TIMED_OUT:
            return CallTimeout(text)
        return KernelDied(text + self._error_tail(index))

    def _batch_error(self, index: int, end: Dict[str, Any]) -> BrambleError:
        how = end.get("text") or end.get("outcome") or "ended without a result"
        where = f" on {end['node']}" if end.get("node") else ""
        return BatchFailed(f"task {self._job}.{index}, in which the call went{where}: {how}{self._error_tail(index)}")

    def _error_tail(self, index: int) -> str:
        """The end of what the processes wrote to standard error."""
        try:
            part = self._api.output(self._job, index, "stderr", final=False)
            if part.size > len(part.data):
                part = self._api.output(self._job, index, "stderr", offset=part.size - TAIL_BYTES, final=False)
        except BrambleError:
            return ""
        text = part.data[-TAIL_BYTES:].decode("utf-8", "replace").strip()
        return f"\nStandard error of task {self._job}.{index} ends so:\n{text}" if text else ""


def _unpacked(data: memoryview) -> Answer:
    try:
        return True, _transfer.unpack(data)
    except Exception as error:
        return False, BrambleError(f"cannot read the result that came back: {type(error).__name__}: {error}")


def _last_try(task: Dict[str, Any]) -> Dict[str, Any]:
    tries: List[Dict[str, Any]] = task.get("tries") or [{}]
    return next((each for each in tries if each.get("committed")), tries[-1])


def runs(numbers: List[int]) -> Iterator[Tuple[int, int]]:
    """First and last of what can be listed at once."""
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] - numbers[end] <= GAP:
            end += 1
        yield numbers[at], numbers[end]
        at = end + 1
