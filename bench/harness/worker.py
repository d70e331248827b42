"""One process that does one variant's work on command; programs/work.h has the protocol."""

import json
import os
import subprocess
import sys
import tempfile
import time

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPTS = {"PyTorch": "torch_peer.py", "TensorFlow": "tensorflow_peer.py", "OpenVINO": "openvino_peer.py",
           "ONNX Runtime": "onnxruntime_peer.py"}
MODULES = {"PyTorch": "torch", "TensorFlow": "tensorflow", "OpenVINO": "openvino", "ONNX Runtime": "onnxruntime"}


class WorkFailed(Exception):
    pass


class Worker:
    def __init__(self, variant, programs, models, log):
        options = dict(variant.options)
        environment = os.environ | {"OMP_NUM_THREADS": str(variant.threads)}
        if options.pop("kernel_cache", None):
            self.folder = tempfile.TemporaryDirectory()
            environment["STRATA_KERNEL_CACHE"] = os.path.join(self.folder.name, "kernels.txt")
        if "model" in options:
            options["model"] = models[options["model"]]
        words = [variant.work, *(f"{k}={v}" for k, v in options.items())]
        cores = sorted(os.sched_getaffinity(0))[:variant.threads]
        self.name = variant.name
        start = time.monotonic()
        self.process = subprocess.Popen([*programs[variant.peer], *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log, text=True, env=environment,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.read()
        self.seconds_to_ready = time.monotonic() - start

    def read(self):
        for line in self.process.stdout:
            if line.startswith("@"):
                return line[1:].strip()
        self.close()
        raise WorkFailed(f"{self.name}: ended with status {self.process.returncode}; see the log")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.read())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def programs(strata_bench, pythons):
    """Command lines by peer, of those that are there."""
    found = {"strata": [strata_bench]}
    for peer, script in SCRIPTS.items():
        if pythons.get(peer):
            found[peer] = [pythons[peer], os.path.join(BENCH, "peers", script)]
    return found


def find_pythons(candidates):
    """For each peer the first interpreter that has it."""
    found = {}
    for peer, module in MODULES.items():
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        for python in candidates:
            try:
                if subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL).returncode == 0:
                    found[peer] = python
                    break
            except OSError as error:
                print(f"{python}: {error}", file=sys.stderr)
    return found
