"""Normalization layers; in training `weights_after` are the weights once the moving statistics moved."""
import numpy as np

from common import Family
from layer_support import add


def make():
    f = Family("layers_norm", "layers_norm_cases.py")
    for shape in ((6, 4), (3, 5, 4), (3, 4, 5, 4)):
        x = lambda d: d.normal(*shape, scale=2.0, mean=0.7)
        for training in (False, True):
            add(f, "BatchNormalization", {}, x, training, note=f"{shape}")
    image = lambda d: d.normal(3, 4, 5, 4, scale=2.0, mean=0.7)
    for training in (False, True):
        for config in [{"center": False}, {"scale": False}, {"momentum": 0.9, "epsilon": 1e-2}, {"axis": 1}]:
            add(f, "BatchNormalization", config, image, training)
    for config in [{}, {"renorm_clipping": {"rmax": 1.2, "rmin": 0.8, "dmax": 0.3}, "renorm_momentum": 0.9}, {"scale": False, "axis": 1}]:
        add(f, "BatchNormalization", {"renorm": True, **config}, image, True)
    add(f, "BatchNormalization", {}, lambda d: np.zeros((0, 4), np.float32), False, note="no_batch")
    add(f, "BatchNormalization", {}, lambda d: d.normal(1, 4), True, note="one_sample")
    for config in [{}, {"axis": [1, 2]}, {"center": False}, {"scale": False, "epsilon": 1e-2}]:
        add(f, "LayerNormalization", config, lambda d: d.normal(3, 4, 5))
    add(f, "LayerNormalization", {}, lambda d: d.normal(3, 6), note="rank2")
    for config in [{"groups": 2}, {"groups": 1}, {"groups": 8}, {"groups": 4, "center": False}, {"groups": 4, "scale": False}]:
        add(f, "GroupNormalization", config, lambda d: d.normal(2, 3, 4, 8))
    add(f, "GroupNormalization", {"groups": 3}, lambda d: d.normal(2, 6), note="rank2")
    add(f, "UnitNormalization", {}, lambda d: d.normal(3, 4))
    add(f, "LayerNormalization", {"axis": 1}, lambda d: d.normal(3, 4, 5))
    for config in [{}, {"epsilon": 0.1}, {"axis": [1, 2]}]:
        add(f, "RMSNormalization", config, lambda d: d.normal(3, 4, 5))
    return f
