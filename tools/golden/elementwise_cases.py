"""Element-wise mathematics."""
import keras
import numpy as np
import tensorflow as tf

from common import Family


def unary(f):
    any_ = lambda d: d.normal(3, 5)
    away = lambda d: d.away(3, 5)
    positive = lambda d: d.uniform(3, 5, low=0.2, high=3)
    unit = lambda d: d.uniform(3, 5, low=-0.9, high=0.9)
    for name, function, inputs in [
        ("abs", tf.abs, away),
        ("negative", tf.negative, any_),
        ("sign", tf.sign, away),
        ("square", tf.square, any_),
        ("sqrt", tf.sqrt, positive),
        ("rsqrt", tf.math.rsqrt, positive),
        ("reciprocal", tf.math.reciprocal, away),
        ("exp", tf.exp, any_),
        ("expm1", tf.math.expm1, any_),
        ("log", tf.math.log, positive),
        ("log1p", tf.math.log1p, positive),
        ("log2", keras.ops.log2, positive),
        ("log10", keras.ops.log10, positive),
        ("sin", tf.sin, any_),
        ("cos", tf.cos, any_),
        ("tan", tf.tan, unit),
        ("asin", tf.asin, unit),
        ("acos", tf.acos, unit),
        ("atan", tf.atan, any_),
        ("sinh", tf.sinh, any_),
        ("cosh", tf.cosh, any_),
        ("tanh", tf.tanh, any_),
        ("asinh", tf.asinh, any_),
        ("acosh", tf.acosh, lambda d: d.uniform(3, 5, low=1.2, high=3)),
        ("atanh", tf.atanh, unit),
        ("sigmoid", tf.sigmoid, any_),
        ("erf", tf.math.erf, any_),
        ("erfc", tf.math.erfc, any_),
        ("lgamma", tf.math.lgamma, positive),
        ("digamma", tf.math.digamma, positive),
        ("floor", tf.floor, any_),
        ("trunc", keras.ops.trunc, any_),
        ("ceil", tf.math.ceil, any_),
        ("round", tf.round, lambda d: np.float32([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, -0.7, 1e6])),
        ("stop_gradient", tf.stop_gradient, any_),
    ]:
        f.op(name, function, inputs)
    for name, function in [("abs", tf.abs), ("negative", tf.negative), ("sign", tf.sign), ("square", tf.square)]:
        f.op(name, function, lambda d: d.integers(-5, 6, 4, 2), note="int32")
    for name, function in [("exp", tf.exp), ("sqrt", tf.sqrt), ("tanh", tf.tanh), ("abs", tf.abs)]:
        f.op(name, function, lambda d: np.zeros((0, 3), np.float32), note="no_elements")
        f.op(name, function, lambda d: d.uniform(), note="scalar")
        f.op(name, function, lambda d: d.uniform(2, 3).astype(np.float64), note="float64")
    large = lambda d: np.float32([-100, -30, -1, 0, 1, 30, 88])
    for name, function in [("exp", tf.exp), ("tanh", tf.tanh), ("sigmoid", tf.sigmoid), ("expm1", tf.math.expm1)]:
        f.op(name, function, large, note="range", gradient=name != "exp" and name != "expm1")
    special = lambda d: np.float32([np.inf, -np.inf, np.nan, -0.0, 0.0, -1, 1])
    for name, function in [("sqrt", tf.sqrt), ("log", tf.math.log), ("exp", tf.exp), ("abs", tf.abs)]:
        f.op(name, function, special, note="nonfinite", gradient=False)
    for low, high in [(-0.5, 0.5), (0.0, 6.0)]:
        f.op("clip_by_value", lambda x: tf.clip_by_value(x, low, high), any_, {"clip_value_min": low, "clip_value_max": high})
        f.op("clip", lambda x: keras.ops.clip(x, low, high), any_, {"x_min": low, "x_max": high})
    f.op("clip_by_norm", lambda x: tf.clip_by_norm(x, 1.5), any_, {"clip_norm": 1.5}, note="clips")
    f.op("clip_by_norm", lambda x: tf.clip_by_norm(x, 50.0), any_, {"clip_norm": 50.0}, note="leaves")
    f.op("nan_to_num", keras.ops.nan_to_num, lambda d: np.float32([np.nan, np.inf, -np.inf, 1.5]), gradient=False)
    f.op("global_norm", lambda a, b: tf.linalg.global_norm([a, b]), lambda d: [d.normal(3, 2), d.normal(4)])
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        f.op(name, getattr(keras.ops, name), lambda d: [d.integers(0, 99, 5), d.integers(0, 99, 5)])
    f.op("bitwise_not", keras.ops.bitwise_not, lambda d: d.integers(0, 99, 5))
    f.op(
        "clip_by_global_norm",
        lambda a, b: tf.clip_by_global_norm([a, b], 1.0)[0],
        lambda d: [d.normal(3, 2), d.normal(4)],
        {"clip_norm": 1.0},
        gradient=False,
    )


