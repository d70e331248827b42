#!/usr/bin/env python3
"""Makes data/mnist: the first 4,000 training and the first 1,000 test images of MNIST, in the official format.

usage: make_mnist_sample.py FOLDER_WITH_MNIST
"""
import gzip
import pathlib
import struct
import sys

import project

COUNTS = {"train": 4000, "t10k": 1000}


def main(folder):
    target = project.ROOT / "data/mnist"
    target.mkdir(parents=True, exist_ok=True)
    for split, count in COUNTS.items():
        for kind, dimensions in (("images-idx3", 3), ("labels-idx1", 1)):
            name = f"{split}-{kind}-ubyte.gz"
            raw = gzip.decompress((folder / name).read_bytes())
            magic, _, *shape = struct.unpack_from(f">{1 + dimensions}I", raw)
            assert magic == 0x0800 + dimensions, name
            item = 1
            for size in shape:
                item *= size
            start = 4 * (1 + dimensions)
            header = struct.pack(f">{1 + dimensions}I", magic, count, *shape)
            packed = gzip.compress(header + raw[start:start + count * item], 9, mtime=0)
            (target / name).write_bytes(packed)
            print(f"{name}: {count} items, {len(packed)} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
