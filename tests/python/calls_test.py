#!/usr/bin/env python3
"""What becomes of calls when something happens at an awkward moment: each of them ends, whatever it is."""

import itertools
import signal
import threading
import unittest
from unittest import mock

from bramble import BatchFailed, BrambleError, CancelledError, Cluster, Executor, Pool, _calls, _ending, _frames
from bramble._mapping import Results

LONG_S = 60  # nobody waits for so long, unless something hangs


class Failing:
    """The API of an aggregator where each batch fails at once. It does not answer before it is `opened`."""

    def __init__(self):
        self.opened = threading.Event()
        self.changed = threading.Condition()
        self.appended = 0
        self.is_closed = False
        self.cancelled = []

    def slots(self, job):
        self.opened.wait(LONG_S)
        return 1

    def submit(self, body):
        return {"job": 1}

    def put_blob(self, data):
        return {"blob": "sha", "size_bytes": len(data)}

    def append(self, job, first, tasks):
        with self.changed:
            self.appended += len(tasks)
            self.changed.notify_all()

    def watch(self, job, since, wait_s):
        with self.changed:
            self.changed.wait_for(lambda: self.appended != since, LONG_S)
            counts = {"succeeded": 0, "failed": self.appended, "cancelled": 0}
            return {"version": self.appended, "tasks": counts, "state": "running", "open": not self.is_closed}

    def tasks(self, job, first, limit):
        ended = {"state": "failed", "tries": [{"outcome": "lost", "text": "its node went away"}]}
        return [{"task": task, **ended} for task in range(first, min(first + limit, self.appended))]

    def output(self, *_, **__):
        raise BrambleError("there is none")

    def close(self, job):
        self.is_closed = True

    def give_up(self):
        self.opened.set()

    def cancel(self, job):
        self.cancelled.append(job)


class Watched(threading.Condition):
    """Tells when a thread waits."""

    def __init__(self):
        super().__init__()
        self.waits = threading.Semaphore(0)

    def wait(self, timeout=None):
        self.waits.release()  # the lock is held: who takes it next finds the thread waiting
        return super().wait(timeout)


class WithCalls(unittest.TestCase):
    def setUp(self):
        self.api = Failing()
        self.cluster = Cluster("unix:/nowhere", progress=False)
        self.cluster._api = lambda: self.api
        self.addCleanup(self.api.opened.set)

    def executor(self):
        executor = Executor(self.cluster)
        self.addCleanup(_ending.running.discard, executor._calls)  # one that hangs would hang the test's own end
        return executor

    def assert_ends(self, calls):
        for thread in calls._threads:
            thread.join(LONG_S)
            self.assertFalse(thread.is_alive(), "a thread waits for ever")
        self.assertTrue(calls.has_ended)

    def while_a_batch_is_made(self, action):
        """`action` happens when a batch is no longer queued and not yet sent."""

        def batch_of(inputs):
            action()
            return original(inputs)

        original = _frames.batch_of
        patch = mock.patch.object(_frames, "batch_of", batch_of)
        patch.start()
        self.addCleanup(patch.stop)


