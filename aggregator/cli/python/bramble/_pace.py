"""How many calls of a function travel together."""

from __future__ import annotations

BATCH_S = 0.1  # long against what a task costs, short against a person's patience and at the end of the work
FREE_SLOTS = 32  # with more of them than this batches are longer, so that handing them out keeps up
MAX_CALLS = 8192
MAX_GROWTH = 16  # from one measurement to the next: one may be off
MAX_BYTES = 1 << 20  # of a batch's inputs: then it goes
MAX_RESULT_BYTES = 8 << 20


class Pace:
    """One call at first, for nobody knows how long it takes; then so many as fill the time."""

    def __init__(self, slots: int):
        self._batch_s = BATCH_S * max(1.0, slots / FREE_SLOTS)
        self.calls = 1

    def batch_ended(self, calls: int, seconds: float, result_bytes: int) -> None:
        """So many calls took so long in the kernel."""
        by_time = self._batch_s * calls / max(seconds, 1e-6)
        by_bytes = MAX_RESULT_BYTES * calls / max(result_bytes, 1)
        fitting = int(min(by_time, by_bytes))
        self.calls = max(1, min(fitting, self.calls * MAX_GROWTH, MAX_CALLS))
