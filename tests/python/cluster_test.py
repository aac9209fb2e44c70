#!/usr/bin/env python3
"""The package against a real cluster on this machine: real daemons, real nodes, real kernels."""

import concurrent.futures
import dataclasses
import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from bramble import Cluster, Executor, KernelDied, Pool
from bramble._api import Api
from bramble._endpoint import find_endpoint

LONG_S = 100  # nobody waits for so long
state = {}


def setUpModule():
    state["folder"] = tempfile.TemporaryDirectory()
    state["cluster"] = Cluster.local(agents=2, slots=1, directory=state["folder"].name + "/cluster", progress=False)


def tearDownModule():
    state["cluster"].close()
    state["folder"].cleanup()


def pid_of(part):
    pids = json.loads(Path(state["folder"].name, "cluster/pids.json").read_text())
    return pids[part] if part in pids else pids["nodes"]["local01"][part]


@dataclasses.dataclass
class Point:
    x: int


def square(x):
    return x * x


def fail_at_five(x):
    if x == 5:
        raise ValueError("five")
    return x


def die_at_five(x):
    if x == 5:
        os._exit(3)
    return x


def slow_square(x):
    time.sleep(0.02)
    return x * x


class Mapping(unittest.TestCase):
    def setUp(self):
        self.cluster = state["cluster"]

    def job_state(self, calls):
        api = Api(find_endpoint(self.cluster.url), print)
        version = 0
        while True:
            view = api.watch(calls.job, version, 10)
            version = view["version"]
            if view["state"] not in ("waiting", "running"):
                return view["state"]

    def test_the_first_example(self):
        self.assertEqual(sum(self.cluster.map(lambda x: x * x, range(1, 100))), 328350)

    def test_results_are_in_the_order_of_the_inputs(self):
        self.assertEqual(list(self.cluster.map(square, range(2000))), [x * x for x in range(2000)])

    def test_or_as_they_come(self):
        results = self.cluster.map(square, range(500), ordered=False)
        self.assertEqual(sorted(results), [x * x for x in range(500)])

    def test_several_inputs_end_with_the_shortest(self):
        self.assertEqual(list(self.cluster.map(pow, [2, 3, 4], itertools.count(1))), [2, 9, 64])
        self.assertEqual(list(self.cluster.starmap(pow, [(2, 3), (3, 2)])), [8, 9])
        self.assertEqual(list(self.cluster.map(square, [])), [])

    def test_endless_inputs_are_read_as_results_are_taken(self):
        read = itertools.count()
        results = self.cluster.map(square, read)
        self.assertEqual(list(itertools.islice(results, 100)), [x * x for x in range(100)])
        results.close()
        self.assertLess(next(read), 10_000_000)
        # Whatever was sent may have ended just then.
        self.assertIn(self.job_state(results._state.calls), ("cancelled", "succeeded"))

    def test_inputs_that_raise_do_so_behind_the_results_before(self):
        def inputs():
            yield 1
            yield 2
            raise KeyError("no more")

        results = self.cluster.map(square, inputs())
        self.assertEqual([next(results), next(results)], [1, 4])
        with self.assertRaisesRegex(KeyError, "no more"):
            next(results)

    def test_a_call_that_raises_does_so_in_its_turn_and_the_next_goes_on(self):
        results = self.cluster.map(fail_at_five, range(8))
        self.assertEqual(list(itertools.islice(results, 5)), [0, 1, 2, 3, 4])
        with self.assertRaisesRegex(ValueError, "^five$") as caught:
            next(results)
        self.assertIn("in fail_at_five", str(caught.exception.__cause__))
        self.assertEqual(list(results), [6, 7])

    def test_a_call_that_kills_its_process_fails_alone(self):
        results = self.cluster.map(die_at_five, range(40))
        self.assertEqual(list(itertools.islice(results, 5)), [0, 1, 2, 3, 4])
        with self.assertRaisesRegex(KernelDied, r"^die_at_five\(5\): .* status 3"):
            next(results)
        self.assertEqual(list(results), list(range(6, 40)))

    def test_a_call_that_takes_too_long_fails_alone(self):
        limited = Cluster(self.cluster.url, call_limit=5.0)  # the start of a process counts, too
        results = limited.map(time.sleep, [0, LONG_S, 0])
        self.assertIsNone(next(results))
        with self.assertRaisesRegex(TimeoutError, rf"^sleep\({LONG_S}\): "):
            next(results)
        self.assertIsNone(next(results))

    def test_instances_of_classes_of_the_script_come_back_as_such(self):
        results = list(self.cluster.map(lambda p: Point(p.x + 1), [Point(i) for i in range(50)]))
        self.assertEqual(results, [Point(i + 1) for i in range(50)])

    def test_what_is_not_held_any_more_is_cancelled(self):
        results = self.cluster.map(time.sleep, [0] + [LONG_S] * 10)
        self.assertIsNone(next(results))
        calls = results._state.calls
        del results
        self.assertEqual(self.job_state(calls), "cancelled")

    def test_a_job_that_somebody_cancels_ends_with_it(self):
        results = self.cluster.map(time.sleep, [0] + [LONG_S] * 10)
        self.assertIsNone(next(results))
        Api(find_endpoint(self.cluster.url), print).cancel(results._state.calls.job)
        with self.assertRaises(concurrent.futures.CancelledError):
            next(results)

    def test_a_map_inside_of_a_map_of_generators(self):
        inner = self.cluster.map(square, range(20))
        self.assertEqual(list(self.cluster.map(lambda x: x + 1, inner)), [x * x + 1 for x in range(20)])

    def test_data_that_is_put_is_there_in_every_call(self):
        table = self.cluster.put({n: "x" * n for n in range(1000)})
        self.assertEqual(list(self.cluster.map(lambda n, there: len(there[n]), range(500), [table] * 500)), list(range(500)))
        self.assertEqual(sum(self.cluster.map(lambda n: len(table[n]), range(1000))), 499500)
        others = [self.cluster.put([n]) for n in range(70)]  # more than go along with one batch
        self.assertEqual(list(self.cluster.map(lambda each: each[0], others)), list(range(70)))

    def test_only_slots_that_it_may_use_are_counted(self):
        self.assertEqual(self.cluster.slots(), 2)
        chosen = Cluster(self.cluster.url, on="local02", progress=False)
        self.assertEqual(chosen.slots(), 1)
        results = chosen.map(lambda _: os.environ["BRAMBLE_NODE"], range(20))
        self.assertEqual(set(results), {"local02"})
        self.assertEqual(results._state.calls._slots, 1)

    def test_calls_can_be_isolated_from_other_tasks(self):
        missing = {node["no_sandbox"] for node in Api(find_endpoint(self.cluster.url), print).get("/api/v1/nodes")}
        if missing != {""}:
            self.skipTest("nodes cannot isolate tasks here: " + "; ".join(sorted(missing)))
        isolated = Cluster(self.cluster.url, job={"isolate": "sandbox"}, progress=False)
        table = isolated.put(["put"])

        def look(agent):
            return os.path.exists(f"/proc/{agent}/stat"), table[0]

        self.assertEqual(next(isolated.map(look, [pid_of("agent")])), (False, "put"))

    def test_a_program_that_has_all_results_leaves_no_job_open(self):
        script = (
            "from bramble import Cluster\nresults = Cluster().map(lambda x: x * x, range(1, 100))\n"
            "print(sum(results), results._state.calls.job)\n"
        )
        env = {**os.environ, "BRAMBLE_URL": self.cluster.url}
        said = subprocess.run([sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, timeout=60, check=True)
        total, job = map(int, said.stdout.split())
        self.assertEqual(total, 328350)
        self.assertEqual(Api(find_endpoint(self.cluster.url), print).get(f"/api/v1/jobs/{job}")["state"], "succeeded")

    def start_program(self, script):
        return subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "BRAMBLE_URL": self.cluster.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def test_sigterm_cancels_the_jobs_and_ends_the_program(self):
        script = (
            "import time\nfrom bramble import Cluster\ncluster = Cluster()\n"
            "results = cluster.map(time.sleep, [0] + [100] * 10)\nfuture = cluster.submit(pow, 2, 3)\n"
            "next(results), future.result()\n"
            "print(results._state.calls.job, cluster._executor._calls.job, flush=True)\nnext(results)\n"
        )
        child = self.start_program(script)
        jobs = child.stdout.readline().split()
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=60)
        self.assertEqual((child.returncode, errors), (-signal.SIGTERM, b""))
        states = [self.job_state(type("Job", (), {"job": int(job)})) for job in jobs]
        self.assertEqual(states, ["cancelled", "succeeded"], "of the second all was done; neither is open")

    def test_ctrl_c_cancels_the_job(self):
        script = (
            "import time\nfrom bramble import Cluster\n"
            "results = Cluster().map(time.sleep, [0] + [100] * 10)\n"
            "next(results)\nprint(results._state.calls.job, flush=True)\nnext(results)\n"
        )
        child = self.start_program(script)
        job = int(child.stdout.readline())
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
        self.assertIn(b"KeyboardInterrupt", errors)
        self.assertEqual(self.job_state(type("Job", (), {"job": job})), "cancelled")

    def test_ctrl_c_while_the_programs_end_is_waited_for_is_no_success(self):
        script = (
            "import atexit, time\natexit.register(print, 'the last word')\nfrom bramble import Cluster\n"
            "future = Cluster().submit(time.sleep, 100)\n"
        )
        child = self.start_program(script)
        told = child.stderr.readline()
        self.assertIn(b"Ctrl-C cancels it", told)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (-signal.SIGINT, b"the last word\n"))
        job = int(told.split(b"of job ")[1].split(b";")[0])
        self.assertEqual(self.job_state(type("Job", (), {"job": job})), "cancelled")


