"""Layers that change pictures and features. What they draw is fixed by equal bounds."""
import keras
import numpy as np

from common import Family
from layer_support import add

PICTURES = lambda d: d.uniform(2, 6, 5, 3, low=0.0, high=255.0)


def transforms(f):
    for config in ({}, {"fill_mode": "constant", "fill_value": 7.0}, {"fill_mode": "wrap"}, {"fill_mode": "nearest"}, {"interpolation": "nearest"}):
        add(f, "RandomTranslation", {"height_factor": [0.3, 0.3], "width_factor": [-0.27, -0.27], **config}, PICTURES, training=True)
        add(f, "RandomRotation", {"factor": [0.11, 0.11], **config}, PICTURES, training=True)
        add(f, "RandomZoom", {"height_factor": [0.4, 0.4], **config}, PICTURES, training=True)
        add(f, "RandomZoom", {"height_factor": [-0.3, -0.3], "width_factor": [0.6, 0.6], **config}, PICTURES, training=True)
    add(f, "RandomTranslation", {"height_factor": [1.0, 1.0], "width_factor": [-1.0, -1.0]}, PICTURES, training=True)
    add(f, "RandomRotation", {"factor": [-0.4, -0.4], "data_format": "channels_first"}, lambda d: d.uniform(2, 3, 5, 6, low=0.0, high=9.0), training=True)
    add(f, "RandomRotation", {"factor": [0.2, 0.2]}, lambda d: d.uniform(7, 5, 3, low=0.0, high=9.0), training=True, note="unbatched")
    for cls, config in (("RandomFlip", {}), ("RandomRotation", {"factor": 0.2}), ("RandomContrast", {"factor": 0.2}), ("RandomBrightness", {"factor": 0.2})):
        add(f, cls, config, PICTURES, note="inference")


def colors(f):
    add(f, "RandomContrast", {"factor": [0.0, 0.0]}, PICTURES, training=True)
    for factor in ([0.3, 0.3], [-0.2, -0.2]):
        add(f, "RandomBrightness", {"factor": factor}, PICTURES, training=True)
    add(f, "RandomBrightness", {"factor": [0.5, 0.5], "value_range": [0.0, 1.0]}, lambda d: d.uniform(2, 3, 3, 1, low=0.0, high=1.0), training=True)


def more_colors(f):
    unit = lambda d: d.uniform(2, 4, 4, 3, low=0.0, high=1.0)
    for factor in ([0.0, 0.0], [0.4, 0.4], [-0.5, -0.5]):
        add(f, "RandomColorDegeneration", {"factor": factor}, PICTURES, training=True)
    for factor in ([0.1, 0.1], [0.5, 0.5], [0.9, 0.9]):
        add(f, "RandomSharpness", {"factor": factor}, PICTURES, training=True)
    add(f, "RandomSharpness", {"factor": [0.8, 0.8], "value_range": [0.0, 1.0]}, unit, training=True)
    for factor in (1, 3, 8):
        add(f, "RandomPosterization", {"factor": [factor, factor]}, PICTURES, training=True)
    add(f, "RandomPosterization", {"factor": [2, 2], "value_range": [0.0, 1.0]}, unit, training=True)
    add(f, "RandomInvert", {"factor": [1.0, 1.0]}, PICTURES, training=True)
    add(f, "RandomInvert", {"factor": [0.0, 0.0]}, PICTURES, training=True)
    add(f, "RandomInvert", {"factor": [1.0, 1.0], "value_range": [0.0, 1.0]}, unit, training=True)
    add(f, "RandomGrayscale", {"factor": 1.0}, PICTURES, training=True)
    add(f, "Solarization", {}, PICTURES, training=True)
    add(f, "Solarization", {"value_range": [0.0, 1.0]}, unit, training=True)
    add(f, "AutoContrast", {}, PICTURES, training=True)
    add(f, "AutoContrast", {"value_range": [0.0, 1.0]}, unit, training=True)
    add(f, "AutoContrast", {}, lambda d: np.full((2, 3, 3, 2), 7.0, np.float32), training=True, note="one value, nonfinite gradient")
    for config in ({}, {"bins": 16}):
        add(f, "Equalization", config, PICTURES, training=True)
    add(f, "Equalization", {}, lambda d: np.full((2, 3, 3, 2), 7.0, np.float32), training=True, note="one value")
    add(f, "RandomErasing", {"factor": [1.0, 1.0], "scale": [1.0, 1.0], "fill_value": 9.0}, PICTURES, training=True)
    add(f, "RandomErasing", {"factor": [0.0, 0.0], "fill_value": 9.0}, PICTURES, training=True)
    add(f, "RandomErasing", {"factor": [1.0, 1.0], "scale": [0.0, 0.0], "fill_value": 9.0}, PICTURES, training=True)
    add(f, "RandomShear", {"x_factor": [0.0, 0.0], "y_factor": [0.0, 0.0]}, PICTURES, training=True)
    for cls, config in (("RandAugment", {}), ("RandomErasing", {}), ("RandomSharpness", {"factor": 0.5})):
        add(f, cls, config, PICTURES, note="inference")


def sizes(f):
    for height, width in ((4, 3), (6, 5), (9, 7), (3, 9)):
        add(f, "Resizing", {"height": height, "width": width}, PICTURES)
        add(f, "Resizing", {"height": height, "width": width, "crop_to_aspect_ratio": True}, PICTURES)
        add(f, "CenterCrop", {"height": height, "width": width}, PICTURES)
    add(f, "Resizing", {"height": 4, "width": 9, "pad_to_aspect_ratio": True, "fill_value": 0.5}, PICTURES)
    add(f, "Resizing", {"height": 7, "width": 3, "pad_to_aspect_ratio": True}, PICTURES)
    add(f, "Resizing", {"height": 4, "width": 3, "interpolation": "nearest"}, PICTURES)


def features(f):
    add(f, "Normalization", {"mean": 3.0, "variance": 2.0}, lambda d: d.normal(3, 4))
    add(f, "Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [1.0, 2.0, 0.5]}, lambda d: d.normal(4, 3))
    add(f, "Normalization", {"mean": 3.0, "variance": 2.0, "invert": True}, lambda d: d.normal(3, 4))
    ids = lambda d: d.integers(0, 4, 3, 2).astype(np.int32)
    for mode in ("multi_hot", "count", "one_hot"):
        add(f, "CategoryEncoding", {"num_tokens": 4, "output_mode": mode}, ids)
    add(f, "CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, lambda d: d.integers(0, 4, 3, 1).astype(np.int32), note="column")
    for mode in ("one_hot", "multi_hot", "count"):
        add(f, "Discretization", {"bin_boundaries": [-0.5, 0.0, 1.0], "output_mode": mode}, lambda d: d.normal(4, 3))
    add(f, "Discretization", {"bin_boundaries": [-0.5, 0.0, 1.0], "output_mode": "one_hot"}, lambda d: d.normal(4, 1), note="column")
    add(f, "Discretization", {"bin_boundaries": [-0.5, 0.0, 1.0]}, lambda d: d.normal(4, 3))


def make():
    f = Family("layers_preprocessing", "layers_preprocessing_cases.py")
    transforms(f)
    colors(f)
    more_colors(f)
    sizes(f)
    features(f)
    for case in f.cases:  # TensorFlow's gradient of a transformation is an approximation, strata has none
        if case["target"] in ("layers.RandomTranslation", "layers.RandomRotation", "layers.RandomZoom", "layers.RandomShear") or "nonfinite" in case["name"]:
            case.pop("grads", None)
            case.pop("cotangents", None)
    return f
