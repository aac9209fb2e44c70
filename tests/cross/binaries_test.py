#!/usr/bin/env python3
"""What a cross build made: run by ctest, one case at a time, with a JSON file that CMake wrote as the first argument.

Each check that looks for something bad is also shown something bad, so that it is seen to find it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILT = {}  # of CMakeLists.txt: target, link, triplet, version, emulator, flags, programs, archives

PAGE_BYTES = 16384  # of a Raspberry Pi 5
AGENT_MAX_BYTES = 5_500_000  # with TLS; the warden has none
WARDEN_MAX_BYTES = 2_000_000

MACHINES = {
    "rpi-aarch64": ("AArch64", None),
    "rpi-armv7": ("ARM", "hard-float ABI"),
    "rpi-armv6": ("ARM", "soft-float ABI"),
}

# What readelf calls the architectures that the target has, for our own objects.
ARCHITECTURES = {
    "rpi-armv7": re.compile(r"v[4-6]\w*|v7"),
    "rpi-armv6": re.compile(r"v[45]\w*|v6|v6K|v6KZ"),
}

# Instructions (of ARM state; nothing here is Thumb) that an ARM1176 does not have.
ARMV7_ONLY = re.compile(
    r"(movw|movt|bfc|bfi|ubfx|sbfx|mls|rbit|sdiv|udiv|dmb|dsb|isb|pldw|ldrht|ldrsht|strht|"
    r"v\w+\.(8|16|32|64|[isup]8|[isup]16|[isu]64|p8))(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?(\.w)?$")
LSE_ATOMICS = re.compile(r"(cas|casp|swp|ldadd|ldclr|ldeor|ldset|stadd|stclr|steor|stset)(a|l|al)?[bh]?$")

NEWER = {"rpi-armv6": ARMV7_ONLY, "rpi-aarch64": LSE_ATOMICS}

# Functions that are entered only where the processor was found to have what they need.
CHOSEN_AT_RUN_TIME = {
    "rpi-armv6": re.compile(r"libat_\w+_i[0-9]+$"),
    "rpi-aarch64": re.compile(r"__aarch64_(cas|swp|ldadd|ldclr|ldeor|ldset)\w*"),
}

OF_LIBC = {"libc.so.6", "libm.so.6", "ld-linux-aarch64.so.1", "ld-linux-armhf.so.3"}
OPENSSL = {"libssl.so.3", "libcrypto.so.3"}
OF_CXX = {"libstdc++.so.6", "libgcc_s.so.1"}
MAY_NEED = {
    "bramble-warden": set(),
    "bramble-aggregator": OF_LIBC | OPENSSL | OF_CXX | {
        "libpaho-mqttpp3.so.1", "libpaho-mqtt3as.so.1", "libsqlite3.so.0", "libgpiod.so.2", "libgpiod.so.3", "libmicrohttpd.so.12"},
    "bramble": OF_LIBC | OPENSSL | OF_CXX | {
        "libcpp-httplib.so.0.11", "libcpp-httplib.so.0.18", "libfmt.so.9", "libfmt.so.10", "libbrotlidec.so.1", "libbrotlienc.so.1", "libz.so.1"},
}
AGENT_MAY_NEED = {
    "static": set(),
    "semi": OF_LIBC | OPENSSL,
    "dynamic": OF_LIBC | OPENSSL | OF_CXX | {"libpaho-mqttpp3.so.1", "libpaho-mqtt3as.so.1"},
}


def output_of(*command, **options):
    """What the command printed; its failure is the test's."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


def tool(name, *arguments):
    return output_of(f"{BUILT['triplet']}-{name}", *arguments)


def unaligned_segments(path):
    """LOAD segments that a kernel with pages of 16 KiB could not map."""
    found = []
    for line in tool("readelf", "-lW", path).splitlines():
        words = line.split()
        if words[:1] != ["LOAD"]:
            continue
        offset, address, alignment = int(words[1], 16), int(words[2], 16), int(words[-1], 16)
        if alignment % PAGE_BYTES != 0 or (offset - address) % PAGE_BYTES != 0:
            found.append(line.strip())
    return found


def newer_instructions(path, instructions, excused):
    """(function, instruction) of all that the target's processor may lack, outside of functions that are excused."""
    found = set()
    function = "?"
    for line in tool("objdump", "-d", "--no-show-raw-insn", path).splitlines():
        heading = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        if heading:
            function = heading.group(1)
            continue
        words = line.split("\t")
        if len(words) > 1 and instructions.match(words[1].strip()) and not excused.match(function):
            found.add((function, words[1].strip()))
    return found


