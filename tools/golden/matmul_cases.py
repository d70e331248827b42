"""Products of vectors, matrices and tensors."""
import keras
import numpy as np
import tensorflow as tf

from common import Family

ops = keras.ops


def make():
    f = Family("matmul", "matmul_cases.py")
    pair = lambda a, b: lambda d: [d.normal(*a), d.normal(*b)]
    for a, b in [
        ((2, 3), (3, 4)),
        ((1, 1), (1, 1)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 1, 2, 3), (4, 3, 2)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((3,), (3,)),
        ((4, 2, 3), (3,)),
        ((0, 3), (3, 4)),
        ((2, 0), (0, 4)),
        ((2, 3), (3, 0)),
        ((33, 65), (65, 17)),
    ]:
        f.op("matmul", ops.matmul, pair(a, b), note=f"{a}{b}")
    for ta in (False, True):
        for tb in (False, True):
            config = {"transpose_a": ta, "transpose_b": tb}
            for batch in ((), (2,)):
                a, b = batch + ((3, 2) if ta else (2, 3)), batch + ((4, 3) if tb else (3, 4))
                f.op("matmul", lambda x, y: tf.matmul(x, y, ta, tb), pair(a, b), config, note=f"{a}{b}")
    f.op("matmul", tf.matmul, lambda d: [d.integers(-4, 5, 2, 3), d.integers(-4, 5, 3, 2)], note="int32")
    f.op("matmul", tf.matmul, lambda d: [d.normal(2, 3).astype(np.float64), d.normal(3, 2).astype(np.float64)], note="float64")
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3, 2)), ((), (2, 3))]:
        f.op("dot", ops.dot, pair(a, b), note=f"{a}{b}")
    f.op("outer", ops.outer, pair((3,), (2, 2)))
    f.op("inner", ops.inner, pair((2, 3), (4, 3)))
    f.op("tensordot", lambda x, y: tf.tensordot(x, y, 2), pair((2, 3, 4), (3, 4, 5)), {"axes": 2})
    f.op("tensordot", lambda x, y: tf.tensordot(x, y, 1), pair((2, 3), (3, 4)), {"axes": 1})
    f.op("tensordot", lambda x, y: tf.tensordot(x, y, [[0, 2], [2, 1]]), pair((3, 2, 4), (5, 4, 3)), {"axes": [[0, 2], [2, 1]]})
    for equation, shapes in [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]),
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("ij->i", [(2, 3)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("ij,ij->ij", [(2, 3), (2, 3)]),
        ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("abc,cd,de->abe", [(2, 2, 3), (3, 4), (4, 2)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bij,j->bi", [(2, 3, 4), (4,)]),
    ]:
        f.op("einsum", lambda *t: tf.einsum(equation, *t), lambda d: [d.normal(*s) for s in shapes], {"equation": equation})
    return f
