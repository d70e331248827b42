"""Pools."""
import keras
import numpy as np

from common import Family

ops = keras.ops


def make():
    f = Family("pool", "pool_cases.py")
    for kind, function in (("max", ops.max_pool), ("avg", ops.average_pool)):
        for rank, size, window, strides, padding in [
            (2, (6, 6), 2, None, "valid"),
            (2, (7, 5), 3, 2, "valid"),
            (2, (7, 5), 3, 2, "same"),
            (2, (6, 6), 3, 2, "same"),
            (2, (6, 7), (2, 3), (1, 2), "same"),
            (2, (6, 7), (2, 3), (3, 1), "valid"),
            (2, (7, 7), 7, None, "valid"),
            (1, (9,), 2, None, "valid"),
            (1, (9,), 3, 2, "same"),
            (1, (8,), 3, 1, "valid"),
            (3, (4, 4, 4), 2, None, "valid"),
            (3, (5, 4, 3), 3, 2, "same"),
        ]:
            config = {"pool_size": window, "strides": strides, "padding": padding}
            f.op(
                f"nn.{kind}_pool{rank}d",
                lambda x: function(x, window, strides, padding),
                lambda d: d.spread(2, *size, 3),
                config,
                note=f"{size}",
            )
    zeros = lambda d: np.zeros((0, 4, 4, 2), np.float32)
    f.op("nn.max_pool2d", lambda x: ops.max_pool(x, 2), zeros, {"pool_size": 2, "strides": None, "padding": "valid"}, note="no_batch")
    f.op("nn.avg_pool2d", lambda x: ops.average_pool(x, 2), zeros, {"pool_size": 2, "strides": None, "padding": "valid"}, note="no_batch")
    negative = lambda d: d.uniform(1, 3, 3, 1, low=-2, high=-1)
    f.op("nn.max_pool2d", lambda x: ops.max_pool(x, 2, 2, "same"), negative, {"pool_size": 2, "strides": 2, "padding": "same"}, note="padding_does_not_win")
    return f
