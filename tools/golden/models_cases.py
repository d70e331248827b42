"""Whole models: the network of three_apis, and one with branches, a shared layer, two inputs and two outputs.

Dropout has the rate 0, so that training repeats. `losses` are those of five steps of SGD(0.05) on one batch; the loss
is the categorical cross-entropy of the first output (labels are the last input) plus the mean of the squares of the
others.
"""
import keras
import numpy as np
import tensorflow as tf

from common import Draw, Family

layers = keras.layers


def three_apis():
    return keras.Sequential(
        [
            keras.Input((28, 28, 3)),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.MaxPooling2D(3),
            layers.BatchNormalization(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.0),
            layers.GlobalMaxPooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def branches():
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    shared = layers.Dense(6, activation="tanh", name="shared")
    a, b = shared(left), shared(right)
    joined = layers.Concatenate()([a, layers.Multiply()([a, b])])
    joined = layers.Add()([joined, layers.Dense(12, name="wide")(joined)])
    joined = layers.LayerNormalization(name="norm")(joined)
    kind = layers.Dense(4, activation="softmax", name="kind")(joined)
    size = layers.Dense(1, name="size")(joined)
    return keras.Model([left, right], [kind, size])


def outputs_of(model, inputs, training):
    outputs = model(inputs[0] if len(inputs) == 1 else inputs, training=training)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def case(f, target, model, arrays):
    name = target
    draw = Draw(name)
    inputs = [tf.constant(a) for a in arrays(draw)]
    f.set_weights(model, draw)
    before = [w.numpy().copy() for w in model.weights]
    evaluated = [o.numpy() for o in outputs_of(model, inputs[:-1], False)]
    optimizer = keras.optimizers.SGD(0.05)
    losses, first_grads = [], None
    for _ in range(5):
        with tf.GradientTape() as tape:
            outputs = outputs_of(model, inputs[:-1], True)
            loss = keras.losses.CategoricalCrossentropy()(inputs[-1], outputs[0])
            for other in outputs[1:]:
                loss += tf.reduce_mean(tf.square(other))
        variables = model.trainable_variables
        grads = tape.gradient(loss, [v.value for v in variables])
        first_grads = first_grads or [g.numpy() for g in grads]
        losses.append(float(loss))
        optimizer.apply_gradients(zip(grads, variables))
    f.finish(
        {
            "name": name,
            "target": target,
            "inputs": [f.put(name, f"x{i}", x) for i, x in enumerate(inputs)],
            "weights": [f.put(name, f"w{i}", w) for i, w in enumerate(before)],
            "weight_names": [w.path for w in model.weights],
            "outputs": [f.put(name, f"y{i}", y) for i, y in enumerate(evaluated)],
            "trainable_grads": [f.put(name, f"dw{i}", g) for i, g in enumerate(first_grads)],
            "losses": f.put(name, "losses", np.float32(losses)),
            "weights_after": [f.put(name, f"wa{i}", w.numpy()) for i, w in enumerate(model.weights)],
        }
    )


def make():
    keras.utils.clear_session()  # automatic names do not depend on the families before
    f = Family("models", "models_cases.py")
    case(f, "models.three_apis", three_apis(), lambda d: [d.uniform(6, 28, 28, 3), d.one_hot(6, 10)])
    case(f, "models.branches", branches(), lambda d: [d.normal(5, 8), d.normal(5, 8), d.one_hot(5, 4)])
    return f
