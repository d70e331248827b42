"""Optimizers: 20 steps on sum of squares |a w + b - y|^2 over a matrix w and a vector b.

`inputs` are a (6, 4) and y (6, 3); `weights` the first values of w (4, 3) and b (3); the loss of a step is
reduce_mean(square(matmul(a, w) + b - y)) * `loss_scale`. `variables` has [w, b] after 5, 10, 15 and 20 steps, `losses`
the loss before each step, `slots` the optimizer's variables after the last one, in Keras's order, but for the
iteration and the learning rate. Where `rows` is true, `a` holds the numbers of rows of w (12) that take the place of the product,
some of them more than once: the gradient of w is that of an embedding, which Keras gives to the optimizer row by row.
"""
import keras
import numpy as np
import tensorflow as tf

from common import Draw, Family

CASES = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.05}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.2}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.05}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.2}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 5}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True}),
    ("Adam", {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"learning_rate": 0.05, "weight_decay": 0.1}),
    ("Adam", {"learning_rate": 0.05, "clipnorm": 0.1}),
    ("AdamW", {"learning_rate": 0.05}),
    ("AdamW", {"learning_rate": 0.05, "weight_decay": 0.2}),
    ("AdamW", {"learning_rate": 0.05, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.7}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "weight_decay": 0.05}),
    ("Adamax", {}),
    ("Adamax", {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.1}),
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.05, "beta_1": 0.8, "clipnorm": 0.1}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 1e-3, "clipvalue": 0.1}),
    ("Adadelta", {}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3}),
    ("Ftrl", {}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02}),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.7, "l2_shrinkage_regularization_strength": 0.1, "beta": 0.2}),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": 0.1}),
    ("Lamb", {}),
    ("Lamb", {"learning_rate": 0.05, "weight_decay": 0.1, "epsilon": 1e-4}),
    ("Adafactor", {}),
    ("Adafactor", {"learning_rate": 0.02, "relative_step": False, "clip_threshold": 0.5}),
    ("Adafactor", {"learning_rate": 0.05, "beta_2_decay": -0.5, "weight_decay": 0.1}),
    ("Muon", {}),
    ("Muon", {"learning_rate": 0.05, "nesterov": False, "ns_steps": 3, "adam_lr_ratio": 0.5, "weight_decay": None}),
    ("Muon", {"learning_rate": 0.05, "rms_rate": None, "momentum": 0.8, "adam_weight_decay": 0.1}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05, "warmup_steps": 5, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "gradient_accumulation_steps": 4}),
    ("Adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 2, "weight_decay": 0.1, "global_clipnorm": 0.5}),
    ("Nadam", {"learning_rate": 0.05, "gradient_accumulation_steps": 3}),
    ("Lamb", {"learning_rate": 0.05, "gradient_accumulation_steps": 2}),
    ("AdamW", {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.9, "gradient_accumulation_steps": 2}),
]
# Keras fails on repeated rows in RMSprop with momentum or centered.
ROWS = [
    ("SGD", {"learning_rate": 0.5, "momentum": 0.5}),
    ("SGD", {"learning_rate": 0.5, "clipnorm": 0.1}),
    ("Adam", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True, "weight_decay": 0.1, "use_ema": True}),
    ("Adam", {"learning_rate": 0.05, "clipnorm": 0.05}),
    ("Adam", {"learning_rate": 0.05, "global_clipnorm": 0.05}),
    ("Adam", {"learning_rate": 0.05, "clipvalue": 0.01}),
    ("Adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 2}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.05}),
    ("Nadam", {"learning_rate": 0.05}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.05}),
    ("Adafactor", {"learning_rate": 0.02}),
    ("Muon", {"learning_rate": 0.05, "exclude_layers": ["w"]}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05}),
]


def case(f, cls, config, rows):
    target = f"optimizers.{cls}"
    name = f.unique(target, config, "rows" if rows else "")
    draw = Draw(name)
    a, y = (draw.integers(0, 4, 12), draw.normal(12, 3)) if rows else (draw.normal(6, 4), draw.normal(6, 3))
    w, b = keras.Variable(draw.normal(4, 3), name="w"), keras.Variable(draw.normal(3), name="b")
    first = [w.numpy().copy(), b.numpy().copy()]
    optimizer = getattr(keras.optimizers, cls)(**config)
    losses, variables = [], []
    for step in range(20):
        with tf.GradientTape() as tape:
            product = tf.gather(w.value, a) if rows else tf.matmul(a, w.value)
            loss = tf.reduce_mean(tf.square(product + b.value - y))
        losses.append(float(loss))
        grads = tape.gradient(loss, [w.value, b.value])
        optimizer.apply_gradients(zip(grads, [w, b]))
        if step % 5 == 4:
            variables.append([w.numpy().copy(), b.numpy().copy()])
    slots = [v for v in optimizer.variables[1:] if v.path.split("/")[-1] != "learning_rate"]
    f.finish(
        {
            "name": name,
            "target": target,
            "config": config,
            "rows": rows,
            "inputs": [f.put(name, "a", a), f.put(name, "y", y)],
            "weights": [f.put(name, f"w{i}", v) for i, v in enumerate(first)],
            "slots": [f.put(name, f"s{i}", np.float32(v.numpy())) for i, v in enumerate(slots)],
            "losses": f.put(name, "losses", np.float32(losses)),
            "variables": [[f.put(name, f"v{s}_{i}", v) for i, v in enumerate(vs)] for s, vs in enumerate(variables)],
        }
    )


def make():
    f = Family("optimizer", "optimizer_cases.py")
    for cls, config in CASES:
        case(f, cls, config, False)
    for cls, config in ROWS:
        case(f, cls, config, True)
    return f
