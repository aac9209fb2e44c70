#!/usr/bin/env python3
"""What a program's terminal shows of its calls."""

import io
import sys
import unittest
from unittest import mock

from bramble._progress import Progress, waits_text


class Shown(unittest.TestCase):
    def test_progress_tells_the_share_the_rate_and_the_time_left(self):
        self.assertEqual(Progress("f", 200, False).line(50, 2, 10.0), "f: 50 of 200 (25 %), 5.0/s, 30 s left, 2 failed")
        self.assertEqual(Progress("f", None, False).line(5000, 0, 10.0), "f: 5000, 500/s")

    def test_the_end_of_a_program_tells_the_calls_and_their_job(self):
        self.assertEqual(waits_text(2, 106), "waiting for 2 calls of job 106; Ctrl-C cancels them")

    def test_the_line_makes_way_for_what_the_program_prints_to_the_same_terminal(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        screen = Terminal()
        with mock.patch.object(sys, "stderr", screen), mock.patch.object(sys, "stdout", screen):
            progress = Progress("f", 2, None)
            progress._next = 0
            progress.update(1, 0)
            progress.make_way()
            print("result")
            progress._next = 0
            progress.update(1, 0)  # of another thread
            self.assertTrue(screen.getvalue().endswith("left\r\x1b[Kresult\n"), screen.getvalue())
            progress.go_on()
            progress.update(2, 0)
            self.assertIn("2 of 2", screen.getvalue())

    def test_nothing_where_it_is_no_terminal(self):
        with mock.patch.object(sys, "stderr", io.StringIO()) as shown:
            progress = Progress("f", 2, None)
            progress._next = 0
            progress.update(1, 0)
            progress.end()
            self.assertEqual(shown.getvalue(), "")


if __name__ == "__main__":
    unittest.main()
