#!/usr/bin/env python3
"""cross-toolchains/make-sysroot and fetch-paho-cpp: what they say when they cannot, and (Made) what they make."""

import os
import socket
import subprocess
import sys
import tempfile
import unittest

TOOLS = ""  # the folder cross-toolchains
SUITE = "bookworm"


def run(program, *arguments, **environment):
    return subprocess.run([os.path.join(TOOLS, program), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=240, check=False, env={**os.environ, **environment})


def nobody_listens():
    """A proxy's address at which nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def has_own_proxy():
    said = subprocess.run(["apt-config", "dump", "--no-empty"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return any("::proxy" in line.lower() for line in said.splitlines())


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.dir = os.path.join(self.folder.name, "sysroot")

    def refused(self, status, sentence, *command, **environment):
        done = run(*command, **environment)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertIn(sentence, done.stderr)
        return done.stderr

    def test_wrong_usage_is_told(self):
        self.refused(2, "usage: cross-toolchains/make-sysroot", "make-sysroot", "rpi-aarch64", SUITE)
        self.refused(2, 'no target "rpi-armv8": rpi-aarch64, rpi-armv7 or rpi-armv6', "make-sysroot", "rpi-armv8", SUITE, self.dir)
        self.refused(2, 'no suite "sid": bookworm or trixie', "make-sysroot", "rpi-armv7", "sid", self.dir)
        self.refused(2, "usage: cross-toolchains/fetch-paho-cpp", "fetch-paho-cpp", SUITE)
        self.refused(2, 'no suite "sid": bookworm or trixie', "fetch-paho-cpp", "sid", self.dir)
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_what_is_in_the_way_is_left_alone(self):
        os.mkdir(self.dir)
        precious = os.path.join(self.dir, "thesis")
        with open(precious, "w", encoding="utf-8") as file:
            file.write("text")
        self.refused(1, "is there and is no sysroot of mine", "make-sysroot", "rpi-armv7", SUITE, self.dir)
        self.refused(1, "is there and holds no src/async_client.cpp", "fetch-paho-cpp", SUITE, self.dir)
        self.refused(1, "cannot be made", "make-sysroot", "rpi-armv7", SUITE, os.path.join(precious, "below", "sysroot"))
        with open(precious, encoding="utf-8") as file:
            self.assertEqual(file.read(), "text")

    def test_an_unreachable_mirror_is_told_and_leaves_nothing(self):
        if has_own_proxy():
            self.skipTest("this machine's apt has a proxy of its own, which the test cannot take away")
        dead = nobody_listens()
        for command in (("make-sysroot", "rpi-armv7", SUITE, self.dir), ("fetch-paho-cpp", SUITE, self.dir)):
            told = self.refused(1, f"the package lists of {SUITE} could not be fetched", *command, http_proxy=dead, https_proxy=dead)
            self.assertIn('Does "apt-get update" work on this machine?', told)
            self.assertEqual([name for name in os.listdir(self.folder.name) if not name.endswith(".lock")], [])

    def test_a_missing_program_is_told(self):
        bin_folder = os.path.join(self.folder.name, "bin")
        os.mkdir(bin_folder)
        for name in ("bash", "dirname", "readlink", "realpath", "env"):
            os.symlink(next(path for path in (f"/usr/bin/{name}", f"/bin/{name}") if os.path.exists(path)), os.path.join(bin_folder, name))
        self.refused(1, 'the program "apt-get" is missing; ./bootstrap cross installs it', "make-sysroot", "rpi-armv7", SUITE, self.dir,
                     PATH=bin_folder)


class Made(unittest.TestCase):
    """Takes packages from this machine's mirrors."""

    def test_a_sysroot_is_whole_and_made_once(self):
        with tempfile.TemporaryDirectory() as folder:
            made = os.path.join(folder, "sysroot")
            before = subprocess.run(["dpkg", "--print-foreign-architectures"], stdout=subprocess.PIPE, text=True, check=True).stdout
            done = run("make-sysroot", "rpi-armv6", "trixie", made)
            if "could not be fetched" in done.stderr and done.returncode != 0:
                self.skipTest(f"no mirror: {done.stderr.strip()}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.readlink(os.path.join(made, "lib")), "usr/lib")
            self.assertTrue(os.path.exists(os.path.join(made, "lib", "ld-linux.so.3")), "the loader, by trixie's /lib")
            for file, text in (("shlibs", "libssl 3 libssl3t64 "), ("symbols", "libc.so.6 libc6 #MINVER#")):
                with open(os.path.join(made, "DEBIAN", file), encoding="utf-8") as of_packages:
                    self.assertIn(text, of_packages.read(), "what dpkg-shlibdeps reads")
            links = [os.path.join(at, name) for at, folders, files in os.walk(made) for name in folders + files
                     if os.path.islink(os.path.join(at, name))]
            self.assertTrue(links)
            self.assertEqual([link for link in links if os.readlink(link).startswith("/") or not os.path.exists(link)], [])
            self.assertEqual(sorted(os.listdir(folder)), ["sysroot", "sysroot.lock"])
            again = run("make-sysroot", "rpi-armv6", "trixie", made)
            self.assertEqual((again.returncode, again.stdout.strip()), (0, f"{made}: is there already"))
            after = subprocess.run(["dpkg", "--print-foreign-architectures"], stdout=subprocess.PIPE, text=True, check=True).stdout
            self.assertEqual(before, after)


if __name__ == "__main__":
    TOOLS = sys.argv.pop(1)
    result = unittest.main(exit=False).result
    sys.exit(77 if result.skipped and result.wasSuccessful() else not result.wasSuccessful())
