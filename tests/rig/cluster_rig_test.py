#!/usr/bin/env python3
"""The real daemons on three machines whose power hangs on the head's lines.

usage: cluster_rig_test.py RIG PROGRAMS RAIL [ClusterRig | RecoveryRig]
       (what prepare.sh made, the folder of the programs, the rail; which tests)
"""

import json
import sys
import unittest
from pathlib import Path

import machines

AGGREGATOR = """\
state_dir = "/state/aggregator"
api_socket = "/tmp/api.sock"
broker_url = "tcp://127.0.0.1:1883"
[[line]]
node = "node1"
kind = "relay"
chip = "pinctrl-bcm2835"
line = "GPIO17"
[[line]]
node = "node2"
kind = "relay"
chip = "pinctrl-bcm2835"
line = "GPIO27"
[power]
recovery = true
recovery_s = 30
healthy_percent = 50
"""


class OnTheRig(unittest.TestCase):
    """What the tests share: the rig, and the words for it."""

    @classmethod
    def setUpClass(cls):
        cls.rig = machines.Rig(Path(sys.argv[1]), (Path(sys.argv[2]), Path(sys.argv[3])))
        cls.addClassCleanup(cls.rig.stop)
        cls.rig.start()
        cls.write_configuration()
        cls.start_aggregator()
        cls.wait_for_both()

    @classmethod
    def write_configuration(cls):
        cls.on_head(": >/state/aggregator.toml")
        for line in AGGREGATOR.splitlines():
            cls.on_head(f"echo '{line}' >>/state/aggregator.toml")

    @classmethod
    def on_head(cls, command, check=True):
        status, text = cls.rig.head.run(command)
        if check and status != 0:
            raise AssertionError(f"{command}: status {status}: {text}\n{cls.rig.head.run('cat /state/log')[1]}")
        return text

    @classmethod
    def start_aggregator(cls):
        cls.on_head("bramble-aggregator --config /state/aggregator.toml >>/state/log 2>&1 &")

    @classmethod
    def wait_for_both(cls):
        machines.wait_for("both nodes are on", lambda: cls.states() == {"node1": "on", "node2": "on"})

    @classmethod
    def bramble(cls, words):
        """Its output, or nothing where it failed."""
        status, text = cls.rig.head.run(f"BRAMBLE_URL=unix:/tmp/api.sock bramble {words} 2>/dev/null")
        return text if status == 0 else ""

    @classmethod
    def states(cls):
        return {node["node"]: node["state"] for node in json.loads(cls.bramble("node list --json") or "[]")}

    def power_state(self, node):
        rows = json.loads(self.bramble("query --format json 'SELECT node, state FROM jobs.power'") or "[]")
        return next((row["state"] for row in rows if row["node"] == node), "")

    def restart_aggregator(self, signal):
        self.on_head(f"kill -{signal} $(pidof bramble-aggregator)")
        machines.wait_for("it has ended", lambda: self.rig.head.run("pidof bramble-aggregator")[0] != 0)
        self.start_aggregator()


class ClusterRig(OnTheRig):
    def test_tasks_run_on_the_nodes(self):
        self.bramble("submit --array 1-4 -- sh -c 'hostname; sleep 1'")
        self.bramble("job wait last")
        self.assertEqual(set(self.bramble("job cat last").split()), set(machines.RELAYS.values()))

    def test_a_node_whose_power_is_cut_comes_back_and_its_task_is_done(self):
        node, edges = self.rig.nodes["node1"], len(self.rig.events)
        self.bramble("submit --array 1-2 -- sh -c 'hostname; sleep 10'")
        machines.wait_for("both run", lambda: '"running":2' in self.bramble("job list --json").replace(" ", ""))
        node.cut()
        machines.wait_for("node1 is not heard", lambda: self.states()["node1"] != "on")
        node.power_on()
        machines.wait_for("node1 is back", lambda: self.states()["node1"] == "on")
        self.bramble("job wait last")
        self.assertEqual(len(self.bramble("job cat last").split()), 2)
        self.assertEqual(self.rig.events[edges:], [], "nobody cuts a node that comes back by itself")

    def test_no_edge_when_the_aggregator_ends_and_starts_again(self):
        edges = len(self.rig.events)
        starts = {name: node.starts for name, node in self.rig.nodes.items()}
        # A chip that lets its lines fall to their pull, and one that keeps their levels.
        for signal, keeps in (("TERM", "Y"), ("KILL", "N"), ("KILL", "Y")):
            self.on_head(f"echo {keeps} >/sys/module/gpio_sim/parameters/persist_gpio_outputs")
            self.restart_aggregator(signal)
            self.wait_for_both()
            self.rig.log(f"the aggregator was ended with {signal} and started again")
        self.assertEqual(self.rig.events[edges:], [])
        self.assertEqual({name: node.starts for name, node in self.rig.nodes.items()}, starts)

    def test_the_aggregator_holds_its_lines_against_the_outside(self):
        edges = len(self.rig.events)
        for pull in ("pull-down", "pull-up"):
            for line in machines.RELAYS:
                self.on_head(f"echo {pull} >$(echo /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio{line}/pull)")
        self.on_head("sleep 1")
        self.assertEqual(self.rig.events[edges:], [])


class RecoveryRig(OnTheRig):
    def test_a_node_whose_kernel_hangs_is_cut_and_started_again_and_its_task_is_done_once(self):
        node = self.rig.nodes["node2"]
        edges, starts = len(self.rig.events), node.starts
        self.bramble("submit --array 1-2 --on-node-loss fence -- sh -c 'hostname; sleep 15'")
        machines.wait_for("both run", lambda: '"running":2' in self.bramble("job list --json").replace(" ", ""))
        node.hang()
        hung = self.rig.now()
        machines.wait_for("it was started again", lambda: node.starts == starts + 1, limit_s=180)
        machines.wait_for("node2 is back", lambda: self.states()["node2"] == "on")
        self.rig.log(f"node2 is back {self.rig.now() - hung:.1f} s after it hung")
        seen = [(number, level) for _, number, level in self.rig.events[edges:]]
        self.assertEqual(seen, [("27", "0"), ("27", "1")])
        self.bramble("job wait last")
        self.assertEqual(len(self.bramble("job cat last").split()), 2)

    def test_the_aggregator_killed_in_each_state_of_a_recovery_makes_no_edge_of_its_own(self):
        node = self.rig.nodes["node2"]
        edges = len(self.rig.events)
        node.hang()
        for state, so_far in (("suspect", []), ("cool-down", ["0"]), ("starting", ["0", "1"])):
            machines.wait_for(f"{state}", lambda: self.power_state("node2") == state, limit_s=180)
            self.restart_aggregator("KILL")
            self.rig.log(f"the aggregator was killed when node2 was {state}, and started again")
            self.assertEqual([level for _, _, level in self.rig.events[edges:]], so_far)
        machines.wait_for("node2 is back", lambda: self.states().get("node2") == "on", limit_s=180)
        seen = [(number, level) for _, number, level in self.rig.events[edges:]]
        self.assertEqual(seen, [("27", "0"), ("27", "1")])


if __name__ == "__main__":
    machines.enter()
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
