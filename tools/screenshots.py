#!/usr/bin/env python3
"""Pictures of TensorBoard's pages for docs/: starts TensorBoard on a folder of logs and opens each dashboard in Chromium.

    tools/screenshots.py logs docs/images --python /path/to/a/venv/bin/python

`logs` is what examples/tensorboard.cpp writes. Needs chromium (Debian package) and tensorboard (PyPI) in that venv.
"""
import argparse
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PAGES = {"scalars": "scalars", "images": "images", "graphs": "graph", "hparams": "hparams", "projector": "projector",
         "histograms": "histograms"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url, process, seconds=120):
    for _ in range(seconds):
        if process.poll() is not None:
            sys.exit("TensorBoard ended before it answered; is it installed in that venv?")
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except OSError:
            time.sleep(1)
    sys.exit(f"TensorBoard did not answer at {url} within {seconds} s.")


def shoot(url, path):
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(["chromium", "--headless=new", "--no-sandbox", f"--user-data-dir={profile}", "--hide-scrollbars",
                        "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                        "--window-size=1400,900", "--virtual-time-budget=25000", f"--screenshot={path}", url],
                       check=True, timeout=240, stderr=subprocess.DEVNULL)
    if not path.exists():
        sys.exit(f"chromium wrote no picture of {url}")
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has tensorboard")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    port = free_port()
    board = subprocess.Popen([options.python, "-m", "tensorboard.main", "--logdir", str(options.logs), "--port",
                              str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/data/runs", board)
        time.sleep(5)  # until all runs are read
        for page, name in PAGES.items():
            shoot(f"http://127.0.0.1:{port}/?darkMode=false#{page}",
                  (options.out / f"tensorboard_{name}.png").resolve())
    finally:
        board.terminate()
        board.wait()


if __name__ == "__main__":
    main()
