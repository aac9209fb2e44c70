#!/usr/bin/env python3
"""The parts of the client that need no cluster: addresses, the API over real sockets, paces, progress."""

import hashlib
import http.server
import json
import os
import socketserver
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from bramble import BrambleError, CancelledError, Cluster, ClusterUnreachable, RequestRefused, _api, _frames, _kernel
from bramble._api import Api, Patience, unfolded
from bramble._calls import Calls
from bramble._endpoint import find_endpoint, parse_url
from bramble._health import hold_ups_in, size_text
from bramble._job import bytes_in, job_body
from bramble._pace import MAX_CALLS, Pace
from bramble._sending import Sender

FULL = {"storage": {"full": True, "quota_bytes": 16 << 30}}
NO_ROOM = (
    "the room for inputs and outputs is used up (the head's disk, or blob_quota_bytes of 16G): "
    "bramble job forget removes ended jobs"
)


class Endpoints(unittest.TestCase):
    def test_are_read_as_the_command_reads_them(self):
        self.assertEqual(parse_url("unix:/run/x.sock").socket_path, "/run/x.sock")
        at = parse_url("https://[::1]:99/")
        self.assertEqual((at.host, at.port, at.tls), ("::1", 99, True))
        self.assertEqual(parse_url("http://head")[2:5], ("head", 8737, False))
        for bad in ("head", "unix:", "http://", "http://h:0", "http://h:x", "http://h/p", "ftp://h", "http://[::1"):
            with self.assertRaisesRegex(ValueError, "is not an address of an aggregator"):
                parse_url(bad)
        with self.assertRaisesRegex(ValueError, "at most 107 bytes"):
            parse_url("unix:/" + "x" * 107)

    def test_the_environment_says_what_is_not_said(self):
        with tempfile.TemporaryDirectory() as folder:
            token = Path(folder, "token")
            token.write_text("secret\n")
            words = {"BRAMBLE_URL": "https://head", "BRAMBLE_TOKEN": "other", "BRAMBLE_CA": str(token)}
            with mock.patch.dict(os.environ, words):
                self.assertEqual(find_endpoint().token, "other")
                self.assertEqual(find_endpoint(token_file=str(token)).token, "secret")
                self.assertEqual(find_endpoint().ca_file, str(token))
                self.assertEqual(find_endpoint("unix:/x").token, "")
                with self.assertRaisesRegex(ValueError, "may you read it"):
                    find_endpoint(token_file=folder + "/none")
            with mock.patch.dict(os.environ):
                os.environ.pop("BRAMBLE_URL", None)
                self.assertEqual(find_endpoint().url, "unix:/run/bramble/api.sock")


class Played(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """An aggregator that answers what it is told to, and remembers what it was asked."""

    daemon_threads = True
    address_family = 1  # AF_UNIX

    def __init__(self, path, answers):
        self.answers = answers  # (status, body) each; the last one again and again; None: hangs up
        self.asked = []
        self.health = None  # what it says of itself
        self.held = threading.Event()  # until then it answers no POST
        self.held.set()
        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, body, dict(self.headers)))
        answers = self.server.answers
        if self.command == "POST":
            self.server.held.wait(60)
        if self.path == "/api/v1/health" and self.server.health is not None:
            said = (200, self.server.health)
        else:
            said = answers.pop(0) if len(answers) > 1 else answers[0]
        if said is None:
            self.close_connection = True
            return
        data = json.dumps(said[1]).encode()
        self.send_response(said[0])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def address_string(self):
        return "test"

    def log_message(self, *_):
        pass