def binary(f):
    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 3), (4, 1)), ((), (2, 3)), ((0, 3), (1, 3)), ((2, 3), (2, 1))]
    pair = lambda s, make: lambda d: [make(d, *s[0]), make(d, *s[1])]
    normal = lambda d, *s: d.normal(*s)
    away = lambda d, *s: d.away(*s, gap=0.3)
    positive = lambda d, *s: d.uniform(*s, low=0.3, high=2)
    for name, function, make in [
        ("add", tf.add, normal),
        ("subtract", tf.subtract, normal),
        ("multiply", tf.multiply, normal),
        ("divide", tf.divide, away),
        ("maximum", tf.maximum, normal),
        ("minimum", tf.minimum, normal),
        ("squared_difference", tf.math.squared_difference, normal),
        ("pow", tf.pow, positive),
    ]:
        for s in shapes:
            f.op(name, function, pair(s, make), note=f"{s[0]}{s[1]}")
    for name, function, make in [
        ("atan2", tf.atan2, away),
        ("mod", tf.math.floormod, away),
        ("floor_divide", tf.math.floordiv, away),
        ("divide_no_nan", tf.math.divide_no_nan, away),
        ("logaddexp", keras.ops.logaddexp, normal),
    ]:
        f.op(name, function, pair(((3, 4), (4,)), make), gradient=name not in ("floor_divide", "mod"))
    f.op("divide_no_nan", tf.math.divide_no_nan, lambda d: [np.float32([1, 2, 0]), np.float32([0, 4, 0])], note="zeros")
    signed = lambda d: [np.int32([7, -7, 7, -7, 6]), np.int32([3, 3, -3, -3, 3])]
    f.op("mod", tf.math.floormod, signed, note="int32")
    f.op("floor_divide", tf.math.floordiv, signed, note="int32")
    f.op("divide", keras.ops.divide, signed, note="int32")
    f.op("pow", tf.pow, lambda d: [np.int32([2, -3, 5]), np.int32([10, 3, 0])], note="int32")
    f.op("pow", lambda x: tf.pow(x, 2.0), lambda d: d.normal(3, 4), {"exponent": 2.0}, note="negative_base")
    f.op("pow", lambda x: tf.pow(x, 3.0), lambda d: d.normal(3, 4), {"exponent": 3.0}, note="negative_base")
    f.op("pow", lambda x: tf.pow(x, 0.5), lambda d: d.uniform(3, 4, low=0.1), {"exponent": 0.5})
    f.op("maximum", tf.maximum, lambda d: [np.float32([1, 2, 3]), np.float32([1, 2, 2])], note="ties")
    f.op("minimum", tf.minimum, lambda d: [np.float32([1, 2, 3]), np.float32([1, 2, 2])], note="ties")
    f.op("add_n", lambda *x: tf.add_n(x), lambda d: [d.normal(2, 3) for _ in range(3)])
    f.op("where", tf.where, lambda d: [d.booleans(3, 4), d.normal(3, 4), d.normal(3, 4)])
    f.op("where", tf.where, lambda d: [d.booleans(3, 1), d.normal(4), d.normal(2, 3, 4)], note="broadcast")
    for source, target in [
        ("float32", "int32"),
        ("int32", "float32"),
        ("float32", "float64"),
        ("float32", "bool"),
        ("float32", "float16"),
        ("bool", "float32"),
        ("int64", "uint8"),
    ]:
        values = np.array([0, 1, 2.75, 3.25, 100.5], source)
        f.op("cast", lambda x: tf.cast(x, target), lambda d: values, {"dtype": target}, note=source)
    f.op("l2_normalize", lambda x: tf.math.l2_normalize(x, -1), lambda d: d.normal(3, 4), {"axis": -1})
    f.op("l2_normalize", lambda x: tf.math.l2_normalize(x, 0), lambda d: d.normal(3, 4), {"axis": 0})
    f.op("l2_normalize", lambda x: tf.math.l2_normalize(x, -1), lambda d: np.zeros((2, 3), np.float32), {"axis": -1}, note="zeros")


def make():
    f = Family("math", "elementwise_cases.py")
    unary(f)
    binary(f)
    return f
