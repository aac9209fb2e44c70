#!/usr/bin/env python3
"""The aggregator is killed in each state of a node's power: no edge of its own, and what was begun comes to its end."""

from machines import wait_for
from on_the_rig import HELD, OnTheRig, main


class Killed(OnTheRig):
    """What both have: a kill in a state, and what may not come of it."""

    def kill_in(self, node, state, since, edge=None):
        """As soon as the log says that it is there, and, where that is named, its line has this edge."""
        said = f"power of node {node}: {state} ("
        if edge is not None:
            self.wait_for_edge(node, edge, since, limit_s=180)
        self.on_head(
            f"i=0; until tail -n +{self.log_seen + 1} /state/log | grep -qF '{said}'; do usleep 10000; "
            f"i=$((i+1)); [ $i -lt 6000 ] || exit 1; done; kill -9 $(pidof bramble-aggregator)"
        )
        edges = len(self.rig.events)
        wait_for("the aggregator has ended", lambda: self.rig.head.run("pidof bramble-aggregator")[0] != 0)
        last = self.on_head(f"sed -n 's/.*power of node {node}: \\([a-z-]*\\) (.*/\\1/p' /state/log | tail -1")
        self.assertEqual(last, state, "it had left the state when it was killed: the rig is too slow")
        self.log_seen = int(self.on_head("wc -l </state/log"))
        self.start_aggregator()
        wait_for("its lines are read", self.are_lines_read)
        seen = self.edges(edges)
        self.figure(f"edges at the restart in {state}: {len(seen)}")
        self.assertEqual(seen, [], f"at the restart in {state}")

    def are_lines_read(self):
        rows = [self.power_of(node) for node in self.rig.nodes]
        return all(row and row["waits"] != "its lines are being read" for row in rows)

    def setUp(self):
        super().setUp()
        self.log_seen = int(self.on_head("wc -l </state/log"))


class KilledOnTheWayDownAndUp(Killed):
    power = "halt_limit_s = 10\nhold_s = 5"

    def test_each_state_from_on_to_off_and_back(self):
        since = len(self.rig.events)
        job = self.submit("node2", HELD, "--on-node-loss fence")
        self.wait_for_running(job)
        self.bramble("power off node2 --reason test")
        self.kill_in("node2", "draining", since)
        self.let_go("node2")
        self.assertEqual(self.output_of(job), ["node2"], "it is drained all the same")
        self.kill_in("node2", "halting", since)
        self.kill_in("node2", "cutting", since, edge="0")
        self.assertEqual(self.rig.nodes["node2"].ends[-1][1], "halted")
        self.kill_in("node2", "off", since)
        self.assertEqual(self.power_of("node2")["state"], "off")
        self.bramble("power on node2 --reason test")
        self.kill_in("node2", "starting", since, edge="1")
        self.wait_until_works("node2")
        self.assertEqual(self.edges(since), ["node2 off", "node2 on"])


class KilledInRecovery(Killed):
    power = "recovery = true\nrecovery_s = 30\nhealthy_percent = 50\nhold_s = 5"

    def test_each_state_of_a_recovery(self):
        since = len(self.rig.events)
        job = self.submit("", "sleep 15; hostname", "--array 1-2", "--on-node-loss fence")
        self.wait_for_running(job, tasks=2)
        self.rig.nodes["node2"].hang()
        self.kill_in("node2", "fencing", since, edge="0")
        self.kill_in("node2", "cool-down", since)
        self.kill_in("node2", "starting", since, edge="1")
        self.wait_until_works("node2")
        self.assertEqual(self.edges(since), ["node2 off", "node2 on"])
        self.assertEqual(len(self.output_of(job)), 2)

    def test_a_node_under_suspicion_is_suspected_anew(self):
        since, hung = len(self.rig.events), self.rig.now()
        self.rig.nodes["node2"].hang()
        self.kill_in("node2", "suspect", since)
        fell = self.wait_for_edge("node2", "0", since, limit_s=180)
        self.wait_until_works("node2", limit_s=120)
        self.assertEqual(self.edges(since), ["node2 off", "node2 on"])
        self.figure(f"silence to cut {fell - hung:.1f} s, with a restart between")


if __name__ == "__main__":
    main()
