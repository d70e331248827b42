"""What a peer's script speaks with bench/run: see programs/work.h, which speaks the same."""

import json
import resource
import statistics
import sys
import time


def once(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def run_for(run, seconds):
    times = [once(run)]
    end = time.perf_counter() + seconds - times[0]
    while time.perf_counter() < end:
        times.append(once(run))
    return {"seconds": statistics.median(times), "runs": len(times)}


def serve(works):
    """`works`: name -> a function of the options that does what is not timed, and returns what is."""
    options = dict(word.split("=", 1) for word in sys.argv[2:])
    run = works[sys.argv[1]](options)
    print("@ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "once":
            answer = {"seconds": once(run), "runs": 1}
        elif command == "time":
            answer = run_for(run, float(arguments[0]))
        elif command == "peak":
            answer = {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}
        else:
            raise SystemExit(f"unknown command {command!r}")
        print("@" + json.dumps(answer), flush=True)
