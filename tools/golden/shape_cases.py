"""Creation, and changing shape and order."""
import keras
import numpy as np
import tensorflow as tf

from common import Family

ops = keras.ops


def creation(f):
    none = lambda d: []
    f.op("zeros", lambda: tf.zeros([2, 3]), none, {"shape": [2, 3], "dtype": "float32"})
    f.op("ones", lambda: tf.ones([0, 2], "int32"), none, {"shape": [0, 2], "dtype": "int32"})
    f.op("fill", lambda v: tf.fill([2, 3], v), lambda d: np.float32(2.5), {"shape": [2, 3]})
    f.op("zeros_like", tf.zeros_like, lambda d: d.integers(0, 3, 2, 2))
    f.op("ones_like", tf.ones_like, lambda d: d.normal(2, 2))
    f.op("eye", lambda: tf.eye(3), none, {"rows": 3})
    f.op("eye", lambda: ops.eye(3, 4, k=1), none, {"rows": 3, "columns": 4, "k": 1})
    f.op("range", lambda a, b, s: tf.range(a, b, s), lambda d: [np.int32(2), np.int32(11), np.int32(3)])
    f.op("range", lambda a, b, s: tf.range(a, b, s), lambda d: [np.float32(1), np.float32(-1), np.float32(-0.5)], gradient=False)
    f.op("linspace", lambda a, b: tf.linspace(a, b, 5), lambda d: [np.float32(-1), np.float32(3)], {"num": 5}, gradient=False)
    f.op("linspace", lambda a, b: ops.linspace(a, b, 4, endpoint=False), lambda d: [np.float32(0), np.float32(1)], {"num": 4, "endpoint": False}, gradient=False)
    for indexing in ("xy", "ij"):
        f.op("meshgrid", lambda a, b: tf.meshgrid(a, b, indexing=indexing), lambda d: [d.normal(2), d.normal(3)], {"indexing": indexing})
    f.op("shape", tf.shape, lambda d: np.zeros((2, 0, 3), np.float32))
    f.op("size", tf.size, lambda d: np.zeros((2, 4, 3), np.float32))
    f.op("rank", tf.rank, lambda d: np.zeros((2, 4, 3), np.float32))


def shapes(f):
    x = lambda d: d.normal(2, 3, 4)
    for shape in ([6, 4], [-1], [4, -1, 2], [2, 3, 4, 1]):
        f.op("reshape", lambda t: tf.reshape(t, shape), x, {"shape": shape})
    f.op("reshape", lambda t: tf.reshape(t, [0, 4]), lambda d: np.zeros((2, 0), np.float32), {"shape": [0, 4]}, note="no_elements")
    f.op("ravel", ops.ravel, x)
    for axis in (0, 1, -1, 3):
        f.op("expand_dims", lambda t: tf.expand_dims(t, axis), x, {"axis": axis})
    y = lambda d: d.normal(1, 3, 1, 2)
    f.op("squeeze", tf.squeeze, y, {"axis": None})
    f.op("squeeze", lambda t: tf.squeeze(t, 0), y, {"axis": [0]})
    f.op("squeeze", lambda t: tf.squeeze(t, [0, 2]), y, {"axis": [0, 2]})
    f.op("broadcast_to", lambda t: tf.broadcast_to(t, [2, 3, 4]), lambda d: d.normal(3, 1), {"shape": [2, 3, 4]})
    f.op("broadcast_to", lambda t: tf.broadcast_to(t, [0, 3]), lambda d: d.normal(3), {"shape": [0, 3]})
    f.op("transpose", tf.transpose, x, {"perm": None})
    for perm in ([1, 0, 2], [2, 0, 1]):
        f.op("transpose", lambda t: tf.transpose(t, perm), x, {"perm": perm})
    f.op("transpose", lambda t: tf.transpose(t, [0, 3, 1, 2]), lambda d: d.normal(2, 3, 2, 5), {"perm": [0, 3, 1, 2]})
    f.op("swapaxes", lambda t: ops.swapaxes(t, 0, -1), x, {"axis1": 0, "axis2": -1})
    f.op("moveaxis", lambda t: ops.moveaxis(t, 0, 2), x, {"source": 0, "destination": 2})