def architectures(archive):
    """What the attributes of an archive's objects name."""
    return set(re.findall(r"Tag_CPU_arch: (\S+)", tool("readelf", "-A", archive)))


def compiled(folder, text, *flags):
    """An object of a few lines, from the target's own compiler."""
    source, made = os.path.join(folder, "few.c"), os.path.join(folder, "few.o")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    tool("gcc", *flags, "-O2", "-c", source, "-o", made)
    return made


class Binaries(unittest.TestCase):
    def test_machine(self):
        machine, abi = MACHINES[BUILT["target"]]
        for name, path in BUILT["programs"].items():
            header = tool("readelf", "-h", path)
            self.assertRegex(header, rf"Machine: +{machine}\n", name)
            if abi:
                self.assertIn(abi, header, name)

    def test_own_objects_ask_for_no_newer_architecture(self):
        allowed = ARCHITECTURES.get(BUILT["target"])
        if not allowed:
            self.skipTest(f"objects of {BUILT['target']} carry no such attribute")
        for archive in BUILT["archives"]:
            named = architectures(archive)
            self.assertTrue(named, archive)
            self.assertEqual([one for one in named if not allowed.fullmatch(one)], [], archive)
        with tempfile.TemporaryDirectory() as folder:
            flag = "-march=armv7-a" if BUILT["target"] == "rpi-armv6" else "-march=armv8-a+simd"
            newer = architectures(compiled(folder, "int f(void) { return 1; }\n", flag))
        self.assertEqual([one for one in newer if allowed.fullmatch(one)], [])

    def test_no_newer_instruction_is_entered_unasked(self):
        target = BUILT["target"]
        if target not in NEWER:
            self.skipTest(f"nothing is promised of {target} that its unit tests on {BUILT['emulator'][2]} do not show")
        for name, path in BUILT["programs"].items():
            self.assertEqual(newer_instructions(path, NEWER[target], CHOSEN_AT_RUN_TIME[target]), set(), name)
        newer = "armv7-a" if target == "rpi-armv6" else "armv8.1-a"
        code = "int f(int* p) { return __atomic_fetch_add(p, 0x12345678, __ATOMIC_SEQ_CST); }\n"
        with tempfile.TemporaryDirectory() as folder:
            flags = [f"-march={newer}"] + (["-marm"] if target == "rpi-armv6" else ["-mno-outline-atomics"])
            self.assertTrue(newer_instructions(compiled(folder, code, *flags), NEWER[target], CHOSEN_AT_RUN_TIME[target]))

    def test_pages_of_16_kib(self):
        for name, path in BUILT["programs"].items():
            self.assertEqual(unaligned_segments(path), [], name)
        with tempfile.TemporaryDirectory() as folder:
            made = compiled(folder, "int main(void) { return 0; }\n")
            small = os.path.join(folder, "small")
            tool("gcc", made, "-o", small, "-Wl,-z,max-page-size=4096")
            self.assertNotEqual(unaligned_segments(small), [])

    def test_sizes(self):
        for name, limit in (("bramble-agent", AGENT_MAX_BYTES), ("bramble-warden", WARDEN_MAX_BYTES)):
            with tempfile.TemporaryDirectory() as folder:
                stripped = os.path.join(folder, name)
                tool("strip", "-o", stripped, BUILT["programs"][name])
                self.assertLessEqual(os.path.getsize(stripped), limit, name)

    def test_shared_libraries(self):
        for name, path in BUILT["programs"].items():
            may = AGENT_MAY_NEED[BUILT["link"]] if name == "bramble-agent" else MAY_NEED[name]
            needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", tool("readelf", "-dW", path)))
            self.assertEqual(needed - may, set(), name)
            has_loader = "INTERP" in tool("readelf", "-lW", path)
            self.assertEqual(has_loader, bool(may), name)

    def test_programs_start(self):
        for name, path in BUILT["programs"].items():
            self.assertEqual(output_of(*BUILT["emulator"], path, "--version").strip(), f"{name} {BUILT['version']}")
            self.assertIn(name, output_of(*BUILT["emulator"], path, "--help"))


if __name__ == "__main__":
    with open(sys.argv.pop(1), encoding="utf-8") as described:
        BUILT.update(json.load(described))
    result = unittest.main(exit=False).result
    sys.exit(77 if result.skipped and result.wasSuccessful() else not result.wasSuccessful())
