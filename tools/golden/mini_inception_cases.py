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

BATCH, STEPS = 8, 20
FORMULA = (
    "x = 2654435761*i + 2246822519*k + 374761393; x ^= x >> 15; x *= 2246822519; x ^= x >> 13; x *= 3266489917; "
    "x ^= x >> 16 (all modulo 2^32); u = (x >> 8) / 2^24. Weight tensor k: float32((2*u - 1) * limit) in doubles, or "
    "`fill`. Images of step s (shape (8, 32, 32, 3)): u with k = 1000 + s. Labels of step s: (x >> 8) % 10 with "
    "k = 2000 + s, i < 8. A bright square makes the labels learnable: pixel (r, c) of image n gets + 1 where "
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


def batch(step):
    labels = (hashed(2000 + step, BATCH) % np.uint64(10)).astype(np.int64)
    images = uniform(1000 + step, (BATCH, 32, 32, 3)).astype(np.float32)
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


def train(model, optimizer):
    loss_fn = keras.losses.CategoricalCrossentropy()

    @tf.function
    def step_fn(x, y):
        with tf.GradientTape() as tape:
            p = model(x, training=True)
            loss = loss_fn(y, p)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss, p

    losses, first = [], None
    for step in range(STEPS):
        images, labels = batch(step)
        loss, p = step_fn(tf.constant(images), tf.one_hot(labels, 10))
        first = p.numpy() if first is None else first
        losses.append(float(loss))
    return losses, first


def make():
    f = Family("mini_inception", "mini_inception_cases.py", {"formula": FORMULA})
    for cls, config in [("SGD", {"learning_rate": 0.01}), ("Adam", {"learning_rate": 0.001})]:
        model = build()
        weights = depth_first_weights(model)
        described, values = initial(weights)
        for w, v in zip(weights, values):
            w.assign(v)
        name = f.unique("mini_inception", {"optimizer": cls, **config}, "")
        images, _ = batch(0)
        evaluated = model(images, training=False).numpy()
        losses, first = train(model, getattr(keras.optimizers, cls)(**config))
        moved = np.concatenate([w.numpy().ravel() for w in weights if w.name.startswith("moving_mean")][:3])
        f.finish(
            {
                "name": name,
                "target": "mini_inception",
                "config": {"optimizer": cls, **config, "batch_size": BATCH, "steps": STEPS},
                "weights": described,
                "evaluated": f.put(name, "evaluated", evaluated),
                "first": f.put(name, "first", first),
                "losses": f.put(name, "losses", np.float32(losses)),
                "moving_means": f.put(name, "moving_means", moved),
            }
        )
    return f