def joining(f):
    for axis in (0, 1, -1):
        shapes = [[2, 3, 4] for _ in range(3)]
        shapes[1][axis], shapes[2][axis] = 1, 2
        f.op("concat", lambda *t: tf.concat(t, axis), lambda d: [d.normal(*s) for s in shapes], {"axis": axis})
    f.op("concat", lambda *t: tf.concat(t, 0), lambda d: [d.normal(2, 3), np.zeros((0, 3), np.float32), d.normal(1, 3)], {"axis": 0}, note="no_rows")
    for axis in (0, 1, -1):
        f.op("stack", lambda *t: tf.stack(t, axis), lambda d: [d.normal(2, 3) for _ in range(3)], {"axis": axis})
        f.op("unstack", lambda t: tf.unstack(t, axis=axis), lambda d: d.normal(3, 2), {"axis": axis})
    f.op("hstack", lambda *t: ops.hstack(t), lambda d: [d.normal(2, 3), d.normal(2, 1)])
    f.op("hstack", lambda *t: ops.hstack(t), lambda d: [d.normal(2), d.normal(3)])
    f.op("vstack", lambda *t: ops.vstack(t), lambda d: [d.normal(2, 3), d.normal(1, 3)])
    f.op("split", lambda t: tf.split(t, 3, 1), lambda d: d.normal(2, 6), {"num_or_size_splits": 3, "axis": 1})
    f.op("split", lambda t: tf.split(t, [1, 0, 3], 0), lambda d: d.normal(4, 2), {"num_or_size_splits": [1, 0, 3], "axis": 0})
    f.op("split", lambda t: tf.split(t, [2, -1], -1), lambda d: d.normal(2, 5), {"num_or_size_splits": [2, -1], "axis": -1})
    f.op("tile", lambda t: tf.tile(t, [2, 1, 3]), lambda d: d.normal(2, 1, 2), {"multiples": [2, 1, 3]})
    f.op("tile", lambda t: tf.tile(t, [0, 2]), lambda d: d.normal(2, 3), {"multiples": [0, 2]})
    f.op("repeat", lambda t: tf.repeat(t, 3, 1), lambda d: d.normal(2, 3), {"repeats": 3, "axis": 1})
    f.op("repeat", lambda t: tf.repeat(t, [1, 0, 2], 1), lambda d: d.normal(2, 3), {"repeats": [1, 0, 2], "axis": 1})
    f.op("repeat", lambda t: tf.repeat(t, 2), lambda d: d.normal(2, 3), {"repeats": 2, "axis": None})
    f.op("reverse", lambda t: tf.reverse(t, [0, 2]), lambda d: d.normal(2, 3, 2), {"axis": [0, 2]})
    f.op("flip", ops.flip, lambda d: d.normal(2, 3), {"axis": None})
    f.op("flip", lambda t: ops.flip(t, 1), lambda d: d.normal(2, 3), {"axis": 1})
    f.op("roll", lambda t: tf.roll(t, 2, 1), lambda d: d.normal(2, 5), {"shift": 2, "axis": 1})
    f.op("roll", lambda t: ops.roll(t, -3), lambda d: d.normal(2, 5), {"shift": -3, "axis": None})
    for k in (1, 2, 3):
        # Keras 3.15 on TensorFlow mixes the elements of a matrix that is not square for k = 2.
        f.op("rot90", lambda t: ops.rot90(t, k), lambda d: d.normal(*((3, 3, 2) if k == 2 else (2, 3, 2))), {"k": k})
    for mode in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        p = [[1, 2], [0, 1]]
        f.op("pad", lambda t: tf.pad(t, p, mode), lambda d: d.normal(3, 4), {"paddings": p, "mode": mode.lower()})
    f.op("pad", lambda t: tf.pad(t, [[1, 0]], constant_values=-2.0), lambda d: d.normal(3), {"paddings": [[1, 0]], "mode": "constant", "constant_values": -2.0})


def matrices(f):
    for k in (0, 1, -1):
        f.op("diag", lambda t: ops.diag(t, k), lambda d: d.normal(3), {"k": k}, note="vector")
        f.op("diag", lambda t: ops.diag(t, k), lambda d: d.normal(3, 4), {"k": k}, note="matrix")
        f.op("tril", lambda t: ops.tril(t, k), lambda d: d.normal(2, 3, 4), {"k": k})
        f.op("triu", lambda t: ops.triu(t, k), lambda d: d.normal(2, 3, 4), {"k": k})
    f.op("diagonal", lambda t: ops.diagonal(t, 1, 0, 2), lambda d: d.normal(3, 2, 4), {"offset": 1, "axis1": 0, "axis2": 2})
    f.op("trace", ops.trace, lambda d: d.normal(3, 4))
    f.op("linalg.diag", tf.linalg.diag, lambda d: d.normal(2, 3))
    f.op("linalg.diag_part", tf.linalg.diag_part, lambda d: d.normal(2, 3, 4))
    f.op("nn.space_to_depth", lambda t: tf.nn.space_to_depth(t, 2), lambda d: d.normal(2, 4, 6, 3), {"block_size": 2})
    f.op("nn.depth_to_space", lambda t: tf.nn.depth_to_space(t, 2), lambda d: d.normal(2, 2, 3, 8), {"block_size": 2})


def make():
    f = Family("shape", "shape_cases.py")
    creation(f)
    shapes(f)
    joining(f)
    matrices(f)
    return f
