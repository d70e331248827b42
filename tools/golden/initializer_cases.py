"""Initializers: `statistics` is [mean, standard deviation, smallest, largest] of a large draw.

Random numbers differ between libraries, so a draw is compared by these: mean and deviation within `tolerance` of the
deviation, the extremes by bounds that no draw may leave (null: the distribution has none). Orthogonal kernels are
compared by the norm of W^T W / gain^2 - 1, deterministic initializers by `outputs`.
"""
import keras
import numpy as np

from common import Family

RANDOM = [
    ("RandomNormal", {"mean": 0.5, "stddev": 0.2}, (200, 300)),
    ("RandomUniform", {"minval": -0.3, "maxval": 0.7}, (200, 300)),
    ("TruncatedNormal", {"mean": 0.1, "stddev": 0.5}, (200, 300)),
    ("GlorotUniform", {}, (200, 300)),
    ("GlorotNormal", {}, (200, 300)),
    ("HeUniform", {}, (200, 300)),
    ("HeNormal", {}, (200, 300)),
    ("LecunUniform", {}, (200, 300)),
    ("LecunNormal", {}, (200, 300)),
    ("GlorotUniform", {}, (3, 3, 64, 96)),
    ("HeNormal", {}, (3, 3, 64, 96)),
    ("LecunNormal", {}, (5, 64, 96)),
    ("VarianceScaling", {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"}, (100, 400)),
    ("VarianceScaling", {"scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal"}, (100, 400)),
]
EXACT = [
    ("Zeros", {}, (2, 3)),
    ("Ones", {}, (4,)),
    ("Constant", {"value": -1.25}, (2, 2)),
    ("Identity", {"gain": 2.0}, (3, 3)),
]


def bounds(cls, config, shape, deviation):
    """The values that a draw cannot leave, from the definition of the distribution."""
    if "Uniform" in cls or config.get("distribution") == "uniform":
        if cls == "RandomUniform":
            return config["minval"], config["maxval"]
        return -deviation * 3**0.5, deviation * 3**0.5
    if cls == "TruncatedNormal":
        return config["mean"] - 2 * config["stddev"], config["mean"] + 2 * config["stddev"]
    if cls in ("GlorotNormal", "HeNormal", "LecunNormal"):
        return -2 * deviation / 0.87962566103423978, 2 * deviation / 0.87962566103423978
    return None, None


def make():
    f = Family("initializer", "initializer_cases.py")
    for cls, config, shape in RANDOM:
        name = f.unique(f"initializers.{cls}", config, str(shape))
        draw = np.asarray(getattr(keras.initializers, cls)(seed=3, **config)(shape)).astype(np.float64)
        fan_in, fan_out = np.prod(shape[:-1]), np.prod(shape[:-2]) * shape[-1]
        scale = {"G": 2 / (fan_in + fan_out), "H": 2 / fan_in, "L": 1 / fan_in}.get(cls[0])
        low, high = bounds(cls, config, shape, scale**0.5 if scale else float(draw.std()) * 1.02)
        if low is not None:
            assert low <= draw.min() and draw.max() <= high, (name, low, high, draw.min(), draw.max())
        f.finish(
            {
                "name": name,
                "target": f"initializers.{cls}",
                "config": config,
                "shape": list(shape),
                "statistics": [float(draw.mean()), float(draw.std()), low, high],
                "tolerance": 0.02,
            }
        )
    for config, shape in [({}, (8, 8)), ({"gain": 1.5}, (20, 6)), ({}, (3, 3, 2, 6))]:
        name = f.unique("initializers.Orthogonal", config, str(shape))
        w = np.asarray(keras.initializers.Orthogonal(seed=3, **config)(shape)).reshape(-1, shape[-1]).astype(np.float64)
        gain = config.get("gain", 1.0)
        assert np.abs(w.T @ w / gain**2 - np.eye(shape[-1])).max() < 1e-5
        f.finish({"name": name, "target": "initializers.Orthogonal", "config": config, "shape": list(shape), "tolerance": 1e-5})
    for cls, config, shape in EXACT:
        name = f.unique(f"initializers.{cls}", config, str(shape))
        value = getattr(keras.initializers, cls)(**config)(shape)
        f.finish({"name": name, "target": f"initializers.{cls}", "config": config, "shape": list(shape), "outputs": [f.put(name, "y0", value)]})
    return f
