"""Runs the variants of a row in turn, A B A B, and takes medians."""

import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time

from . import machine
from .worker import BENCH, WorkFailed, Worker

ROOT = os.path.dirname(BENCH)


class Bench:
    pause = 0.3  # seconds in which the threads of the peer before stop spinning
    waking = 1.5  # seconds in which a peer gets back the memory that the system took while others had their turns

    def __init__(self, programs, pythons, build, rounds, limit, models, log):
        self.programs, self.pythons, self.build = programs, pythons, build
        self.rounds, self.limit, self.models, self.log = rounds, limit, models, log
        self.repeated, self.disturbed = 0, set()

    def available(self, row):
        return [v for v in row.variants if v.peer in self.programs or v.peer == "oneDNN"]

    def run(self, row):
        """Results by variant: {"value": images/s, seconds or MB, "samples": of each round}."""
        self.disturbed.clear()
        sample = {"time": self.times, "first": self.processes, "start": self.processes, "peak": self.processes,
                  "compile": self.compiles, "size": self.sizes}[row.measure](row)
        results = {}
        for variant in self.available(row):
            if samples := sample.get(variant.name):
                items = variant.items or row.items
                values = [items / s if items else s for s in samples]
                results[variant.name] = {"peer": variant.peer, "label": variant.label, "value": statistics.median(values),
                                         "samples": values, "disturbed": variant.name in self.disturbed}
        return results

    def times(self, row):
        workers = {}
        try:
            for variant in self.available(row):
                try:
                    worker = Worker(variant, self.programs, self.models, self.log)
                    worker.ask("once")
                    if row.warm_up:
                        worker.ask(f"time {row.warm_up}")
                    workers[variant.name] = worker
                except WorkFailed as failure:
                    print(failure, file=sys.stderr)
            samples = {name: [] for name in workers}
            for _ in range(self.rounds):
                for name, worker in workers.items():
                    samples[name].append(self.undisturbed(worker, f"time {row.seconds}"))
            return samples
        finally:
            for worker in workers.values():
                worker.close()

    def undisturbed(self, worker, command):
        """The seconds of a measurement during which others took little of the machine: the least disturbed of four."""
        best = None
        for attempt in range(4):
            time.sleep(self.pause * (attempt + 1))  # others come to an end, too
            worker.ask(f"time {self.waking}")
            with machine.Disturbance(worker.process.pid) as disturbance:
                seconds = worker.ask(command)["seconds"]
            if best is None or disturbance.share < best[0]:
                best = disturbance.share, seconds
            if disturbance.share <= self.limit:
                return seconds
            self.repeated += 1
        self.disturbed.add(worker.name)
        print(f"{worker.name}: others took {best[0]:.0%} of the machine, four times", file=sys.stderr)
        return best[1]

    def processes(self, row):
        """A new process for each sample."""
        samples = {}
        for turn in range(self.rounds + 1):
            for variant in self.available(row):
                try:
                    worker = Worker(variant, self.programs, self.models, self.log)
                except WorkFailed as failure:
                    print(failure, file=sys.stderr)
                    continue
                if row.measure == "start":
                    value = worker.seconds_to_ready
                else:
                    value = worker.ask("once")["seconds"]
                if row.measure == "peak":
                    worker.ask("once"), worker.ask("once")
                    value = worker.ask("peak")["megabytes"]
                worker.close()
                if turn:  # the first time files come from the disk
                    samples.setdefault(variant.name, []).append(value)
        return samples

    def compiles(self, row):
        folders = {"hello_strata": [os.path.join(ROOT, "include")]}
        if "PyTorch" in self.pythons:
            code = "from torch.utils.cpp_extension import include_paths; print(*include_paths(), sep='\\n')"
            done = subprocess.run([self.pythons["PyTorch"], "-c", code], capture_output=True, text=True)
            folders["hello_torch"] = done.stdout.split()
        samples = {}
        with tempfile.TemporaryDirectory() as out:
            for _ in range(min(self.rounds, 3)):
                for variant in self.available(row):
                    command = ["c++", "-std=c++20", "-O2", *(f"-I{f}" for f in folders[variant.work]), "-c", "-o",
                               os.path.join(out, "hello.o"), os.path.join(BENCH, "programs", "hello", variant.work + ".cpp")]
                    start = time.monotonic()
                    if subprocess.run(command, stderr=self.log).returncode == 0:
                        samples.setdefault(variant.name, []).append(time.monotonic() - start)
        return samples

    def sizes(self, row):
        files = {"strata": glob.glob(os.path.join(self.build, "lib", "libstrata*.so")),
                 "oneDNN": linked_files(self.programs["strata"][0], "libdnnl")}
        for peer, module, pattern in (("PyTorch", "torch", "lib/libtorch_cpu.so"), ("TensorFlow", "tensorflow", "**")):
            if peer in self.pythons:
                code = f"import importlib.util as u; print(u.find_spec({module!r}).submodule_search_locations[0])"
                folder = subprocess.run([self.pythons[peer], "-c", code], capture_output=True, text=True).stdout.strip()
                files[peer] = glob.glob(os.path.join(folder, pattern), recursive=True)
        total = {peer: sum(os.path.getsize(f) for f in found if os.path.isfile(f)) / 1e6 for peer, found in files.items()}
        return {v.name: [total[v.peer]] for v in self.available(row) if total.get(v.peer)}


def linked_files(program, name):
    lines = subprocess.run(["ldd", program], capture_output=True, text=True).stdout.splitlines()
    return [os.path.realpath(words[2]) for words in map(str.split, lines) if words[0].startswith(name)]
