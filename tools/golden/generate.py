"""Writes the golden files of all families, or of those that are named.

usage: generate.py [--out DIR] [FAMILY ...]
"""
import argparse
import importlib
import os

FAMILIES = {
    "math": "elementwise",
    "compare": "compare",
    "reduce": "reduce",
    "index": "index",
    "shape": "shape",
    "matmul": "matmul",
    "conv": "conv",
    "pool": "pool",
    "norm": "norm",
    "activation": "activation",
    "loss": "loss",
    "metric": "metric",
    "optimizer": "optimizer",
    "schedule": "schedule",
    "initializer": "initializer",
    "layers_core": "layers_core",
    "layers_conv": "layers_conv",
    "layers_pool": "layers_pool",
    "layers_norm": "layers_norm",
    "layers_shape": "layers_shape",
    "layers_rnn": "layers_rnn",
    "layers_preprocessing": "layers_preprocessing",
    "models": "models",
    "fit": "fit",
    "mini_inception": "mini_inception",
    "mixed": "mixed",
    "quantization": "quantization",
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(here, "..", "..", "tests", "golden"))
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    args = parser.parse_args()
    unknown = set(args.families) - set(FAMILIES)
    if unknown:
        parser.error(f"unknown families {sorted(unknown)}; known are {list(FAMILIES)}")
    for family in args.families or FAMILIES:
        importlib.import_module(FAMILIES[family] + "_cases").make().write(args.out)


if __name__ == "__main__":
    main()