class Requests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/api.sock"
        self.said = []

    def api(self, *answers, give_up_s=5.0):
        self.server = Played(self.path, list(answers))
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        return Api(find_endpoint("unix:" + self.path), self.said.append, give_up_s)

    def test_one_that_hangs_up_is_told_in_words(self):
        with self.assertRaisesRegex(ClusterUnreachable, r"\(no answer came\)"):
            self.api(None).slots()

    def test_a_submission_that_is_not_answered_soon_is_told_why(self):
        def say(text):
            self.said.append(text)
            self.server.held.set()

        api = self.api((201, {"job": 7}))
        self.server.health = {"store_ok": False}
        self.server.held.clear()
        api._patience._say = say
        with mock.patch.object(_api, "SLOW_ANSWER_S", 0.05):
            self.assertEqual(api.submit({})["job"], 7)
        self.assertRegex(self.said[0], "the job database cannot be written")

    def test_slots_are_those_of_nodes_that_could_hold_such_a_task(self):
        nodes = [{"node": name, "state": "on", "drained": name == "pi04", "cores": 4} for name in ("head", "pi02", "pi04")]
        api = self.api((200, nodes), (200, {"job": None, "nodes": "pi[01-04]"}))
        self.assertEqual(api.slots({"on": "pi[01-04]", "cpus": 3, "argv": ["sh"], "env": {"LONG": "x"}}), 1)
        asked = json.loads(self.server.asked[1][2])
        self.assertEqual(asked, {"on": "pi[01-04]", "cpus": 3, "argv": ["true"], "env": {}, "dry_run": True})
        self.server.answers[:] = [(200, nodes)]
        self.assertEqual(api.slots(), 8)

    def test_node_sets_are_read_as_the_aggregator_writes_them(self):
        self.assertEqual(unfolded("head,pi[01-03,7]"), {"head", "pi01", "pi02", "pi03", "pi7"})
        self.assertEqual(unfolded("n[9-10].lan,n2.org,[1-2]x"), {"n9.lan", "n10.lan", "n2.org", "1x", "2x"})
        self.assertEqual(unfolded(""), set())

    def test_what_hangs_up_is_asked_again_with_the_same_submission(self):
        api = self.api((200, []), None, None, (201, {"job": 7}))
        api.slots()
        self.assertEqual(api.submit({"argv": ["x"]})["job"], 7)
        bodies = {body for method, _, body, _ in self.server.asked if method == "POST"}
        self.assertEqual(len(bodies), 1)
        self.assertIn(b"submit_id", bodies.pop())

    def test_busy_is_asked_again_until_patience_ends(self):
        self.assertEqual(self.api((503, {"error": "full"}), (200, {"job": 1})).submit({})["job"], 1)
        self.server.answers[:] = [(503, {"error": "full"})]
        with self.assertRaisesRegex(RequestRefused, "full") as caught:
            Api(find_endpoint("unix:" + self.path), self.said.append, give_up_s=0).submit({})
        self.assertEqual(caught.exception.status, 503)

    def test_room_is_waited_for_longer_than_an_aggregator_that_is_away_and_told_once(self):
        api = self.api((503, {"error": "cannot write it: the disk is full"}), give_up_s=0)
        self.server.health = FULL

        def say(text):
            self.said.append(text)
            self.server.answers.extend([(503, {"error": "still"}), (201, {"blob": "b", "size_bytes": 4})])

        api._patience._say = say
        with mock.patch.object(_api, "LONGEST_WAIT_S", 0.05):
            self.assertEqual(api.put_blob(b"data")["blob"], "b")
        self.assertEqual(self.said, [NO_ROOM])

    def test_what_is_there_already_is_not_sent_again(self):
        data = b"x" * (64 << 10)
        blob = {"blob": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        api = self.api((200, blob), (409, {"error": "upload it"}), (201, blob), (404, {"error": "what?"}), (201, blob))
        for _ in range(3):
            self.assertEqual(api.offer_blob(data), blob)
        self.assertEqual(json.loads(self.server.asked[0][2]), blob)
        asked = [path.rpartition("/")[2] for _, path, _, _ in self.server.asked]
        self.assertEqual(asked, ["keep", "keep", "blobs", "keep", "blobs"])
        self.server.answers[:] = [(201, {"blob": "b", "size_bytes": 4})]
        api.offer_blob(b"data")
        self.assertEqual(self.server.asked[-1][1], "/api/v1/blobs", "it is sent as fast as it is asked for")

    def test_who_watches_is_told_once_why_nothing_comes(self):
        api = self.api((200, {"version": 7, "state": "running"}))
        self.server.health = FULL
        for since in (6, 7, 7):
            api.watch(1, since, 10)
        self.assertEqual(self.said, [NO_ROOM])
        waits = [path.rpartition("wait_s=")[2] for _, path, _, _ in self.server.asked if "watch" in path]
        self.assertEqual(waits, ["2", "2", "10"])

    def test_what_holds_up_work_is_told_in_the_commands_words(self):
        self.assertEqual(hold_ups_in({"connected": True, "store_ok": True, "storage": {"full": False}}), [])
        told = hold_ups_in({"connected": False, "broker_trouble": "refused", "store_ok": False, "gone_back": "it went back"})
        self.assertRegex(told[0], r"no connection to the broker \(refused\): nothing is sent")
        self.assertRegex(told[1], "database cannot be written")
        self.assertEqual(told[2:], ["it went back"])
        sizes = [size_text(size) for size in (512, 1024, 1536, 10 << 10, 1 << 20, (1 << 40) - 1, 16 << 30)]
        self.assertEqual(sizes, ["512", "1K", "1.5K", "10K", "1M", "1023G", "16G"])

    def test_refusals_are_the_aggregators_own_sentence(self):
        with self.assertRaisesRegex(RequestRefused, "there is no job 3"):
            self.api((404, {"error": "there is no job 3"})).close(3)
        self.server.answers[:] = [(401, {"error": "who are you"})]
        with self.assertRaisesRegex(RequestRefused, "BRAMBLE_TOKEN give a token"):
            Api(find_endpoint("unix:" + self.path), self.said.append).close(3)
        self.server.answers[:] = [(500, ["x"])]
        with self.assertRaisesRegex(RequestRefused, "HTTP status 500"):
            Api(find_endpoint("unix:" + self.path), self.said.append).close(3)

    def test_one_that_went_away_is_waited_for_and_told_once(self):
        patience = Patience(60, self.said.append)
        self.assertIsNone(patience.lost(0.0))  # it never answered
        patience.reached()
        self.assertEqual([patience.lost(now) for now in (10.0, 10.2, 18.0, 50.0, 69.5)], [0.1, 0.1, 2.0, 2.0, 0.5])
        self.assertIsNone(patience.lost(70.0))
        patience.reached()
        self.assertEqual(self.said, ["the aggregator does not answer: trying again for 60 s", "the aggregator answers again"])

    def test_a_token_goes_along_over_tcp(self):
        class Tcp(Played):
            address_family = 2

        server = Tcp(("127.0.0.1", 0), [(200, [])])
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        with mock.patch.dict(os.environ, {"BRAMBLE_TOKEN": "secret"}):
            at = find_endpoint(f"http://127.0.0.1:{server.server_address[1]}")
        self.assertEqual(Api(at, self.said.append).slots(), 1)
        self.assertEqual(server.asked[0][3]["Authorization"], "Bearer secret")
        with self.assertRaisesRegex(ClusterUnreachable, "is it http:// there"):
            Api(at._replace(tls=True, url="https://there"), self.said.append).slots()

    def test_a_file_without_certificates_is_named(self):
        with self.assertRaisesRegex(ValueError, "no certificates in PEM"):
            Api(find_endpoint("https://head", ca_file=__file__), self.said.append)


class Paces(unittest.TestCase):
    def test_grow_to_a_tenth_of_a_second_step_by_step(self):
        pace = Pace(4)
        self.assertEqual(pace.calls, 1)
        pace.batch_ended(1, 10e-6, 10)
        self.assertEqual(pace.calls, 16)
        for _ in range(5):
            pace.batch_ended(pace.calls, pace.calls * 1e-3, 10)
        self.assertEqual(pace.calls, 100)

    def test_one_long_call_goes_alone_and_short_ones_are_bounded(self):
        pace = Pace(4)
        for _ in range(5):
            pace.batch_ended(100, 1e-6, 10)
        self.assertEqual(pace.calls, MAX_CALLS)
        pace.batch_ended(10, 50, 10)
        self.assertEqual(pace.calls, 1)

    def test_large_results_make_small_batches(self):
        pace = Pace(4)
        for _ in range(5):
            pace.batch_ended(1, 1e-6, 4 << 20)
        self.assertEqual(pace.calls, 2)

    def test_many_slots_get_longer_batches(self):
        few, many = Pace(32), Pace(320)
        for _ in range(5):
            few.batch_ended(1000, 1, 10)
            many.batch_ended(1000, 1, 10)
        self.assertEqual((few.calls, many.calls), (100, 1000))


class Frames(unittest.TestCase):
    def test_a_reply_that_is_not_whole_is_left_out(self):
        whole = _kernel.REPLY.pack(5 + 2, 0, 0) + b"ab"
        self.assertEqual([bytes(result) for _, _, result in _frames.replies_in(whole + whole[:-1])], [b"ab"])
        self.assertEqual(list(_frames.replies_in(b"\0" * 20)), [])


class Forgetful:
    """An API of an aggregator that has let go of what was put."""

    def __init__(self, status=409, is_open=True):
        self.status = status
        self.is_open = is_open
        self.uploaded = []
        self.appended = []

    def put_blob(self, data):
        self.uploaded.append(data)
        return {"blob": f"sha of {data!r}", "size_bytes": len(data)}

    offer_blob = put_blob

    def append(self, job, first, tasks):
        self.appended.append(tasks)
        if len(self.appended) == 1:
            raise RequestRefused("no", self.status)

    def watch(self, job, since, wait_s):
        return {"open": self.is_open}


class Appending(unittest.TestCase):
    def append(self, api):
        handle = Sender().handle(b"table", api.put_blob)
        Calls(api, {}, print)._append(1, 0, b"batch", {handle})
        return handle

    def test_what_was_put_is_sent_again_where_it_was_let_go(self):
        api = Forgetful()
        handle = self.append(api)
        self.assertEqual(api.uploaded, [handle._packed.data, b"batch", handle._packed.data])
        self.assertEqual(api.appended[0], api.appended[1])
        self.assertEqual(api.appended[0][0]["files"], [{"name": handle._name, **handle._blob}])

    def test_other_refusals_are_told_and_a_closed_job_was_cancelled(self):
        self.assertRaises(RequestRefused, self.append, Forgetful(status=403))
        self.assertRaisesRegex(CancelledError, "job 1 was cancelled", self.append, Forgetful(is_open=False))


class Jobs(unittest.TestCase):
    def test_sizes_as_people_write_them(self):
        self.assertEqual([bytes_in(size) for size in (5, "5", "2K", "1.5M", "1GiB")], [5, 5, 2048, 3 << 19, 1 << 30])
        for words, told in (
            ({"call_limit": "60s"}, "a number of seconds, not '60s'"),
            ({"retries": -1}, "from 0 to 10, not -1"),
            ({"retries": 11}, "from 0 to 10, not 11"),
        ):
            with self.assertRaisesRegex(ValueError, told):
                Cluster("http://127.0.0.1:1", **words)
        with self.assertRaisesRegex(ValueError, "is not a size"):
            bytes_in("many")

    def test_carry_the_kernel_within_what_a_submission_may_have(self):
        body = job_body("x" * 999, words={}, env={"A": "b"}, call_limit_s=0.5, call_retries=2, max_running=3)
        words = [*body["argv"], *body["env"], *body["env"].values()]
        self.assertLess(sum(map(len, words)), 32 << 10)
        self.assertEqual(body["calls"]["limit_ms"], 500)
        self.assertEqual((body["env"]["A"], body["max_running"], len(body["name"])), ("b", 3, 150))

    def test_have_a_short_command_with_the_name_of_the_function(self):
        body = job_body("main.<lambda>", words={}, env={}, call_limit_s=None, call_retries=0)
        # The aggregator knows a job of Python by these letters: command_text() in aggregator/http.
        self.assertEqual(body["argv"][:4], ["sh", "-c", 'eval "$BRAMBLE_RUN"', "main.<lambda>"])

    def test_a_missing_program_for_a_local_cluster_is_named(self):
        with self.assertRaisesRegex(BrambleError, "no program 'no-such-bramble' in PATH"):
            Cluster.local(program="no-such-bramble")


if __name__ == "__main__":
    unittest.main()
