#!/usr/bin/env python3
"""The real daemons on three machines: work, a power cut from outside, and restarts of the aggregator on two chips."""

from machines import RELAYS, wait_for
from on_the_rig import OnTheRig, main


class Restarts(OnTheRig):
    """What holds on every chip."""

    keeps = ("Y",)  # what it does with the lines of a process that has ended: it keeps their level, or lets them go

    def test_no_edge_when_the_aggregator_ends_and_starts_again(self):
        since = len(self.rig.events)
        starts = {name: node.starts for name, node in self.rig.nodes.items()}
        for keeps in self.keeps:
            for signal in ("TERM", "KILL"):
                self.keep_levels(keeps)
                self.restart_aggregator(signal)
                self.wait_for_both()
        self.assertEqual(self.edges(since), [])
        self.assertEqual({name: node.starts for name, node in self.rig.nodes.items()}, starts)
        self.figure(f"edges at {2 * len(self.keeps)} restarts: 0")

    def keep_levels(self, keeps):
        """An expander always does."""


class Cluster(Restarts):
    keeps = ("N", "Y")

    def keep_levels(self, keeps):
        self.on_head(f"echo {keeps} >/sys/module/gpio_sim/parameters/persist_gpio_outputs")

    def test_tasks_run_on_the_nodes(self):
        job = self.submit("", "hostname; sleep 1", "--array 1-4")
        self.assertEqual(set(self.output_of(job)), set(RELAYS.values()))

    def test_a_node_whose_power_is_cut_comes_back_and_its_task_is_done(self):
        node, since = self.rig.nodes["node1"], len(self.rig.events)
        job = self.submit("", "hostname; sleep 20", "--array 1-2")
        self.wait_for_running(job, tasks=2)
        node.cut()
        cut = self.rig.now()
        wait_for("node1 is not heard", lambda: self.states()["node1"] != "on")
        node.power_on()
        self.wait_until_works("node1")
        self.figure(f"cut to node working again {self.rig.now() - cut:.1f} s")
        self.assertEqual(len(self.output_of(job)), 2)
        self.assertEqual(self.edges(since), [], "nobody cuts a node that comes back by itself")

    def test_the_aggregator_holds_its_lines_against_the_outside(self):
        since = len(self.rig.events)
        for pull in ("pull-down", "pull-up"):
            for line in RELAYS:
                self.on_head(f"echo {pull} >$(echo /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{line}/pull)")
        self.on_head("sleep 1")
        self.assertEqual(self.edges(since), [])


class Expander(Restarts):
    """Relays on a PCA9535: it has no line for the halt, and keeps what it was told, whatever becomes of who told it."""

    chip = "expander"
    power = "halt_limit_s = 5"

    def test_a_node_that_is_off_stays_off_when_the_aggregator_is_killed(self):
        since = len(self.rig.events)
        self.bramble("power off node2 --reason test")
        self.wait_for_edge("node2", "0", since)
        self.assertEqual(self.rig.nodes["node2"].ends[-1][1], "halted")
        self.wait_for_power("node2", "off")
        self.restart_aggregator("KILL")
        wait_for("node2 is off still", lambda: self.power_of("node2").get("state") == "off")
        self.bramble("power on node2 --reason test")
        self.wait_until_works("node2")
        self.assertEqual(self.edges(since), ["node2 off", "node2 on"])
        self.figure("edges at the restart with a node that is off: 0")


del Restarts  # not a scenario by itself

if __name__ == "__main__":
    main()
