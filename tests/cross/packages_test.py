#!/usr/bin/env python3
"""The Debian packages that a cross build made: run by ctest, one case at a time, with the JSON file of binaries_test.py as
the first argument. They are read and unpacked, never installed: nothing here can run a foreign package's scripts."""

import glob
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILT = {}  # of CMakeLists.txt: target, triplet, link, version, emulator, programs, packages, architecture

AGENT = "bramble-agent"
AGENT_ARMV6 = "bramble-agent-armv6"
ON_A_HEAD = {"bramble-aggregator": ["bramble-aggregator"], "bramble": ["bramble"]}

# The packages of libraries that each may name, and must; those of trixie beside those of bookworm.
LIBC = r"libc6"
OPENSSL = r"libssl3(t64)?"
OF_CXX = [r"libstdc\+\+6", r"libgcc-s1"]
LIBRARIES = {
    "semi": [LIBC, OPENSSL],
    "static": [],
    "bramble-aggregator": [LIBC, OPENSSL, *OF_CXX, r"libgpiod[23]", r"libmicrohttpd12(t64)?", r"libpaho-mqtt1\.3", r"libpaho-mqttpp3-1",
                           r"libsqlite3-0"],
    "bramble": [LIBC, OPENSSL, *OF_CXX, r"libcpp-httplib0\.\d+(t64)?", r"libfmt\d+"],
}


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False, **options)


def output_of(*command):
    done = run(*command)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


def agent_package():
    return AGENT_ARMV6 if BUILT["target"] == "rpi-armv6" else AGENT


def expected():
    """{package: its programs}"""
    made = {agent_package(): [AGENT, "bramble-warden"]}
    if "bramble-aggregator" in BUILT["programs"]:
        made.update(ON_A_HEAD)
    return made


def file_of(package):
    return os.path.join(BUILT["packages"], f"{package}_{BUILT['version']}_{BUILT['architecture']}.deb")


def field(package, name):
    return output_of("dpkg-deb", "-f", file_of(package), name).strip()


def libraries_of(package):
    """{the package of a library: the relation that is asked for}"""
    wanted = (re.fullmatch(r"(\S+)(?: \((.*)\))?", one.strip()) for one in field(package, "Depends").split(","))
    return {one.group(1): one.group(2) for one in wanted if one and one.group(1).startswith("lib")}


def refusal(preinst, machine, action="install"):
    """What the script says on a machine that calls itself so; None where it lets the package in."""
    with tempfile.TemporaryDirectory() as folder:
        uname = os.path.join(folder, "uname")
        with open(uname, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\necho {machine}\n")
        os.chmod(uname, 0o755)
        done = run("sh", preinst, action, env={"PATH": f"{folder}:{os.environ['PATH']}"})
    return done.stderr if done.returncode != 0 else None


class Packages(unittest.TestCase):
    def setUp(self):
        if not glob.glob(os.path.join(BUILT["packages"], "*.deb")):
            self.fail(f"no packages are made: cmake --workflow --preset {BUILT['target']}")

    def unpacked(self, package, how="-x"):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        output_of("dpkg-deb", how, file_of(package), folder.name)
        return folder.name

    def test_packages_are_named_for_their_machine(self):
        made = sorted(os.path.basename(path) for path in glob.glob(os.path.join(BUILT["packages"], "*.deb")))
        self.assertEqual(made, sorted(os.path.basename(file_of(package)) for package in expected()))
        for package in expected():
            said = (field(package, "Package"), field(package, "Version"), field(package, "Architecture"))
            self.assertEqual(said, (package, BUILT["version"], BUILT["architecture"]))

    def test_packages_depend_on_the_libraries_of_their_programs(self):
        for package in expected():
            wanted = LIBRARIES[BUILT["link"] if package == agent_package() else package]
            found = libraries_of(package)
            for pattern in wanted:
                self.assertTrue(any(re.fullmatch(pattern, name) for name in found), f"{package} lacks {pattern}: {found}")
            self.assertEqual([name for name in found if not any(re.fullmatch(pattern, name) for pattern in wanted)], [], package)
            if wanted:
                self.assertRegex(found["libc6"] or "", r"^>= 2\.\d+$", "since which version, by libc's symbols")

    def test_programs_in_packages_are_stripped_and_start(self):
        for package, programs in expected().items():
            folder = self.unpacked(package)
            self.assertEqual(sorted(os.listdir(os.path.join(folder, "usr/bin"))), sorted(programs))
            for program in programs:
                path = os.path.join(folder, "usr/bin", program)
                sections = output_of(f"{BUILT['triplet']}-readelf", "-SW", path)
                self.assertNotRegex(sections, r"\.symtab|\.debug_info", program)
                self.assertIn(".symtab", output_of(f"{BUILT['triplet']}-readelf", "-SW", BUILT["programs"][program]), "as it was built")
                self.assertEqual(output_of(*BUILT["emulator"], path, "--version").strip(), f"{program} {BUILT['version']}")

    def test_manual_pages_say_what_the_programs_say(self):
        for package, programs in expected().items():
            folder = self.unpacked(package)
            for program in programs:
                section = 1 if program == "bramble" else 8
                with gzip.open(os.path.join(folder, f"usr/share/man/man{section}/{program}.{section}.gz"), "rt", encoding="utf-8") as file:
                    page = file.read()
                usage = output_of(*BUILT["emulator"], BUILT["programs"][program], "--help").splitlines()[0]
                self.assertIn(usage.replace("-", "\\-"), page, program)

    def test_armv7_packages_refuse_armv6_machines(self):
        if BUILT["target"] != "rpi-armv7":
            for package in expected():
                self.assertNotIn("preinst", os.listdir(self.unpacked(package, "-e")), package)
            return
        for package in expected():
            preinst = os.path.join(self.unpacked(package, "-e"), "preinst")
            for action in ("install", "upgrade"):
                said = refusal(preinst, "armv6l", action)
                self.assertIsNotNone(said, package)
                self.assertRegex(said, rf"^{package}: this package is for ARMv7 .* install bramble-agent-armv6 instead\.$")
            for machine in ("armv7l", "armv8l", "aarch64"):
                self.assertIsNone(refusal(preinst, machine), f"{package} on {machine}")
            self.assertIsNone(refusal(preinst, "armv6l", "abort-upgrade"), "dpkg puts the old one back")

    def test_armv6_package_takes_the_place_of_the_regular_one(self):
        relations = {name: field(agent_package(), name) for name in ("Provides", "Conflicts", "Replaces")}
        if BUILT["target"] == "rpi-armv6":
            self.assertEqual(relations, {"Provides": f"{AGENT} (= {BUILT['version']})", "Conflicts": AGENT, "Replaces": AGENT})
        else:
            self.assertEqual(set(relations.values()), {""})


if __name__ == "__main__":
    with open(sys.argv.pop(1), encoding="utf-8") as described:
        BUILT.update(json.load(described))
    result = unittest.main(exit=False).result
    sys.exit(77 if result.skipped and result.wasSuccessful() else not result.wasSuccessful())
