"""Convolutions: 1 to 3 dimensions, strides, dilation, groups, depthwise, separable, transposed."""
import keras
import numpy as np
import tensorflow as tf

from common import Family

ops = keras.ops


def conv2d(f):
    for size, kernel, strides, padding, dilation, groups, channels in [
        ((7, 5), (3, 3), 1, "valid", 1, 1, (3, 4)),
        ((7, 5), (3, 3), 1, "same", 1, 1, (3, 4)),
        ((7, 6), (3, 3), 2, "same", 1, 1, (3, 4)),
        ((7, 6), (3, 3), 2, "valid", 1, 1, (3, 4)),
        ((8, 8), (2, 2), 2, "same", 1, 1, (2, 3)),
        ((8, 9), (4, 2), (3, 1), "same", 1, 1, (2, 3)),
        ((5, 5), (1, 1), 1, "same", 1, 1, (4, 6)),
        ((5, 5), (1, 1), 2, "same", 1, 1, (4, 6)),
        ((9, 9), (3, 3), 1, "same", 2, 1, (2, 3)),
        ((9, 8), (3, 2), 1, "valid", (2, 3), 1, (2, 3)),
        ((6, 6), (3, 3), 1, "same", 1, 2, (4, 6)),
        ((6, 7), (3, 3), 2, "same", 1, 4, (4, 8)),
        ((5, 5), (5, 5), 1, "valid", 1, 1, (1, 2)),
        ((3, 3), (5, 5), 1, "same", 1, 1, (2, 2)),
        ((12, 12), (3, 3), 1, "same", 1, 1, (16, 16)),
    ]:
        config = {"strides": strides, "padding": padding, "dilation_rate": dilation}
        f.op(
            "nn.conv2d",
            lambda x, k: ops.conv(x, k, strides=strides, padding=padding, dilation_rate=dilation),
            lambda d: [d.normal(2, *size, channels[0]), d.normal(*kernel, channels[0] // groups, channels[1], scale=0.3)],
            config,
            note=f"{size}{kernel}{channels}groups{groups}",
        )
    # As many channels out as in: TensorFlow gives the number of channels of the input where the batch is empty.
    f.op("nn.conv2d", lambda x, k: ops.conv(x, k, padding="same"), lambda d: [np.zeros((0, 5, 5, 2), np.float32), d.normal(3, 3, 2, 2)], {"strides": 1, "padding": "same", "dilation_rate": 1}, note="no_batch")


def conv1d_3d(f):
    for size, kernel, strides, padding, dilation, groups in [
        (9, 3, 1, "valid", 1, 1),
        (9, 3, 2, "same", 1, 1),
        (9, 4, 3, "same", 1, 1),
        (9, 3, 1, "same", 2, 1),
        (9, 3, 1, "valid", 3, 1),
        (8, 3, 1, "same", 1, 2),
    ]:
        f.op(
            "nn.conv1d",
            lambda x, k: ops.conv(x, k, strides=strides, padding=padding, dilation_rate=dilation),
            lambda d: [d.normal(2, size, 4), d.normal(kernel, 4 // groups, 6, scale=0.3)],
            {"strides": strides, "padding": padding, "dilation_rate": dilation},
            note=f"{size},{kernel},groups{groups}",
        )
    for size, kernel, strides, padding in [
        ((4, 5, 3), (2, 3, 2), 1, "valid"),
        ((4, 5, 3), (3, 3, 3), 1, "same"),
        ((5, 4, 6), (3, 2, 3), (2, 1, 2), "same"),
        ((5, 4, 6), (2, 2, 2), 2, "valid"),
    ]:
        f.op(
            "nn.conv3d",
            lambda x, k: ops.conv(x, k, strides=strides, padding=padding),
            lambda d: [d.normal(2, *size, 2), d.normal(*kernel, 2, 3, scale=0.3)],
            {"strides": strides, "padding": padding, "dilation_rate": 1},
            note=f"{size}{kernel}",
        )


def depthwise(f):
    for size, kernel, strides, padding, dilation, multiplier in [
        ((7, 6), (3, 3), 1, "same", 1, 1),
        ((7, 6), (3, 3), 2, "same", 1, 2),
        ((7, 6), (2, 3), 1, "valid", 1, 3),
        ((9, 9), (3, 3), 1, "same", 2, 1),
    ]:
        config = {"strides": strides, "padding": padding, "dilation_rate": dilation}
        f.op(
            "nn.depthwise_conv2d",
            lambda x, k: ops.depthwise_conv(x, k, strides=strides, padding=padding, dilation_rate=dilation),
            lambda d: [d.normal(2, *size, 3), d.normal(*kernel, 3, multiplier, scale=0.4)],
            config,
            note=f"{size}{kernel}x{multiplier}",
        )
        f.op(
            "nn.separable_conv2d",
            lambda x, k, p: ops.separable_conv(x, k, p, strides=strides, padding=padding, dilation_rate=dilation),
            lambda d: [d.normal(2, *size, 3), d.normal(*kernel, 3, multiplier, scale=0.4), d.normal(1, 1, 3 * multiplier, 4)],
            config,
            note=f"{size}{kernel}x{multiplier}",
        )


def transposed(f):
    for size, kernel, strides, padding, output_padding in [
        ((3, 4), (3, 3), 1, "valid", None),
        ((3, 4), (3, 3), 2, "valid", None),
        ((3, 4), (3, 3), 2, "same", None),
        ((3, 4), (2, 2), 2, "same", None),
        ((3, 4), (4, 4), 2, "same", None),
        ((4, 3), (1, 1), 2, "valid", None),
        ((4, 3), (2, 3), (3, 1), "same", None),
        ((3, 4), (3, 3), 2, "same", 1),
        ((3, 4), (3, 3), 2, "valid", 1),
    ]:
        config = {"strides": strides, "padding": padding, "output_padding": output_padding}
        f.op(
            "nn.conv2d_transpose",
            lambda x, k: ops.conv_transpose(x, k, strides=strides, padding=padding, output_padding=output_padding),
            lambda d: [d.normal(2, *size, 2), d.normal(*kernel, 3, 2, scale=0.4)],
            config,
            note=f"{size}{kernel}",
        )
    for dim, target in ((1, "nn.conv1d_transpose"), (3, "nn.conv3d_transpose")):
        for strides, padding in ((1, "same"), (2, "valid"), (2, "same")):
            f.op(
                target,
                lambda x, k: ops.conv_transpose(x, k, strides=strides, padding=padding),
                lambda d: [d.normal(2, *([3] * dim), 2), d.normal(*([3] * dim), 3, 2, scale=0.4)],
                {"strides": strides, "padding": padding, "output_padding": None},
            )


def make():
    f = Family("conv", "conv_cases.py")
    conv2d(f)
    conv1d_3d(f)
    depthwise(f)
    transposed(f)
    return f
