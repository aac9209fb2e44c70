#!/usr/bin/env python3
"""What people are told where no aggregator is."""

import socket
import tempfile
import traceback
import unittest
from unittest import mock

from bramble import Cluster, ClusterUnreachable, _http


class Unreached(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/api.sock"

    def told(self, url):
        with self.assertRaisesRegex(ClusterUnreachable, "is it running there.*BRAMBLE_URL says where to look") as caught:
            Cluster(url).slots()
        return str(caught.exception)

    def test_is_told_why_in_the_commands_words(self):
        self.assertIn("(there is no such socket): is it", self.told("unix:" + self.path))
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)  # and listens to nobody
            self.assertIn("(connection refused: whoever made this socket runs no more)", self.told("unix:" + self.path))
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            self.assertIn("(connection refused)", self.told(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with mock.patch.object(socket, "getaddrinfo", side_effect=socket.gaierror(socket.EAI_NONAME, "Name unknown")):
            self.assertIn("(there is no such host)", self.told("http://head"))
        with mock.patch.object(socket, "create_connection", side_effect=socket.timeout("timed out")):
            self.assertIn("(no answer within 5 s)", self.told("http://head"))

    def test_where_nobody_said_where_a_local_cluster_is_advised(self):
        advice = "; bramble local starts a cluster on this machine"
        self.assertNotIn(advice, self.told("unix:" + self.path))
        with mock.patch.object(_http, "DEFAULT_URL", "unix:" + self.path):
            self.assertTrue(self.told("unix:" + self.path).endswith(advice))

    def test_is_told_without_the_way_through_this_package(self):
        cluster = Cluster("unix:" + self.path)
        for call in (cluster.slots, lambda: cluster.put([1]), lambda: list(cluster.map(abs, [1]))):
            text = ""
            try:
                call()
            except ClusterUnreachable:
                text = traceback.format_exc()
            self.assertIn("cannot reach the aggregator", text)
            self.assertNotIn("_api.py", text)
            self.assertNotIn("_calls.py", text)
            self.assertEqual(text.count("Traceback"), 1, text)


if __name__ == "__main__":
    unittest.main()
