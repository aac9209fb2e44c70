"""What the cluster's scenarios share: the real daemons on a rig, the words for what is done to them, figures."""

import json
import sys
import unittest
from pathlib import Path

import machines
from machines import wait_for

USAGE = "usage: FILE RIG PROGRAMS RAIL [CLASS[.test]]...   (made by prepare.sh; the programs' folder; the rail)"

AGGREGATOR = """\
state_dir = "/state/aggregator"
api_socket = "/tmp/api.sock"
broker_url = "tcp://127.0.0.1:1883"
"""

RELAY = """\
[[line]]
node = "{node}"
kind = "relay"
chip = "{chip}"
{line}
"""

HALT_SENSE = """\
[[line]]
node = "{node}"
kind = "halt"
chip = "{chip}"
line = "GPIO{number}"
"""


# A task that runs on a node until let_go() there: no scenario hangs on how fast this machine is.
HELD = "until [ -e /tmp/go ]; do sleep 0.2; done; hostname"


class OnTheRig(unittest.TestCase):
    """A scenario's rig is that of its class, and so are these settings."""

    chip = "gpio-sim"
    slots = 1
    power = ""  # keys of [power]
    more = ""  # further tables

    @classmethod
    def setUpClass(cls):
        programs = (Path(sys.argv[2]), Path(sys.argv[3]))
        cls.rig = machines.Rig(Path(sys.argv[1]), programs, cls.chip, cls.slots)
        cls.addClassCleanup(cls.stop_rig)
        cls.rig.start()
        cls.configure(cls.power)
        cls.start_aggregator()
        cls.wait_for_both()

    def setUp(self):
        self.wait_for_both()

    @classmethod
    def stop_rig(cls):
        if Told.failed:
            cls.keep_logs()
        cls.rig.stop(keep_logs=Told.failed)
        if Told.failed:
            print(f"logs: {cls.rig.work}", flush=True)

    @classmethod
    def keep_logs(cls):
        for machine, log in ((cls.rig.head, "/state/log"), *((node, "/tmp/agent.log") for node in cls.nodes())):
            try:
                (machine.folder / "log").write_text(machine.run(f"cat {log}")[1], encoding="utf-8")
            except (AssertionError, OSError):
                pass  # it is off, or has shut down

    @classmethod
    def nodes(cls):
        """Those that run and answer."""
        return [node for node in cls.rig.nodes.values() if node.runs and not node.hung]

    @classmethod
    def configure(cls, power):
        """Holds from the aggregator's next start on."""
        chip = cls.chip_label()
        text = AGGREGATOR
        for offset, (number, node) in enumerate(machines.RELAYS.items()):
            line = f"offset = {offset}" if cls.chip == "expander" else f'line = "GPIO{number}"'
            text += RELAY.format(node=node, chip=chip, line=line)
        if cls.chip == "gpio-sim":
            for node, number in machines.HALT_SENSE.items():
                text += HALT_SENSE.format(node=node, chip=chip, number=number)
        text += f"[power]\n{power}\n{cls.more}"
        cls.on_head(": >/state/aggregator.toml")
        for line in text.splitlines():
            cls.on_head(f"echo '{line}' >>/state/aggregator.toml")

    @classmethod
    def chip_label(cls):
        if cls.chip == "gpio-sim":
            return "pinctrl-bcm2835"
        return cls.on_head("cd /sys/bus/i2c/devices && ls -d *-0020")

    # --- the head and its aggregator ---

    @classmethod
    def on_head(cls, command, check=True):
        status, text = cls.rig.head.run(command)
        if check and status != 0:
            raise AssertionError(f"on the head this ended with status {status}: {command}: {text}")
        return text.strip()

    @classmethod
    def start_aggregator(cls):
        cls.on_head("bramble-aggregator --config /state/aggregator.toml >>/state/log 2>&1 &")

    @classmethod
    def end_aggregator(cls, signal):
        cls.on_head(f"kill -{signal} $(pidof bramble-aggregator)")
        wait_for("the aggregator has ended", lambda: cls.rig.head.run("pidof bramble-aggregator")[0] != 0)

    @classmethod
    def restart_aggregator(cls, signal):
        cls.end_aggregator(signal)
        cls.start_aggregator()

    @classmethod
    def bramble(cls, words, check=True):
        """Its output. Unchecked: nothing where it failed."""
        status, text = cls.rig.head.run(f"BRAMBLE_URL=unix:/tmp/api.sock bramble {words} 2>/tmp/said")
        if check and status != 0:
            raise AssertionError(f"bramble {words}: status {status}: {cls.on_head('cat /tmp/said')}")
        return text.strip() if status == 0 else ""

    @classmethod
    def asked(cls, words):
        """A listing, empty where the aggregator cannot be reached."""
        return json.loads(cls.bramble(words, check=False) or "[]")

    @classmethod
    def states(cls):
        return {node["node"]: node["state"] for node in cls.asked("node list --json")}

    @classmethod
    def power_of(cls, node):
        """Its row of `power status`; empty where the aggregator cannot be reached."""
        rows = cls.asked("power status --json") or {"nodes": []}
        return next((row for row in rows["nodes"] if row["node"] == node), {})

    @classmethod
    def wait_for_both(cls):
        wait_for("both nodes are on", lambda: cls.states() == {"node1": "on", "node2": "on"})

    def wait_for_power(self, node, state, limit_s=120):
        wait_for(f"the power of {node} is {state}", lambda: self.power_of(node).get("state") == state, limit_s)

    def wait_until_works(self, node, limit_s=120):
        """It is on and does work again."""
        wait_for(f"{node} is on", lambda: self.states().get(node) == "on", limit_s)
        job = self.submit(node, "hostname")
        self.assertEqual(self.output_of(job), [node])

    # --- work ---

    def submit(self, node, script, *options):
        """A job for that node alone: its agent has a resource of its name. Its number."""
        words = f"--resource {node}=1 {' '.join(options)}" if node else " ".join(options)
        return json.loads(self.bramble(f"submit --json {words} -- sh -c '{script}'"))["job"]

    def wait_for_running(self, job, tasks=1):
        wait_for(f"{tasks} tasks of job {job} run", lambda: self.running(job) == tasks)

    def let_go(self, node):
        """What runs or comes to run there, HELD."""
        self.rig.nodes[node].run("touch /tmp/go")

    def running(self, job):
        rows = self.asked(f"job list --json {job}")
        return rows[0]["tasks"]["running"] if rows else 0

    def output_of(self, job):
        """The lines that its tasks wrote, each task's once, when it has ended well."""
        self.bramble(f"job wait {job}")
        return self.bramble(f"job cat {job}").split("\n")

    # --- what happened ---

    def edges(self, since):
        """Of the rail, as in "node1 off", from that place in its events on."""
        return [f"{node} {'on' if level == '1' else 'off'}" for _, node, level, _ in self.rig.events[since:]]

    def wait_for_edge(self, node, level, since, limit_s=120):
        """When it was."""

        def seen():
            return next((at for at, *edge, _ in self.rig.events[since:] if edge == [node, level]), None)

        return wait_for(f"the line of {node} is {level}", seen, limit_s)

    def figure(self, text):
        self.rig.log(f"figure: {self.id().rsplit('.', 1)[-1].removeprefix('test_')}: {text}")


class Told(unittest.TextTestResult):
    """A failure is one sentence; what is no assertion keeps its traceback."""

    failed = False

    def addFailure(self, test, err):
        Told.failed = True
        super().addFailure(test, err)

    def addError(self, test, err):
        Told.failed = True
        super().addError(test, err)

    def _exc_info_to_string(self, err, test):
        kind, value, _ = err
        if issubclass(kind, AssertionError):
            return f"{value}\n"
        return super()._exc_info_to_string(err, test)


def main():
    if len(sys.argv) < 4:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    machines.enter()
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Told)
    unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[4:]], testRunner=runner)
