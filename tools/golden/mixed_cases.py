"""Mixed precision: layers and a small network under each policy, and the steps of a LossScaleOptimizer.

Arrays are kept in float32, which holds every float16 and bfloat16; `dtypes` are those of the outputs in Keras. The loss
of a layer is the sum of its output times `cotangent`. The network ends in a float32 Dense; `losses` are those of five
steps of SGD(0.05), for float16 inside a LossScaleOptimizer.
"""
import keras
import numpy as np
import tensorflow as tf

from common import Draw, Family, rng

layers = keras.layers
POLICIES = ("mixed_bfloat16", "mixed_float16")

LAYERS = {
    "Dense": (lambda: layers.Dense(5, activation="relu"), (4, 6)),
    "Conv2D": (lambda: layers.Conv2D(4, 3, padding="same", activation="relu"), (2, 6, 6, 3)),
    "Conv2D_float32": (lambda: layers.Conv2D(4, 3, dtype="float32"), (2, 6, 6, 3)),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3), (2, 6, 6, 3)),
    "BatchNormalization": (lambda: layers.BatchNormalization(), (4, 3, 3, 5)),
    "LayerNormalization": (lambda: layers.LayerNormalization(), (4, 8)),
    "MaxPooling2D": (lambda: layers.MaxPooling2D(2), (2, 4, 4, 3)),
    "AveragePooling2D": (lambda: layers.AveragePooling2D(2), (2, 4, 4, 3)),
    "GlobalAveragePooling2D": (lambda: layers.GlobalAveragePooling2D(), (2, 4, 4, 3)),
    "Softmax": (lambda: layers.Activation("softmax"), (4, 6)),
    "Gelu": (lambda: layers.Activation("gelu"), (4, 6)),
    "Dropout": (lambda: layers.Dropout(0.0), (4, 6)),
}


def wide(tensor):
    return tf.cast(tensor, tf.float32).numpy()


def layer_case(f, policy, target):
    make, shape = LAYERS[target]
    name = f"{policy},{target}"
    draw = Draw(name)
    keras.config.set_dtype_policy(policy)
    layer = make()
    x = tf.constant(draw.spread(*shape, step=0.11))
    layer.build(shape)
    f.set_weights(layer, draw)
    before = [w.numpy().copy() for w in layer.weights]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        cotangent = rng(name, "cotangent").uniform(-1, 1, y.shape).astype(np.float32)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * cotangent)
    grads = tape.gradient(loss, [x] + [v.value for v in layer.trainable_variables])
    f.finish(
        {
            "name": name,
            "target": f"mixed.{target}",
            "policy": policy,
            "inputs": [f.put(name, "x", x)],
            "weights": [f.put(name, f"w{i}", w) for i, w in enumerate(before)],
            "cotangent": f.put(name, "dy", cotangent),
            "dtypes": [y.dtype.name],
            "outputs": [f.put(name, "y", wide(y))],
            "grads": [f.put(name, f"d{i}", wide(g)) for i, g in enumerate(grads)],
            "weights_after": [f.put(name, f"wa{i}", w.numpy()) for i, w in enumerate(layer.weights)],
        }
    )


def network():
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(8, 3, strides=2),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Conv2D(12, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(10, activation="softmax", dtype="float32"),
        ]
    )


def network_case(f, policy):
    name = f"{policy},network"
    draw = Draw(name)
    keras.config.set_dtype_policy(policy)
    model = network()
    x, y = tf.constant(draw.uniform(16, 12, 12, 3)), tf.constant(draw.one_hot(16, 10))
    f.set_weights(model, draw)
    before = [w.numpy().copy() for w in model.weights]
    optimizer = keras.optimizers.SGD(0.05)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    losses = []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = keras.losses.CategoricalCrossentropy()(y, model(x, training=True))
            scaled = optimizer.scale_loss(loss)
        assert loss.dtype == tf.float32
        losses.append(float(loss))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(scaled, [v.value for v in variables]), variables))
    f.finish(
        {
            "name": name,
            "target": "mixed.network",
            "policy": policy,
            "inputs": [f.put(name, "x", x), f.put(name, "y", y)],
            "weights": [f.put(name, f"w{i}", w) for i, w in enumerate(before)],
            "losses": f.put(name, "losses", np.float32(losses)),
            "weights_after": [f.put(name, f"wa{i}", w.numpy()) for i, w in enumerate(model.weights)],
        }
    )


def loss_scale_case(f):
    """Gradients given by hand, some of them not finite; growth after two finite steps."""
    name = "loss_scale"
    gradients = np.float32([8, 8, 8, np.inf, 4, 4, np.nan, -np.inf, 2, 2, 2])
    inner = keras.optimizers.Adam(0.1)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=2)
    keras.config.set_dtype_policy("float32")
    w = keras.Variable(np.float32([1, 2]), name="w")
    scales, counters, iterations, weights = [], [], [], []
    for g in gradients:
        optimizer.apply([tf.constant([g, 1.0])], [w])
        scales.append(float(optimizer.dynamic_scale))
        counters.append(int(optimizer.step_counter))
        iterations.append(int(optimizer.iterations))
        weights.append(w.numpy().copy())
    f.finish(
        {
            "name": name,
            "target": "mixed.loss_scale",
            "policy": "float32",
            "inputs": [f.put(name, "g", np.nan_to_num(gradients, nan=-1, posinf=-2, neginf=-3))],
            "scales": f.put(name, "scales", np.float32(scales)),
            "counters": f.put(name, "counters", np.int32(counters)),
            "iterations": f.put(name, "iterations", np.int64(iterations)),
            "weights": [f.put(name, f"w{i}", x) for i, x in enumerate(weights)],
            "variables": [v.name for v in optimizer.variables],
        }
    )


def make():
    keras.utils.clear_session()
    f = Family("mixed", "mixed_cases.py")
    for policy in POLICIES:
        for target in LAYERS:
            layer_case(f, policy, target)
        network_case(f, policy)
    loss_scale_case(f)
    keras.config.set_dtype_policy("float32")
    return f