class Futures(unittest.TestCase):
    def setUp(self):
        self.cluster = state["cluster"]

    def test_submit_gives_a_future(self):
        futures = [self.cluster.submit(pow, 2, n) for n in range(20)]
        self.assertEqual([future.result() for future in concurrent.futures.as_completed(futures)].count(1024), 1)
        self.assertEqual(self.cluster.submit(int, "ff", base=16).result(), 255)
        with self.assertRaises(ZeroDivisionError):
            self.cluster.submit(lambda: 1 / 0).result()

    def test_an_executor_is_one_of_concurrent_futures(self):
        with Executor(self.cluster) as executor:
            self.assertIsInstance(executor, concurrent.futures.Executor)
            self.assertEqual(list(executor.map(pow, [2, 3], [3, 2])), [8, 9])
            done, left = concurrent.futures.wait([executor.submit(square, n) for n in range(10)])
            self.assertEqual((sorted(each.result() for each in done)[-1], len(left)), (81, 0))
        with self.assertRaisesRegex(RuntimeError, "shut down"):
            executor.submit(square, 1)

    def test_what_was_not_sent_yet_can_be_cancelled(self):
        executor = Executor(self.cluster, max_workers=1)
        began = executor.submit(time.sleep, 0)
        began.result()
        futures = [executor.submit(time.sleep, LONG_S) for _ in range(30)]
        self.assertTrue(futures[-1].cancel())
        self.assertRaises(concurrent.futures.CancelledError, futures[-1].result)
        executor.shutdown(wait=False, cancel_futures=True)
        self.assertRaises(concurrent.futures.CancelledError, futures[-2].result)
        executor.cancel()
        self.assertRaises(concurrent.futures.CancelledError, futures[0].result)

    def test_an_initializer_runs_once_in_each_process(self):
        def prepare(word):
            import builtins

            builtins.prepared = getattr(builtins, "prepared", []) + [word]

        def look():
            import builtins

            return builtins.prepared

        with Executor(self.cluster, initializer=prepare, initargs=("once",)) as executor:
            self.assertEqual({tuple(each) for each in executor.map(lambda _: look(), range(30))}, {("once",)})

    def test_map_of_an_executor_keeps_to_its_time(self):
        executor = Executor(self.cluster)
        with self.assertRaises(concurrent.futures.TimeoutError):
            list(executor.map(time.sleep, [LONG_S], timeout=0.1))
        executor.cancel()


