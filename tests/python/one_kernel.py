"""A kernel of the test's own, over pipes, without a cluster."""

import os
import subprocess

from bramble import _frames, _job, _kernel, _transfer
from bramble._failures import exception_of
from bramble._sending import Sender

NODE = "pi07"


class OneKernel:
    """What a node's kernel would answer. `python`: whose code it is told to get; `folder`: where it works."""

    def __init__(self, python=None, folder=None):
        self.sender = Sender()
        command = _job.kernel_command("a test")
        env = {"PATH": os.environ["PATH"], "BRAMBLE_NODE": NODE, **command["env"]}
        if python is not None:
            env["BRAMBLE_PYTHON"] = python
        self.child = subprocess.Popen(
            command["argv"], env=env, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.communicate()

    def inputs(self, function, *tuples):
        """Of calls, behind all definitions that they need."""
        ready = self.sender.function(function)
        calls = [self.sender.input(ready, args, {}) for args in tuples]
        needed = [ready.definition, *(need for call in calls for need in call.needs)]
        definitions = {each.key: each.input for need in needed for each in need.with_needs()}
        return list(definitions.values()), [call.data for call in calls]

    def exchange(self, inputs):
        """(status, result) of each."""
        self.child.stdin.write(_frames.batch_of(inputs))
        self.child.stdin.flush()
        answers = []
        for number in range(len(inputs)):
            length, answered, status = _kernel.REPLY.unpack(self._read(_kernel.REPLY.size))
            assert answered == number, f"call {answered} was answered in place of {number}"
            answers.append((status, self._read(length - 5)))
        return answers

    def call(self, function, *args):
        """What the call returns or raises."""
        definitions, calls = self.inputs(function, args)
        status, result = self.exchange(definitions + calls)[-1]
        if status != _frames.GOOD:
            raise exception_of(memoryview(result))
        assert result[:1] == _kernel.RESULT, result
        return _transfer.unpack(result[1 + _kernel.MICROSECONDS.size :])

    def end(self):
        """(exit status, what it wrote to standard error), at the end of its input."""
        _, errors = self.child.communicate()
        return self.child.returncode, errors.decode()

    def _read(self, size):
        data = self.child.stdout.read(size)
        assert len(data) == size, f"the kernel ended: {self.end()}"
        return data
