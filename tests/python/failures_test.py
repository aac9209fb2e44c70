#!/usr/bin/env python3
"""What a call raises, and what cannot be sent."""

import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from bramble import CannotSend
from one_kernel import OneKernel

LOCK = threading.Lock()


def locked(x):
    with LOCK:
        return x


class Own(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code

    def __reduce__(self):
        return Own, (self.code,)


class Awkward(Exception):
    """Cannot be made again of its args."""

    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def raise_own(code):
    raise Own(code)


def raise_awkward():
    raise Awkward(1, 2)


def raise_chained():
    try:
        raise_own(1)
    except Own as error:
        raise ValueError("outer") from error


class WithKernel(unittest.TestCase):
    """Each test calls in a kernel of its own."""

    def setUp(self):
        self.kernel = OneKernel()
        self.addCleanup(self.kernel.__exit__)
        self.call = self.kernel.call


class Exceptions(WithKernel):
    def test_come_as_they_are_with_the_traceback_of_the_node(self):
        with self.assertRaises(Own) as caught:
            self.call(raise_own, 7)
        self.assertEqual(caught.exception.code, 7)
        text = str(caught.exception.__cause__)
        self.assertIn("in raise_own", text)
        self.assertIn("raise Own(code)", text)  # the line is looked up here
        self.assertIn("(on the node pi07)", text)
        self.assertNotIn("_kernel.py", text)

    def test_that_cannot_be_made_again_are_told(self):
        with self.assertRaisesRegex(Exception, "1 and 2") as caught:
            self.call(raise_awkward)
        self.assertIn("in raise_awkward", str(caught.exception.__cause__))

    def test_tell_what_they_came_of(self):
        with self.assertRaisesRegex(ValueError, "outer") as caught:
            self.call(raise_chained)
        text = str(caught.exception.__cause__)
        self.assertIn("direct cause", text)
        self.assertLess(text.index("code 1"), text.index("ValueError: outer"))

    def test_exit_is_one_too(self):
        with self.assertRaises(SystemExit):
            self.call(sys.exit, 3)
        self.assertEqual(self.call(len, "abc"), 3)


class Missing(WithKernel):
    def test_a_module_that_the_node_does_not_have_is_told_with_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            installed = Path(folder, "dist-packages", "only_here.py")  # where packages are installed: it goes by name
            installed.parent.mkdir()
            installed.write_text("def f(): return 1\n")
            with mock.patch.object(sys, "path", [str(installed.parent), *sys.path]):
                import only_here
            with self.assertRaisesRegex(Exception, "the node pi07 has no module only_here; install it there"):
                self.call(only_here.f)


class Refusals(WithKernel):
    def refusal(self, function, *args):
        with self.assertRaises(CannotSend) as caught:
            self.call(function, *args)
        self.assertIsInstance(caught.exception, TypeError)
        return str(caught.exception)

    def test_name_the_global_that_cannot_go(self):
        text = self.refusal(locked, 1)
        self.assertIn("the global 'LOCK' of the function locked", text)
        self.assertIn("make it inside of the function", text)

    def test_name_the_argument_and_the_place_in_it(self):
        with open(__file__) as file:
            text = self.refusal(len, {"deep": [file]})
        self.assertIn("['deep'] of an argument of len", text)
        self.assertIn("hand over its name", text)

    def test_name_the_variable_of_a_closure(self):
        generator = (i for i in range(3))
        self.assertIn("the variable 'generator'", self.refusal(lambda: next(generator)))

    def test_tell_the_size_that_does_not_fit(self):
        self.assertIn("at most 16777212", self.refusal(len, bytes(17 << 20)))

    def test_a_result_that_cannot_come_back(self):
        with self.assertRaisesRegex(Exception, "the result is a generator, which cannot be sent back"):
            self.call(lambda: (i for i in range(3)))

    def test_a_result_that_is_too_large(self):
        with self.assertRaisesRegex(ValueError, "at most 16777216 fit"):
            self.call(bytes, 17 << 20)

    def test_what_is_no_function(self):
        with self.assertRaisesRegex(TypeError, "not a function"):
            self.call(5)


if __name__ == "__main__":
    unittest.main()
