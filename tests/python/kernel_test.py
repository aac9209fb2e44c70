#!/usr/bin/env python3
"""The kernel as a process: what it answers, and what it keeps apart."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import NamedTuple

from bramble import CannotSend, _frames, _job, _kernel
from bramble._failures import exception_of
from bramble._sending import Sender
from one_kernel import OneKernel

loads = []


class Entry(NamedTuple):
    n: int


def remember(x):
    loads.append(x)
    return list(loads)


def talk(x):
    print("said by print")
    os.write(1, b"said by write\n")
    sys.stderr.write("said as an error\n")
    return sys.stdin.read()


class Kernel(unittest.TestCase):
    def test_answers_calls_in_order_and_reads_the_function_once(self):
        with OneKernel() as kernel:
            definitions, calls = kernel.inputs(remember, (1,), (2,), (3,))
            answers = kernel.exchange(definitions + calls)
            self.assertEqual([status for status, _ in answers], [_frames.GOOD] * 4)
            self.assertEqual(answers[0][1], b"")
            self.assertEqual(kernel.call(remember, 4), [1, 2, 3, 4])  # the same definition, in a later batch

    def test_says_that_a_definition_is_missing(self):
        with OneKernel() as kernel:
            _, calls = kernel.inputs(len, ("abc",))
            self.assertEqual(kernel.exchange(calls), [(_frames.GOOD, _kernel.MISSING)])
            self.assertEqual(kernel.call(len, "abc"), 3)

    def test_code_of_another_python_is_refused_before_it_is_read(self):
        with OneKernel(python="cpython 2.7") as kernel:
            with self.assertRaises(Exception) as caught:
                kernel.call(lambda: None)
            self.assertIn(f"the node pi07 has {_kernel.python_name()}", str(caught.exception))
            self.assertIn("has cpython 2.7", str(caught.exception))
            self.assertEqual(kernel.call(len, "abc"), 3)  # what is named only is good for all

    def test_a_python_of_the_callers_version_is_looked_for_first(self):
        with OneKernel() as kernel:
            self.assertEqual(kernel.call(lambda: sys.version_info[:2]), sys.version_info[:2])

    def test_a_node_without_python_says_so(self):
        command = _job.kernel_command("f")
        env = {**command["env"], "PATH": "/nowhere"}
        ended = subprocess.run(["/bin/sh", *command["argv"][1:4], "python3"], env=env, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 127)
        self.assertIn("there is no python3 on this node", ended.stderr)

    def test_what_is_printed_goes_to_standard_error_and_standard_input_is_empty(self):
        with OneKernel() as kernel:
            self.assertEqual(kernel.call(talk, 1), "")
            status, errors = kernel.end()
        self.assertEqual(status, 0)
        for text in ("said by print", "said by write", "said as an error"):
            self.assertIn(text, errors)

    def test_a_call_tells_how_long_it_took(self):
        with OneKernel() as kernel:
            definitions, calls = kernel.inputs(time.sleep, (0.05,))
            _, result = kernel.exchange(definitions + calls)[-1]
            (took,) = _kernel.MICROSECONDS.unpack_from(result, 1)
            self.assertGreaterEqual(took, 50_000)

    def test_a_failure_begins_with_a_sentence_for_people(self):
        with OneKernel() as kernel:
            definitions, calls = kernel.inputs(int, ("x",))
            status, result = kernel.exchange(definitions + calls)[-1]
        self.assertEqual(status, _frames.FAILED)
        self.assertTrue(result.startswith(b"ValueError: invalid literal for int() with base 10: 'x'\0"))
        self.assertIsInstance(exception_of(memoryview(result)), ValueError)

    def test_its_own_variables_are_not_seen_by_what_is_called(self):
        with OneKernel() as kernel:
            found = kernel.call(lambda: sorted(name for name in os.environ if name.startswith("BRAMBLE_")))
            self.assertEqual(found, ["BRAMBLE_NODE"])

    def test_a_function_that_dies_ends_it(self):
        kernel = OneKernel()
        definitions, calls = kernel.inputs(os._exit, (3,))
        kernel.child.stdin.write(_frames.batch_of(definitions + calls))
        self.assertEqual(kernel.end()[0], 3)

    def test_large_arguments_and_results_pass(self):
        with OneKernel() as kernel:
            data = bytes(range(256)) * (15 << 12)
            self.assertEqual(kernel.call(bytes.upper, data), data.upper())

    def test_a_handle_arrives_as_the_data_which_is_read_once_in_the_folder_where_it_began(self):
        with tempfile.TemporaryDirectory() as folder, OneKernel(folder=folder) as kernel:
            table = {"a": Entry(1), "b": Entry(2)}
            handle = kernel.sender.handle(table, lambda data: {"blob": "x", "size_bytes": len(data)})
            Path(folder, handle._name).write_bytes(handle._packed.data)
            kernel.call(os.chdir, "/")
            self.assertEqual(kernel.call(lambda key, there: there[key].n, "a", handle), 1)
            Path(folder, handle._name).unlink()
            self.assertEqual(kernel.call(lambda key: handle[key].n, "b"), 2)  # among what a function uses, too
            self.assertEqual(kernel.call(lambda entry, there: entry == there["a"], Entry(1), handle), True)

    def test_handles_in_handles_and_more_than_go_along_are_refused(self):
        sender = Sender()
        handles = [sender.handle(n, lambda data: {}) for n in range(65)]
        with self.assertRaisesRegex(CannotSend, "handle of other data in it"):
            sender.handle(handles, lambda data: {})
        with self.assertRaisesRegex(CannotSend, "uses 65 handles; at most 64"):
            sender.input(sender.function(len), (handles,), {})
        self.assertEqual(len(sender.input(sender.function(len), (handles[:64],), {}).handles), 64)


if __name__ == "__main__":
    unittest.main()