class Pools(unittest.TestCase):
    def test_do_what_those_of_multiprocessing_do(self):
        with Pool(2, cluster=state["cluster"]) as pool:
            self.assertEqual(pool.map(square, range(10), chunksize=3), [x * x for x in range(10)])
            self.assertEqual(pool.map(square, []), [])
            self.assertEqual(pool.starmap(pow, [(2, 3), (3, 2)]), [8, 9])
            self.assertEqual(pool.apply(int, ("ff",), {"base": 16}), 255)
            self.assertEqual(list(pool.imap(square, range(10))), [x * x for x in range(10)])
            self.assertEqual(sorted(pool.imap_unordered(square, range(10))), [x * x for x in range(10)])
            pool.close()
            pool.join()
            with self.assertRaisesRegex(ValueError, "not running"):
                pool.map(square, [1])

    def test_call_back_and_tell_errors(self):
        told, failed = [], []
        with Pool(cluster=state["cluster"]) as pool:
            result = pool.map_async(square, [1, 2], callback=told.append)
            self.assertEqual(result.get(60), [1, 4])
            self.assertTrue(result.ready() and result.successful())
            bad = pool.apply_async(fail_at_five, (5,), error_callback=failed.append)
            self.assertRaises(ValueError, bad.get)
            self.assertFalse(bad.successful())
            self.assertRaises(ValueError, pool.map, fail_at_five, range(8))
        self.assertEqual((told, str(failed[0])), ([[1, 4]], "five"))

    def test_get_and_next_keep_to_their_time_and_terminate_ends_all(self):
        pool = Pool(cluster=state["cluster"])
        result = pool.apply_async(time.sleep, (LONG_S,))
        self.assertRaises(multiprocessing.TimeoutError, result.get, 0.1)
        self.assertRaises(ValueError, result.successful)
        results = pool.imap(time.sleep, [LONG_S])
        self.assertRaises(TimeoutError, results.next, 0.1)
        self.assertRaises(ValueError, pool.join)
        pool.terminate()
        pool.join()
        self.assertRaises(concurrent.futures.CancelledError, result.get)
        self.assertRaises(concurrent.futures.CancelledError, next, results)


class Trouble(unittest.TestCase):
    """What dies does so by its pid, in the middle of a map; the results are what they would be."""

    def kill_in_a_map(self, part):
        results = state["cluster"].map(slow_square, range(200))
        first = list(itertools.islice(results, 20))
        os.kill(pid_of(part), signal.SIGKILL)
        self.assertEqual(first + list(results), [x * x for x in range(200)])

    def test_a_warden_is_killed_with_its_kernels(self):
        self.kill_in_a_map("warden")

    def test_an_agent_is_killed(self):
        self.kill_in_a_map("agent")

    def test_the_aggregator_is_killed(self):
        self.kill_in_a_map("aggregator")


if __name__ == "__main__":
    unittest.main()
