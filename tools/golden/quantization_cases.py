"""Fake quantization."""
import numpy as np
import tensorflow as tf

from common import Family

q = tf.quantization


def make():
    f = Family("quantization", "quantization_cases.py")
    # Bounds with zero inside, at an end, and between two steps; values in and out of them.
    for low, high in ((-1.0, 1.0), (0.0, 3.0), (-2.0, 0.0), (-0.3, 0.9), (-5.37, 0.11)):
        for config in ({}, {"num_bits": 4}, {"num_bits": 2, "narrow_range": True}, {"narrow_range": True}, {"num_bits": 16}):
            values = lambda d: [d.normal(6, 7, scale=2.0), np.float32(low), np.float32(high)]
            f.op("quantization.fake_quant_with_min_max_vars", lambda x, a, b: q.fake_quant_with_min_max_vars(x, a, b, **config),
                 values, config, f"{low}_{high}")
    f.op("quantization.fake_quant_with_min_max_vars", q.fake_quant_with_min_max_vars,
         lambda d: [d.normal(3, 2), np.float32(0), np.float32(0)], note="nothing seen")
    for config in ({}, {"num_bits": 4, "narrow_range": True}):
        channels = lambda d: [d.normal(5, 3, scale=2.0), np.float32([-1, 0, -4]), np.float32([1, 2, 0.5])]
        f.op("quantization.fake_quant_with_min_max_vars_per_channel",
             lambda x, a, b: q.fake_quant_with_min_max_vars_per_channel(x, a, b, **config), channels, config)
    for config in ({}, {"min": -1.0, "max": 2.0, "num_bits": 5}):
        f.op("quantization.fake_quant_with_min_max_args", lambda x: q.fake_quant_with_min_max_args(x, **config),
             lambda d: d.normal(4, 5, scale=4.0), config)
    return f
