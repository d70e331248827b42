"""What all golden generators share: recording of cases, their arrays and the versions that made them.

A family is a pair of files: <family>.json, which lists the cases, and <family>.npz, which holds their arrays. All
random numbers come from a seed that is derived from the case's name, so a case does not change with its neighbours.
"""
import hashlib
import json
import math
import os
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(1)

FLOATS = (np.float16, np.float32, np.float64)


def is_float(a):
    return np.asarray(a).dtype in [np.dtype(t) for t in FLOATS]


def rng(*names):
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.RandomState(int.from_bytes(digest[:4], "little"))


class Draw:
    """Arrays for the inputs of one case."""

    def __init__(self, name):
        self.random = rng(name)

    def normal(self, *shape, scale=1.0, mean=0.0):
        return (mean + scale * self.random.standard_normal(shape)).astype(np.float32)

    def uniform(self, *shape, low=0.0, high=1.0):
        return self.random.uniform(low, high, shape).astype(np.float32)

    def away(self, *shape, gap=0.1, scale=1.0):
        """Normal numbers without those near zero, where |x| and its kin have no derivative."""
        x = self.normal(*shape, scale=scale)
        return (x + np.sign(x) * gap).astype(np.float32)

    def spread(self, *shape, step=0.37):
        """Distinct numbers at a distance of `step`, shuffled: no ties for maxima and sorts."""
        n = math.prod(shape)
        values = (np.arange(n) - n / 2 + 0.25) * step
        return self.random.permutation(values).reshape(shape).astype(np.float32)

    def integers(self, low, high, *shape, dtype=np.int32):
        return self.random.randint(low, high, shape).astype(dtype)

    def booleans(self, *shape):
        return self.random.uniform(size=shape) < 0.5

    def one_hot(self, rows, classes):
        return np.eye(classes, dtype=np.float32)[self.random.randint(0, classes, rows)]

    def probabilities(self, *shape):
        x = self.random.uniform(0.05, 1, shape)
        return (x / x.sum(-1, keepdims=True)).astype(np.float32)


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def to_numpy(tensor):
    if isinstance(tensor, tf.IndexedSlices):
        tensor = tf.convert_to_tensor(tensor)
    return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)