class Ends(WithCalls):
    def after_the_shutdown(self, action):
        """`action` happens when the thread that collects knows of the shutdown, and that there is something to wait for."""
        executor = self.executor()
        changed = executor._calls._changed = Watched()
        future = executor.submit(pow, 2, 3)
        self.assertTrue(changed.waits.acquire(timeout=LONG_S))
        executor.shutdown(wait=False)
        self.assertTrue(changed.waits.acquire(timeout=LONG_S))
        action(executor, future)
        self.api.opened.set()
        self.assert_ends(executor._calls)
        self.assertRaises(CancelledError, future.result, 0)
        self.assertEqual(self.api.appended, 0)

    def test_come_when_all_calls_were_cancelled_before_they_were_sent(self):
        self.after_the_shutdown(lambda _, future: self.assertTrue(future.cancel()))

    def test_come_when_all_that_was_queued_is_cancelled(self):
        self.after_the_shutdown(lambda executor, _: executor._calls.cancel_queued())

    def test_wait_for_a_batch_that_is_being_made(self):
        executor = self.executor()
        seen = []

        def close():
            executor.shutdown(wait=False)
            seen.append((executor._calls.has_ended, executor._calls.waiting))

        self.while_a_batch_is_made(close)
        future = executor.submit(pow, 2, 3)
        self.api.opened.set()
        self.assertIsInstance(future.exception(LONG_S), BatchFailed)
        self.assertEqual(seen, [(False, 1)])
        self.assert_ends(executor._calls)


    def test_at_sigterm_leave_a_handler_of_the_programs_own(self):
        self.addCleanup(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        own = lambda *_: None
        for before in (own, signal.SIG_IGN):
            signal.signal(signal.SIGTERM, before)
            self.executor()
            self.assertIs(signal.getsignal(signal.SIGTERM), before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        thread = threading.Thread(target=self.executor)
        thread.start()
        thread.join()
        self.assertEqual(signal.getsignal(signal.SIGTERM), signal.SIG_DFL, "only the main thread can set one")
        self.executor()
        self.assertIs(signal.getsignal(signal.SIGTERM), _ending._terminated)

    def test_at_sigterm_cancel_a_job_that_is_being_submitted(self):
        executor = self.executor()
        submitting = threading.Event()

        def submit(body):
            submitting.set()
            self.api.opened.wait(LONG_S)
            return {"job": 1}

        self.api.submit = submit
        self.api.slots = lambda job: 1
        future = executor.submit(pow, 2, 3)
        self.assertTrue(submitting.wait(LONG_S))
        _ending._end_all()
        self.assert_ends(executor._calls)
        self.assertIn(1, self.api.cancelled)
        self.assertEqual((self.api.appended, self.api.is_closed, future.done()), (0, False, False))

    def test_of_the_program_says_what_it_waits_for(self):
        executor = self.executor()
        said = []
        executor._calls._say = lambda text: (said.append(text), self.api.opened.set())
        with mock.patch.object(_calls, "TELL_AFTER_S", 0):
            future = executor.submit(pow, 2, 3)
            executor._calls.wait_at_exit()
        self.assertIsInstance(future.exception(0), BatchFailed)
        self.assertEqual(said, ["waiting for 1 call; Ctrl-C cancels it"])

    def test_of_the_program_says_nothing_where_all_is_answered(self):
        executor = self.executor()
        said = []
        executor._calls._say = said.append
        self.api.opened.set()
        future = executor.submit(pow, 2, 3)
        self.assertIsInstance(future.exception(LONG_S), BatchFailed)
        executor._calls.wait_at_exit()
        self.assertEqual(said, [])

    def test_of_a_cluster_is_the_end_of_submitting(self):
        self.cluster.close()
        for call in (self.cluster.submit, self.cluster.map):
            self.assertRaisesRegex(RuntimeError, "this cluster was closed", call, pow, [2], [3])


class Batches(WithCalls):
    def test_that_are_cancelled_while_they_are_made_fail_as_cancelled(self):
        executor = self.executor()
        self.while_a_batch_is_made(executor.cancel)
        future = executor.submit(pow, 2, 3)
        self.api.opened.set()
        self.assertIsInstance(future.exception(LONG_S), CancelledError)
        self.assert_ends(executor._calls)
        self.assertEqual(self.api.appended, 0)

    def test_that_cannot_be_made_fail_with_the_reason(self):
        for is_shut_down in (False, True):
            with self.subTest(is_shut_down=is_shut_down):
                executor = self.executor()

                def fail():
                    if is_shut_down:
                        executor.shutdown(wait=False)
                    raise MemoryError("too much")

                self.while_a_batch_is_made(fail)
                future = executor.submit(pow, 2, 3)
                self.api.opened.set()
                self.assertIsInstance(future.exception(LONG_S), MemoryError)
                self.assert_ends(executor._calls)


class Told(WithCalls):
    def test_are_all_calls_though_a_callback_raises(self):
        pool = Pool(cluster=self.cluster)
        self.addCleanup(_ending.running.discard, pool._calls)
        told = []

        def tell(error):
            told.append(error)
            raise KeyError("of the callback")

        results = [pool.apply_async(pow, (2, n), error_callback=tell) for n in range(5)]
        self.api.opened.set()
        self.assertRaises(BatchFailed, results[0].get, LONG_S)
        for result in results[1:]:
            with self.assertRaisesRegex(KeyError, "of the callback"):
                result.get(LONG_S)
        self.assert_ends(pool._calls)
        self.assertEqual(len(told), 5)
        self.assertEqual(self.api.cancelled, [1])


class Maps(WithCalls):
    def test_that_are_cancelled_can_be_taken_to_their_end(self):
        calls = self.cluster._new_calls("map")

        def inputs():
            yield from ((n,) for n in range(3))
            calls.cancel()
            yield from ((n,) for n in itertools.count())

        results = Results(calls, self.cluster._sender, self.cluster._sender.function(abs), inputs())
        for _ in range(3 + 1):  # the calls that were taken, and why no more were
            self.assertRaises(CancelledError, results.next, LONG_S)
        self.assertRaises(StopIteration, results.next, LONG_S)

    def test_hear_a_signal_that_does_not_wake_who_waits(self):
        """As one that comes just before the wait; here it comes to another thread."""

        def interrupt(*_):
            raise KeyboardInterrupt

        def inputs():
            watched.wait(LONG_S)
            yield (1,)

        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, interrupt))
        watched = threading.Event()
        sender = self.cluster._sender
        results = Results(self.cluster._new_calls("map"), sender, sender.function(abs), inputs())
        changed = results._state.changed = Watched()
        watched.set()

        def send():
            changed.waits.acquire()
            with changed:  # it waits
                signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

        threading.Thread(target=send, daemon=True).start()
        self.assertRaises(KeyboardInterrupt, results.next)


if __name__ == "__main__":
    unittest.main()
