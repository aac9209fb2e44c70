#!/usr/bin/env python3
"""Nodes that people switch off and on: `bramble power`, as the machines and the rail see it."""

import json

from machines import wait_for
from on_the_rig import HELD, OnTheRig, main

STAGGER_S = 4
HALT_LIMIT_S = 10


class Switching(OnTheRig):
    power = f"halt_limit_s = {HALT_LIMIT_S}"
    more = f'[[supply]]\nname = "shelf"\nstagger_ms = {STAGGER_S * 1000}'

    def switch_off(self, nodes, *options):
        """The state in which each of them is at once."""
        answer = self.bramble(f"power off {nodes} --json --reason test {' '.join(options)}")
        return [node["state"] for node in json.loads(answer)]

    def check_clean_end(self, node, since):
        """It halted by itself, and its power was taken only then. When its line fell."""
        machine = self.rig.nodes[node]
        fell = self.wait_for_edge(node, "0", since, limit_s=120)
        halted, how = machine.ends[-1]
        self.assertEqual(how, "halted", f"{node} lost its power while it ran")
        self.assertIn("rig: disk unmounted", machine.serial().rsplit("rig: systemd is to poweroff", 1)[-1])
        return halted, fell

    def test_a_node_is_drained_halts_by_itself_is_cut_and_comes_back(self):
        # node1 has a line that tells that it has halted, node2 has not: there it takes silence.
        for node in ("node1", "node2"):
            since, asked = len(self.rig.events), self.rig.now()
            job = self.submit(node, HELD)
            self.wait_for_running(job)
            self.assertEqual(self.switch_off(node), ["draining"])
            self.let_go(node)
            self.assertEqual(self.output_of(job), [node], "what had begun is done first")
            halted, fell = self.check_clean_end(node, since)
            self.wait_for_power(node, "off")
            off = self.rig.now()
            self.bramble(f"power on {node} --reason test")
            rose = self.wait_for_edge(node, "1", since)
            self.wait_until_works(node)
            self.assertEqual(self.edges(since), [f"{node} off", f"{node} on"])
            self.figure(
                f"{node} asked to halted {halted - asked:.1f} s, halted to cut {fell - halted:.1f} s, "
                f"cut to off {off - fell:.1f} s, on to working {self.rig.now() - rose:.1f} s"
            )

    def test_both_are_off_and_start_one_after_the_other(self):
        since = len(self.rig.events)
        self.switch_off("all", "--asap")
        for node in ("node1", "node2"):
            self.check_clean_end(node, since)
            self.wait_for_power(node, "off")
        self.bramble("power on all --reason test")
        wait_for("both have power", lambda: len(self.edges(since)) == 4)
        first, second = (head_s for *_, head_s in self.rig.events[since + 2 :])
        self.assertGreaterEqual(second - first, STAGGER_S - 0.1, "the rail looks at its lines 0.1 s late at most")
        for node in ("node1", "node2"):
            self.wait_until_works(node)
        self.assertEqual(len(self.edges(since)), 4)
        self.figure(f"from one start to the next {second - first:.2f} s, stagger {STAGGER_S} s")

    def test_a_node_that_cannot_halt_itself_stays_on(self):
        since = len(self.rig.events)
        machine = self.rig.nodes["node2"]
        machine.run("touch /tmp/nobody-halts")
        self.switch_off("node2")
        said = f"it did not shut down within {HALT_LIMIT_S} s"
        wait_for(said, lambda: said in self.power_of("node2").get("cause", ""))
        self.assertEqual(self.power_of("node2")["state"], "on")
        self.assertEqual(self.edges(since), [])
        wait_for("the agent withdraws its request", lambda: machine.run("ls /run/bramble-agent/request")[0] != 0)
        machine.run("rm /tmp/nobody-halts")
        self.wait_until_works("node2")

    def test_a_chip_that_lets_its_lines_go_starts_a_node_and_it_is_switched_off_again_cleanly(self):
        since = len(self.rig.events)
        self.on_head("echo N >/sys/module/gpio_sim/parameters/persist_gpio_outputs")
        self.addClassCleanup(self.on_head, "echo Y >/sys/module/gpio_sim/parameters/persist_gpio_outputs")
        self.switch_off("node1")
        self.wait_for_power("node1", "off")
        self.restart_aggregator("KILL")
        self.wait_for_edge("node1", "1", since)  # the pull-up's, as the kernel let the line go
        wait_for("it is cut", lambda: self.edges(since)[2:])
        self.check_clean_end("node1", since + 2)
        self.wait_for_power("node1", "off")
        self.assertEqual(self.edges(since), ["node1 off", "node1 on", "node1 off"])
        self.bramble("power on node1 --reason test")
        self.wait_until_works("node1")
        self.figure("edges of the chip's own at the restart: 1, of the aggregator's: 0")


if __name__ == "__main__":
    main()
