#!/usr/bin/env python3
"""Power that goes in the middle of a write: what was finished and on the disk comes in, once."""

import re

from machines import wait_for
from on_the_rig import OnTheRig, main

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
CHUNKS = 60  # of 64 KiB, that the second try writes; the first writes until the cut


ON_DISK_S = 9  # later than this a file is: the kernel's half minute made 1 s, and the 5 s of ext4


class InTheMiddleOfAWrite(OnTheRig):
    slots = 2

    def cut_after(self, wait_s):
        """Whether the result of a task that had ended so long before came in afterwards."""
        machine = self.rig.nodes["node1"]
        machine.run("echo 100 >/proc/sys/vm/dirty_expire_centisecs; echo 50 >/proc/sys/vm/dirty_writeback_centisecs")
        boot = machine.run(BOOT_ID)[1].strip()
        chunk = "head -c 65536 /dev/zero | tr \\\\0 x"
        first = "[ $BRAMBLE_ATTEMPT = 1 ]"
        endless = f"while {first}; do {chunk}; sleep 0.3; done"
        writer = self.submit("node1", f"{endless}; for i in $(seq {CHUNKS}); do {chunk}; done; {BOOT_ID}")
        short = self.submit("node1", f"while {first} && [ ! -e /tmp/go ]; do sleep 0.1; done; {BOOT_ID}")
        self.wait_for_running(writer)
        self.wait_for_running(short)
        self.silence_the_head()
        machine.run("touch /tmp/go")
        wait_for("the short task has ended", lambda: self.ended_on(machine) == 1)
        machine.run(f"sleep {wait_s}")
        self.assertEqual(self.ended_on(machine), 1, "the writer had ended before the cut: the rig is too slow")
        machine.cut()
        machine.power_on()
        machine.run("true")
        self.start_head_again()
        self.wait_until_works("node1")
        self.check_writer(writer, boot)
        self.bramble(f"job forget {writer}")  # the head's disk is small
        return self.check_short(short, boot, wait_s)

    def silence_the_head(self):
        """Nobody hears the node, and nothing waits for it in the broker."""
        self.on_head("kill -9 $(pidof bramble-aggregator) $(pidof mosquitto)")

    def start_head_again(self):
        self.on_head("mosquitto -c /tmp/mosquitto.conf -d")
        self.start_aggregator()

    def ended_on(self, machine):
        return int(machine.run("ls /state/warden/attempts/*/exit.json 2>/dev/null | wc -l")[1])

    def check_writer(self, job, boot):
        """It was done again, whole."""
        self.bramble(f"job wait {job}")
        size = int(self.on_head(f"BRAMBLE_URL=unix:/tmp/api.sock bramble job cat {job} | wc -c"))
        self.assertEqual(size, CHUNKS * 65536 + 37)
        self.assertNotIn(boot, self.on_head(f"BRAMBLE_URL=unix:/tmp/api.sock bramble job cat {job} | tail -c 37"))

    def check_short(self, job, boot, wait_s):
        output = self.output_of(job)
        self.assertEqual(len(output), 1, "its output came twice")
        self.assertRegex(output[0], re.compile("^[0-9a-f-]{36}$"), "its output was damaged")
        kept = output[0] == boot
        self.figure(f"cut {wait_s} s after a task had ended: its result {'came in' if kept else 'was made again'}")
        return kept


class PowerCut(InTheMiddleOfAWrite):
    def test_results_that_were_on_the_disk_outlive_a_power_cut_in_the_middle_of_a_write(self):
        self.assertTrue(self.cut_after(ON_DISK_S), f"a result that was finished {ON_DISK_S} s before the cut was lost")


class PowerCutAtAnyMoment(InTheMiddleOfAWrite):
    def test_a_result_comes_in_whole_or_is_made_again(self):
        for wait_s in (0, 1, 2, 3, 4, 5, 5.5, 6, 6.5, 7):
            self.cut_after(wait_s)


del InTheMiddleOfAWrite

if __name__ == "__main__":
    main()
