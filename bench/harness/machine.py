"""What the machine is, and whether somebody else uses it."""

import os
import platform
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def describe():
    facts = {}
    with open("/proc/cpuinfo") as f:
        for line in f:
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", "").split()
    special = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) / 2**20
    return (f"{facts.get('model name', platform.machine())}, {len(os.sched_getaffinity(0))} cores, "
            f"{memory:.0f} GiB ({' '.join(special)})")


def version_of(python, module):
    code = ("import importlib.metadata as m, sys; found = m.packages_distributions().get(sys.argv[1], ['']); "
            "print(m.version(found[0]) if found[0] else 'unknown')")
    done = subprocess.run([python, "-c", code, module], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def busy_and_stolen():
    """Seconds of all processors that something ran, and that a hypervisor gave to others."""
    with open("/proc/stat") as f:
        user, nice, system, _idle, _wait, irq, softirq, steal, *_ = map(int, f.readline().split()[1:])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def used_by(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # user and system time


class Disturbance:
    """Around one measurement: the share of the machine that others took from it."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.start, self.busy, self.own = time.monotonic(), busy_and_stolen(), used_by(self.pid)
        return self

    def __exit__(self, *_):
        elapsed = max(time.monotonic() - self.start, 1 / TICKS)
        busy, steal = (now - before for now, before in zip(busy_and_stolen(), self.busy))
        others = max(busy - (used_by(self.pid) - self.own), 0)
        # Both clocks count whole ticks, so short measurements are given a few of them.
        self.share = max(others + steal - 3 / TICKS, 0) / elapsed / os.cpu_count()
