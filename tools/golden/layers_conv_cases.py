"""Convolution layers."""
import numpy as np

from common import Family
from layer_support import add


def make():
    f = Family("layers_conv", "layers_conv_cases.py")
    image = lambda d: d.normal(2, 7, 6, 4)
    for config in [
        {},
        {"strides": 2},
        {"padding": "same"},
        {"padding": "same", "strides": 2},
        {"padding": "same", "strides": [2, 1], "activation": "relu"},
        {"dilation_rate": 2, "padding": "same"},
        {"groups": 2},
        {"use_bias": False, "activation": "tanh"},
    ]:
        add(f, "Conv2D", {"filters": 6, "kernel_size": 3, **config}, image)
    add(f, "Conv2D", {"filters": 3, "kernel_size": [1, 3], "padding": "same"}, image)
    add(f, "Conv2D", {"filters": 5, "kernel_size": 1}, image)
    add(f, "Conv2D", {"filters": 2, "kernel_size": 3, "padding": "same"}, lambda d: np.zeros((0, 5, 5, 2), np.float32), note="no_batch")
    line = lambda d: d.normal(2, 9, 4)
    for config in [{}, {"padding": "same", "strides": 2}, {"padding": "causal"}, {"padding": "causal", "dilation_rate": 2}, {"dilation_rate": 3}, {"groups": 2, "activation": "relu"}]:
        add(f, "Conv1D", {"filters": 6, "kernel_size": 3, **config}, line)
    for config in [{}, {"padding": "same", "strides": 2}]:
        add(f, "Conv3D", {"filters": 3, "kernel_size": 2, **config}, lambda d: d.normal(2, 4, 3, 5, 2))
    small = lambda d: d.normal(2, 3, 4, 2)
    for config in [{}, {"strides": 2}, {"strides": 2, "padding": "same"}, {"strides": 2, "padding": "same", "output_padding": 1}, {"use_bias": False, "activation": "relu"}]:
        add(f, "Conv2DTranspose", {"filters": 3, "kernel_size": 3, **config}, small)
    add(f, "Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, lambda d: d.normal(2, 4, 2))
    add(f, "Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, lambda d: d.normal(1, 2, 3, 2, 2))
    for config in [{}, {"strides": 2, "padding": "same"}, {"depth_multiplier": 2, "padding": "same"}, {"dilation_rate": 2, "padding": "same"}, {"use_bias": False, "activation": "relu"}]:
        add(f, "DepthwiseConv2D", {"kernel_size": 3, **config}, image)
    add(f, "DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, line)
    for config in [{}, {"strides": 2, "padding": "same", "depth_multiplier": 2}, {"activation": "relu", "use_bias": False}]:
        add(f, "SeparableConv2D", {"filters": 5, "kernel_size": 3, **config}, image)
    add(f, "SeparableConv1D", {"filters": 5, "kernel_size": 3, "padding": "same"}, line)
    return f
