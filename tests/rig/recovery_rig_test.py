#!/usr/bin/env python3
"""Nodes that are not heard: which of them lose their power, and what becomes of their work."""

from machines import wait_for
from on_the_rig import OnTheRig, main


class Recovery(OnTheRig):
    power = "recovery = true\nrecovery_s = 30\nhealthy_percent = 50"

    def test_a_node_whose_kernel_hangs_is_cut_and_started_again_and_its_task_is_done_once(self):
        since = len(self.rig.events)
        job = self.submit("", "sleep 15; hostname", "--array 1-2", "--on-node-loss fence")
        self.wait_for_running(job, tasks=2)
        self.rig.nodes["node2"].hang()
        hung = self.rig.now()
        fell = self.wait_for_edge("node2", "0", since, limit_s=180)
        self.wait_for_power("node2", "cool-down")
        confirmed = self.rig.now()
        self.wait_until_works("node2")
        works = self.rig.now()
        self.assertEqual(self.edges(since), ["node2 off", "node2 on"])
        self.assertEqual(len(self.output_of(job)), 2)
        self.figure(
            f"silence to cut {fell - hung:.1f} s, to confirmed cut {confirmed - hung:.1f} s, "
            f"cut to node working again {works - fell:.1f} s"
        )

    def test_a_node_that_reboots_by_itself_is_not_cut(self):
        since, machine = len(self.rig.events), self.rig.nodes["node1"]
        for command, how in (("reboot -f", "a crash"), ("systemctl --no-block reboot", "a regular one")):
            job = self.submit("node1", "[ $BRAMBLE_ATTEMPT = 1 ] && sleep 300; cat /proc/sys/kernel/random/boot_id")
            self.wait_for_running(job)
            before, booted = self.boot_of(machine), self.rig.now()
            machine.boot_again(command)
            after = wait_for("it has booted anew", lambda: self.boot_of(machine) not in ("", before))
            self.assertTrue(after)
            self.wait_until_works("node1")
            self.assertEqual(self.output_of(job), [self.boot_of(machine)], "its task was done again")
            self.figure(f"{how}: reboot to node working again {self.rig.now() - booted:.1f} s")
        self.assertEqual(self.edges(since), [], "it was cut, and came back by itself")
        self.assertEqual(machine.starts, 1)

    def boot_of(self, machine):
        return machine.run("cat /proc/sys/kernel/random/boot_id")[1].strip()


if __name__ == "__main__":
    main()
