#!/usr/bin/env python3
"""Power that does not do what it is told: what is tried, and when a person is asked."""

from machines import wait_for
from on_the_rig import OnTheRig, main


class FaultInRecovery(OnTheRig):
    power = "recovery = true\nrecovery_s = 30\nhealthy_percent = 50"

    def test_a_node_that_is_fenced_and_lives_on_is_a_fault_and_keeps_its_power(self):
        since, machine = len(self.rig.events), self.rig.nodes["node2"]
        machine.run("touch /tmp/nobody-halts")
        machine.relay_sticks = True
        machine.hang()
        hung = self.rig.now()
        self.wait_for_edge("node2", "0", since, limit_s=180)
        machine.wake()
        self.wait_for_power("node2", "fault", limit_s=120)
        row = self.power_of("node2")
        self.assertIn("beats", row["fault"])
        self.assertFalse(row["off_proved"])
        self.assertIn(self.edges(since), (["node2 off"], ["node2 off", "node2 on"]), "nothing is switched in fault")
        self.figure(f"silence to fault {self.rig.now() - hung:.1f} s: {row['fault']}")


class Fault(OnTheRig):
    power = "halt_limit_s = 5"

    def test_a_relay_that_sticks_is_a_fault_and_its_task_waits_for_proof(self):
        since, machine = len(self.rig.events), self.rig.nodes["node2"]
        machine.run("touch /tmp/nobody-halts")
        machine.relay_sticks = True
        script = "sleep 15; [ $(hostname) = node1 ] || sleep 45; hostname"  # node1 has room long before node2 is done
        job = self.submit("", script, "--array 1-2", "--on-node-loss fence")
        self.wait_for_running(job, tasks=2)
        self.bramble("power off node2 --force --reason test")
        asked = self.rig.now()
        self.wait_for_power("node2", "fault")
        fault = self.rig.now()
        row = self.power_of("node2")
        self.assertIn("beats", row["fault"])
        self.assertFalse(row["off_proved"])
        self.assertIn(row["fault"], [entry["why"] for entry in self.asked("audit node2 --json")])
        self.assertEqual(self.edges(since), ["node2 off"])
        self.assertEqual(set(self.output_of(job)), {"node1", "node2"}, "the node lives, and so does its task")
        self.assertEqual(self.attempts_of(job), 2, "its task was not begun elsewhere")
        self.figure(f"forced off to fault {fault - asked:.1f} s: {row['fault']}")
        self.free_the_relay(machine)

    def attempts_of(self, job):
        rows = self.asked(f"query --format json 'SELECT count(*) AS n FROM jobs.attempts WHERE job = {job}'")
        return rows[0]["n"]

    def free_the_relay(self, machine):
        """A person knocks on it: the node loses its power, is seen to be off, and works again."""
        machine.relay_sticks = False
        machine.cut()
        wait_for("node2 is not heard", lambda: self.states()["node2"] != "on")
        self.bramble("power clear node2 --reason test")
        self.wait_for_power("node2", "off")
        self.bramble("power on node2 --reason test")
        self.wait_until_works("node2")

    def test_a_node_that_never_boots_is_started_a_few_times_and_then_is_a_fault(self):
        since, machine = len(self.rig.events), self.rig.nodes["node2"]
        self.bramble("power off node2 --asap --reason test")
        self.wait_for_power("node2", "off")
        machine.boots_never = True
        self.configure(f"{self.power}\nstart_limit_s = 8\nmax_starts = 3")
        self.restart_aggregator("TERM")
        wait_for("the aggregator answers", lambda: self.power_of("node2"))
        self.bramble("power on node2 --reason test")
        asked = self.rig.now()
        self.wait_for_power("node2", "fault", limit_s=180)
        self.assertIn("3 times in a row", self.power_of("node2")["fault"])
        self.assertEqual(self.edges(since), ["node2 off"] + ["node2 on", "node2 off"] * 2 + ["node2 on"])
        self.figure(f"3 starts, switched on to fault {self.rig.now() - asked:.1f} s")
        self.mend(machine)

    def mend(self, machine):
        machine.cut()
        machine.boots_never = False
        self.configure(self.power)
        self.restart_aggregator("KILL")
        wait_for("it is in fault still", lambda: self.power_of("node2").get("state") == "fault")
        machine.power_on()
        self.bramble("power clear node2 --reason test")
        self.wait_until_works("node2")


if __name__ == "__main__":
    main()
