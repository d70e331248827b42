"""Pooling layers."""
from common import Family
from layer_support import add


def make():
    f = Family("layers_pool", "layers_pool_cases.py")
    sizes = {1: (7,), 2: (7, 6), 3: (5, 4, 4)}
    for kind in ("Max", "Average"):
        for rank, size in sizes.items():
            x = lambda d: d.spread(2, *size, 3)
            for config in [{"pool_size": 2}, {"pool_size": 3, "strides": 2}, {"pool_size": 3, "strides": 2, "padding": "same"}]:
                add(f, f"{kind}Pooling{rank}D", config, x)
            for config in [{}, {"keepdims": True}]:
                add(f, f"Global{kind}Pooling{rank}D", config, x)
        add(f, f"{kind}Pooling2D", {"pool_size": [2, 3], "padding": "same"}, lambda d: d.spread(2, 5, 5, 2))
    for kind in ("Max", "Average"):
        for rank, size in sizes.items():
            for output in (2, 3):  # TensorFlow 2.21 crashes on a single window of a maximum
                config = {"output_size": [output] * rank, "data_format": "channels_last"}
                add(f, f"Adaptive{kind}Pooling{rank}D", config, lambda d: d.spread(2, *size, 3))
    return f
