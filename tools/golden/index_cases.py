"""Reading and writing parts of tensors."""
import keras
import numpy as np
import tensorflow as tf

from common import Family


def i32(*values):
    return np.array(values[0] if len(values) == 1 else values, np.int32)


def slices(f):
    x = lambda d: d.normal(4, 5, 3)
    for begin, size in [([1, 0, 2], [2, -1, 1]), ([0, 0, 0], [4, 5, 3]), ([2, 1, 0], [0, 2, 3])]:
        f.op("slice", lambda t: tf.slice(t, begin, size), x, {"begin": begin, "size": size})
    for begin, end, strides in [
        ([1, 0, 0], [4, 5, 3], [2, 2, 1]),
        ([-1, -2, 0], [-5, -5, 3], [-1, -1, 2]),
        ([0, 1], [4, 3], [1, 1]),
        ([2, 3, 0], [2, 5, 3], [1, 1, 1]),
    ]:
        config = {"begin": begin, "end": end, "strides": strides}
        f.op("strided_slice", lambda t: tf.strided_slice(t, begin, end, strides), x, config)
    f.op("slice_update", lambda t, u: keras.ops.slice_update(t, [1, 2, 0], u), lambda d: [d.normal(4, 5, 3), d.normal(2, 2, 3)], {"start_indices": [1, 2, 0]}, gradient=False)
    index = [
        ("1", lambda t: t[1]),
        ("-1,:,2", lambda t: t[-1, :, 2]),
        ("...,1", lambda t: t[..., 1]),
        ("1:3,::2", lambda t: t[1:3, ::2]),
        (":,newaxis,::-1", lambda t: t[:, tf.newaxis, ::-1]),
        ("3:1:-1", lambda t: t[3:1:-1]),
        ("2:2", lambda t: t[2:2]),
        ("-100:100", lambda t: t[-100:100]),
    ]
    for text, function in index:
        f.op("getitem", function, x, {"index": text})


def gathers(f):
    table = lambda d: d.normal(5, 3, 2)
    for axis, indices in [(0, i32([4, 0, 0])), (1, i32([[0, 2], [1, 1]])), (-1, i32([1])), (0, i32(3)), (0, np.zeros((0,), np.int32))]:
        f.op("gather", lambda p, i: tf.gather(p, i, axis=axis), lambda d: [table(d), indices], {"axis": axis}, note=f"{indices.shape}")
    f.op("gather", lambda p, i: tf.gather(p, i, axis=1, batch_dims=1), lambda d: [d.normal(2, 4, 3), i32([[0, 3], [2, 2]])], {"axis": 1, "batch_dims": 1})
    f.op("take", lambda p, i: keras.ops.take(p, i, axis=1), lambda d: [table(d), i32([-1, 0])], {"axis": 1})
    f.op("take", lambda p, i: keras.ops.take(p, i), lambda d: [table(d), i32([0, 29, 7])], {"axis": None})
    f.op("take_along_axis", lambda p, i: keras.ops.take_along_axis(p, i, axis=1), lambda d: [d.normal(3, 4), i32([[0, 0], [3, 1], [2, 3]])], {"axis": 1})
    f.op("gather_nd", tf.gather_nd, lambda d: [table(d), i32([[0, 1], [4, 2], [0, 1]])])
    f.op("gather_nd", tf.gather_nd, lambda d: [table(d), i32([[3], [1]])], note="rows")
    f.op("gather_nd", tf.gather_nd, lambda d: [table(d), i32([[[0, 1, 1]], [[2, 2, 0]]])], note="elements")
    f.op("gather_nd", lambda p, i: tf.gather_nd(p, i, batch_dims=1), lambda d: [d.normal(2, 3, 4), i32([[[0, 1], [2, 3]], [[1, 1], [0, 0]]])], {"batch_dims": 1})
    f.op("nn.embedding_lookup", tf.nn.embedding_lookup, lambda d: [d.normal(6, 4), i32([[5, 0], [2, 2]])])


def scatters(f):
    indices = i32([[1], [3], [1]])
    f.op("scatter_nd", lambda i, u: tf.scatter_nd(i, u, [5, 2]), lambda d: [indices, d.normal(3, 2)], {"shape": [5, 2]})
    f.op("scatter_nd", lambda i, u: tf.scatter_nd(i, u, [2, 3]), lambda d: [i32([[0, 1], [1, 2]]), d.normal(2)], {"shape": [2, 3]})
    unique = i32([[1], [3], [0]])
    for name in ("update", "add", "sub", "max", "min"):
        f.op(
            f"tensor_scatter_nd_{name}",
            getattr(tf, f"tensor_scatter_nd_{name}"),
            lambda d: [d.normal(5, 2), unique if name != "add" else indices, d.normal(3, 2)],
        )
    f.op("scatter_update", keras.ops.scatter_update, lambda d: [d.normal(5, 2), unique, d.normal(3, 2)])
    f.op("unsorted_segment_sum", lambda x, s: tf.math.unsorted_segment_sum(x, s, 4), lambda d: [d.normal(5, 2), i32([0, 3, 0, -1, 2])], {"num_segments": 4})
    f.op("segment_sum", lambda x, s: tf.math.segment_sum(x, s), lambda d: [d.normal(5, 2), i32([0, 0, 1, 3, 3])])


def masks(f):
    f.op("where", tf.where, lambda d: np.array([[True, False, True], [False, False, True]]))
    f.op("where", tf.where, lambda d: np.zeros((2, 2), bool), note="none")
    f.op("argwhere", lambda x: tf.where(x), lambda d: np.float32([[0, 1.5], [2, 0]]))
    f.op("nonzero", keras.ops.nonzero, lambda d: np.float32([[0, 1.5], [2, 0]]))
    f.op("boolean_mask", tf.boolean_mask, lambda d: [d.normal(4, 3), np.array([True, False, False, True])])
    f.op("boolean_mask", tf.boolean_mask, lambda d: [d.normal(2, 3, 2), np.array([[True, False, True], [False, True, False]])], note="two_axes")
    f.op("boolean_mask", lambda x, m: tf.boolean_mask(x, m, axis=1), lambda d: [d.normal(2, 3, 2), np.array([True, False, True])], {"axis": 1})
    labels = lambda d: i32([0, 2, -1, 5, 1])
    f.op("one_hot", lambda i: tf.one_hot(i, 4), labels, {"depth": 4})
    f.op("one_hot", lambda i: tf.one_hot(i, 4, axis=0), lambda d: i32([[0, 2], [1, 3]]), {"depth": 4, "axis": 0})
    f.op("one_hot", lambda i: tf.one_hot(i, 3, on_value=0.9, off_value=0.1), labels, {"depth": 3, "on_value": 0.9, "off_value": 0.1})
    f.op("sequence_mask", lambda l: tf.sequence_mask(l, 5), lambda d: i32([0, 2, 5, 3]), {"maxlen": 5})
    f.op("sequence_mask", lambda l: tf.sequence_mask(l), lambda d: i32([0, 2, 4, 3]))


def make():
    f = Family("index", "index_cases.py")
    slices(f)
    gathers(f)
    scatters(f)
    masks(f)
    return f