class Family:
    def __init__(self, name, generator, extra=None):
        self.name, self.generator, self.extra = name, generator, extra or {}
        self.cases, self.arrays, self.names = [], {}, set()

    # ---- Recording

    def put(self, case, role, array):
        """Stores an array and gives its key."""
        key = f"{len(self.cases):03d}_{role}"
        array = to_numpy(array)
        if array.dtype not in [np.dtype(t) for t in (bool, np.uint8, np.int32, np.int64, *FLOATS)]:
            raise TypeError(f"{case}: {role} is {array.dtype}")
        self.arrays[key] = array
        return key

    def finish(self, case):
        name = case["name"]
        if name in self.names:
            raise ValueError(f"two cases are called {name!r}")
        self.names.add(name)
        self.cases.append(case)

    def unique(self, target, config, note):
        parts = [target] + [f"{k}={v}" for k, v in config.items()] + ([note] if note else [])
        name = re.sub(r"[^A-Za-z0-9_.=+-]+", "_", ",".join(map(str, parts))).strip("_")
        base, n = name, 2
        while name in self.names:
            name, n = f"{base}#{n}", n + 1
        return name

    def op(self, target, function, make_inputs, config=None, note="", gradient=True):
        """One case of a function of tensors. `make_inputs(draw)` gives arrays, `function(*tensors)` tensors."""
        config = config or {}
        name = self.unique(target, config, note)
        inputs = [np.asarray(a) for a in as_list(make_inputs(Draw(name)))]
        tensors = [tf.constant(a) for a in inputs]
        floating = [i for i, a in enumerate(inputs) if is_float(a)] if gradient else []
        with tf.GradientTape() as tape:
            for i in floating:
                tape.watch(tensors[i])
            outputs = [tf.convert_to_tensor(o) for o in as_list(function(*tensors))]
            objective, cotangents = self.objective(name, outputs)
        grads = tape.gradient(objective, [tensors[i] for i in floating]) if floating and objective is not None else []
        by_input = dict(zip(floating, grads))
        case = {
            "name": name,
            "target": target,
            "config": config,
            "inputs": [self.put(name, f"x{i}", a) for i, a in enumerate(inputs)],
            "outputs": [self.put(name, f"y{i}", o) for i, o in enumerate(outputs)],
        }
        self.add_gradients(case, cotangents, [by_input.get(i) for i in range(len(inputs))])
        self.check_finite(case, note)
        self.finish(case)

    def objective(self, name, outputs):
        """sum(output * cotangent) over the floating outputs, with random cotangents."""
        random, cotangents, terms = rng(name, "cotangent"), [], []
        for output in outputs:
            if not is_float(np.zeros(0, output.dtype.as_numpy_dtype)):
                cotangents.append(None)
                continue
            cotangent = random.uniform(-1, 1, output.shape).astype(output.dtype.as_numpy_dtype)
            cotangents.append(cotangent)
            terms.append(tf.reduce_sum(output * cotangent))
        return (tf.add_n(terms) if terms else None), cotangents

    def add_gradients(self, case, cotangents, grads):
        name = case["name"]
        case["grads"] = [None if g is None else self.put(name, f"dx{i}", g) for i, g in enumerate(grads)]
        if any(g is not None for g in grads):
            case["cotangents"] = [
                None if c is None else self.put(name, f"dy{i}", c) for i, c in enumerate(cotangents)
            ]

    def check_finite(self, case, note):
        if "nonfinite" in note:
            return
        for key in case["outputs"] + [g for g in case["grads"] if g]:
            a = self.arrays[key]
            if is_float(a) and not np.isfinite(a).all():
                raise ValueError(f"{case['name']}: {key} has values that are not finite")

    def layer(self, target, layer, make_inputs, config=None, note="", training=False, call=None, seed_weights=True):
        """One case of a Keras layer: outputs, gradients of inputs and of weights, and the weights afterwards."""
        config = config or {}
        name = self.unique(target, config, note + (",training" if training else ""))
        draw = Draw(name)
        inputs = [np.asarray(a) for a in as_list(make_inputs(draw))]
        tensors = [tf.constant(a) for a in inputs]
        call = call or (lambda l, xs, **k: l(xs[0] if len(xs) == 1 else xs, **k))
        accepts = {"training": training} if layer._call_has_training_arg else {}
        call(layer, tensors, **accepts)
        if seed_weights:
            self.set_weights(layer, draw)
        weights = list(layer.weights)
        before = [np.array(w.numpy()) for w in weights]
        floating = [i for i, a in enumerate(inputs) if is_float(a)]
        with tf.GradientTape() as tape:
            for i in floating:
                tape.watch(tensors[i])
            outputs = [tf.convert_to_tensor(o) for o in as_list(call(layer, tensors, **accepts))]
            objective, cotangents = self.objective(name, outputs)
        sources = [tensors[i] for i in floating] + [w.value for w in weights if w.trainable]
        found = tape.gradient(objective, sources) if sources and objective is not None else [None] * len(sources)
        by_input = dict(zip(floating, found))
        by_weight = iter(found[len(floating) :])
        case = {
            "name": name,
            "target": target,
            "config": config,
            "training": training,
            "inputs": [self.put(name, f"x{i}", a) for i, a in enumerate(inputs)],
            "outputs": [self.put(name, f"y{i}", o) for i, o in enumerate(outputs)],
            "weights": [self.put(name, f"w{i}", w) for i, w in enumerate(before)],
            "weight_names": [w.name for w in weights],
        }
        self.add_gradients(case, cotangents, [by_input.get(i) for i in range(len(inputs))])
        grads = [next(by_weight) if w.trainable else None for w in weights]
        case["weight_grads"] = [None if g is None else self.put(name, f"dw{i}", g) for i, g in enumerate(grads)]
        if any(g is not None for g in grads) and "cotangents" not in case:
            case["cotangents"] = [
                None if c is None else self.put(name, f"dy{i}", c) for i, c in enumerate(cotangents)
            ]
        if training and any(not w.trainable for w in weights):
            case["weights_after"] = [self.put(name, f"wa{i}", w.numpy()) for i, w in enumerate(weights)]
        if layer.losses:
            case["losses"] = [self.put(name, f"l{i}", l) for i, l in enumerate(layer.losses)]
        self.check_finite(case, note)
        self.finish(case)

    def set_weights(self, layer, draw):
        """Random weights, the statistics of normalization included; variances stay positive."""
        values = []
        for w in layer.weights:
            if "variance" in w.name or w.name == "gamma":
                values.append(draw.uniform(*w.shape, low=0.5, high=1.5))
            else:
                values.append(draw.normal(*w.shape, scale=0.4))
        layer.set_weights(values)

    # ---- Writing

    def write(self, directory):
        os.makedirs(directory, exist_ok=True)
        document = {
            "generator": f"tools/golden/{self.generator}",
            "versions": {
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
            **self.extra,
        }
        head = json.dumps(document, indent=1)[:-2]
        lines = ",\n".join("  " + json.dumps(c) for c in self.cases)
        with open(os.path.join(directory, self.name + ".json"), "w") as f:
            f.write(head + ',\n "cases": [\n' + lines + "\n ]\n}\n")
        np.savez_compressed(os.path.join(directory, self.name + ".npz"), **self.arrays)
        print(f"{self.name}: {len(self.cases)} cases, {len(self.arrays)} arrays")
