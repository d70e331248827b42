"""Twenty steps of MiniInception with SGD and with Adam, from weights and on batches that a formula gives.

The formula, for element i of array number k, in unsigned 32-bit arithmetic:
    x = 2654435761 i + 2246822519 k + 374761393;  x ^= x >> 15;  x *= 2246822519;  x ^= x >> 13;  x *= 3266489917;
    x ^= x >> 16;  u = (x >> 8) / 2^24, a number in [0, 1)
"""
import keras
import numpy as np
import tensorflow as tf

from common import Family
from keras_mini_inception import build, depth_first_weights

STEPS = 20
FORMULA = (
    "x = 2654435761*i + 2246822519*k + 374761393; x ^= x >> 15; x *= 2246822519; x ^= x >> 13; x *= 3266489917; "
    "x ^= x >> 16 (all modulo 2^32); u = (x >> 8) / 2^24. Weight tensor k: float32((2*u - 1) * limit) in doubles, or "
    "`fill`. Images of step s (shape (batch_size, 32, 32, 3)): u with k = 1000 + s, as float32. Labels of step "
    "s: (x >> 8) % 10 with k = 2000 + s, i < batch_size. A bright square makes the labels learnable: pixel (r, c) of image n gets + 1 where "
    "r / 8 == label % 4 and c / 8 == label / 4."
)


def hashed(k, count):
    mask = np.uint64(0xFFFFFFFF)
    mul = lambda x, m: (x * np.uint64(m)) & mask
    x = (mul(np.arange(count, dtype=np.uint64), 2654435761) + np.uint64((2246822519 * k + 374761393) & 0xFFFFFFFF)) & mask
    x ^= x >> np.uint64(15)
    x = mul(x, 2246822519)
    x ^= x >> np.uint64(13)
    x = mul(x, 3266489917)
    x ^= x >> np.uint64(16)
    return x >> np.uint64(8)


def uniform(k, shape):
    return (hashed(k, int(np.prod(shape))).astype(np.float64) / 2**24).reshape(shape)


def batch(step, size):
    labels = (hashed(2000 + step, size) % np.uint64(10)).astype(np.int64)
    images = uniform(1000 + step, (size, 32, 32, 3)).astype(np.float32)
    rows, columns = np.arange(32)[:, None] // 8, np.arange(32)[None, :] // 8
    for n, label in enumerate(labels):
        images[n] += ((rows == label % 4) & (columns == label // 4)).astype(np.float32)[..., None]
    return images, labels


def initial(weights):
    """For each weight its shape and `limit` or `fill`; and its values."""
    described, values = [], []
    for k, w in enumerate(weights):
        shape = list(w.shape)
        if len(shape) > 1:
            receptive = int(np.prod(shape[:-2]))
            limit = float(np.sqrt(6.0 / (receptive * (shape[-2] + shape[-1]))))
            described.append({"name": w.name, "shape": shape, "limit": limit})
            values.append(((2 * uniform(k, shape) - 1) * limit).astype(np.float32))
        else:
            fill = 1.0 if w.name in ("gamma", "moving_variance") else 0.0
            described.append({"name": w.name, "shape": shape, "fill": fill})
            values.append(np.full(shape, fill, np.float32))
    return described, values


def train(model, weights, values, optimizer, config):
    """The losses of STEPS steps from the given weights, and the first probabilities, in training and before."""
    for w, v in zip(weights, values):
        w.assign(v)
    dtype, size = config["dtype"], config["batch_size"]
    loss_fn = keras.losses.CategoricalCrossentropy(dtype=dtype)

    @tf.function
    def step_fn(x, y):
        with tf.GradientTape() as tape:
            p = model(x, training=True)
            loss = loss_fn(y, p)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss, p

    evaluated, first, losses = None, None, []
    for step in range(STEPS):
        images, labels = batch(step, size)
        images = tf.constant(images.astype(dtype))
        if step == 0:
            evaluated = model(images, training=False).numpy()
        loss, p = step_fn(images, tf.one_hot(labels, 10, dtype=dtype))
        first = p.numpy() if first is None else first
        losses.append(loss.numpy())
    return np.array(losses), first, evaluated


def sensitivity(model, weights, values, make_optimizer, config, losses):
    """How much the losses up to each step move, relatively, where the first weights change by their last bits."""
    moved = np.zeros(STEPS)
    for seed in (1, 2):
        random = np.random.RandomState(seed)
        noisy = [(v * (1 + 1e-7 * random.standard_normal(v.shape))).astype(np.float32) for v in values]
        again, _, _ = train(model, weights, noisy, make_optimizer(), config)
        moved = np.maximum(moved, np.abs(again / losses - 1))
    return np.maximum.accumulate(moved)


# Learning rates at which rounding stays small, so that the losses say something to three digits; then the usual ones
# (rounding alone moves Keras's own losses by percents: `sensitivity` has how much); then those in float64, with numbers
# that float32 holds exactly.
EXACT_ADAM = {"learning_rate": 2.0**-10, "beta_1": 0.875, "beta_2": 1 - 2.0**-10, "epsilon": 2.0**-23}
CASES = [
    ("SGD", {"learning_rate": 0.0005}, "float32", 16),
    ("Adam", {"learning_rate": 2e-05}, "float32", 16),
    ("SGD", {"learning_rate": 0.01}, "float32", 8),
    ("Adam", {"learning_rate": 0.001}, "float32", 8),
    ("SGD", {"learning_rate": 2.0**-7}, "float64", 2),
    ("Adam", EXACT_ADAM, "float64", 2),
]


def make():
    f = Family("mini_inception", "mini_inception_cases.py", {"formula": FORMULA})
    for cls, arguments, dtype, size in CASES:
        config = {"optimizer": cls, **arguments, "batch_size": size, "steps": STEPS, "dtype": dtype}
        keras.config.set_dtype_policy(dtype)
        model = build(dtype=dtype)
        weights = depth_first_weights(model)
        described, values = initial(weights)
        make_optimizer = lambda: getattr(keras.optimizers, cls)(**arguments)
        name = f.unique("mini_inception", {"optimizer": cls, "learning_rate": arguments["learning_rate"]}, dtype)
        losses, first, evaluated = train(model, weights, values, make_optimizer(), config)
        case = {
            "name": name,
            "target": "mini_inception",
            "config": config,
            "weights": described,
            "evaluated": f.put(name, "evaluated", evaluated),
            "first": f.put(name, "first", first),
            "losses": f.put(name, "losses", losses),
        }
        if dtype == "float32":
            moved = sensitivity(model, weights, values, make_optimizer, config, losses)
            case["sensitivity"] = f.put(name, "sensitivity", moved)
        f.finish(case)
    keras.config.set_dtype_policy("float32")
    return f
