"""Layers that reshape, join, pad, crop and enlarge."""
import numpy as np

from common import Family
from layer_support import add


def merge(f):
    x = lambda d: [d.normal(3, 4) for _ in range(3)]
    for cls in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
        add(f, cls, {}, x)
    add(f, "Subtract", {}, lambda d: [d.normal(3, 4), d.normal(3, 4)])
    add(f, "Add", {}, lambda d: [d.normal(2, 3, 4), d.normal(2, 1, 4)], note="broadcast")
    add(f, "Concatenate", {}, lambda d: [d.normal(2, 3, 2), d.normal(2, 3, 5)])
    add(f, "Concatenate", {"axis": 1}, lambda d: [d.normal(2, 3, 2), d.normal(2, 1, 2), d.normal(2, 2, 2)])
    add(f, "Dot", {"axes": 1}, lambda d: [d.normal(3, 4), d.normal(3, 4)])
    add(f, "Dot", {"axes": 1, "normalize": True}, lambda d: [d.normal(3, 4), d.normal(3, 4)])
    add(f, "Dot", {"axes": [2, 1]}, lambda d: [d.normal(2, 3, 4), d.normal(2, 4, 5)])


def shapes(f):
    image = lambda d: d.normal(2, 3, 4, 2)
    add(f, "Flatten", {}, image)
    add(f, "Flatten", {}, lambda d: d.normal(3), note="rank1")
    add(f, "Reshape", {"target_shape": [6, 4]}, image)
    add(f, "Reshape", {"target_shape": [-1, 2]}, image)
    add(f, "Permute", {"dims": [2, 1]}, lambda d: d.normal(2, 3, 4))
    add(f, "Permute", {"dims": [3, 1, 2]}, image)
    add(f, "RepeatVector", {"n": 3}, lambda d: d.normal(2, 4))


def space(f):
    image = lambda d: d.normal(2, 4, 5, 2)
    for config in [{}, {"padding": 2}, {"padding": [1, 2]}, {"padding": [[1, 0], [0, 2]]}]:
        add(f, "ZeroPadding2D", config, image)
    for config in [{"cropping": 1}, {"cropping": [1, 2]}, {"cropping": [[1, 0], [0, 2]]}]:
        add(f, "Cropping2D", config, image)
    for config in [{"size": 2}, {"size": [2, 3]}, {"size": 2, "interpolation": "bilinear"}, {"size": [3, 2], "interpolation": "bilinear"}]:
        add(f, "UpSampling2D", config, image)
    line = lambda d: d.normal(2, 5, 3)
    add(f, "ZeroPadding1D", {"padding": [1, 2]}, line)
    add(f, "Cropping1D", {"cropping": [1, 2]}, line)
    add(f, "UpSampling1D", {"size": 3}, line)
    cube = lambda d: d.normal(1, 3, 4, 3, 2)
    add(f, "ZeroPadding3D", {"padding": [1, 0, 2]}, cube)
    add(f, "Cropping3D", {"cropping": [[1, 0], [1, 1], [0, 1]]}, cube)
    add(f, "UpSampling3D", {"size": [2, 1, 2]}, cube)


def make():
    f = Family("layers_shape", "layers_shape_cases.py")
    merge(f)
    shapes(f)
    space(f)
    return f
