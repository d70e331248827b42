"""One epoch of MiniInception on CIFAR-10 in Keras: what a run from equal weights on equal batches must match.

usage: keras_reference.py CIFAR_DIR OUT_DIR [--limit N] [--runs N]

CIFAR_DIR holds cifar-10-batches-bin. Writes initial_weights.npz (arr_0 .. in the order of weights()); for each run
order_0.npy .. (the order of the training images, another one in each; batches of 64 in that order, the last one of 16)
and losses_0.npz ..; and result.json. Training amplifies roundings, and TensorFlow's threads add up in changing order, so
that runs from equal weights on equal batches drift apart: one epoch's validation accuracy is noise of several points,
its mean over runs less.
"""
import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_mini_inception import build, depth_first_weights


def records(directory, names):
    raw = np.concatenate([np.fromfile(os.path.join(directory, n), np.uint8).reshape(-1, 3073) for n in names])
    images = raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), raw[:, 0].astype(np.int64)


class Batches:
    """Of images and labels, as the network sees them."""

    def __init__(self, directory, names):
        self.images, self.labels = records(directory, names)

    def at(self, index):
        return tf.constant(self.images[index].astype(np.float32) / np.float32(255)), tf.one_hot(self.labels[index], 10)


def train(model, data, order, batch):
    """One epoch with a fresh optimizer; the loss of each batch, and the running accuracy after it."""
    optimizer, loss_fn = keras.optimizers.Adam(), keras.losses.CategoricalCrossentropy()
    accuracy = keras.metrics.CategoricalAccuracy()
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            p = model(x, training=True)
            loss = loss_fn(y, p)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        accuracy.update_state(y, p)
        return loss

    losses, accuracies, start = [], [], time.time()
    for i in range(0, len(order), batch):
        losses.append(float(step(*data.at(order[i : i + batch]))))
        accuracies.append(float(accuracy.result()))
        if len(losses) % 50 == 0:
            print(len(losses), round(time.time() - start), losses[-1], accuracies[-1], flush=True)
    return losses, accuracies


def evaluate(model, data):
    accuracy, loss_fn = keras.metrics.CategoricalAccuracy(), keras.losses.CategoricalCrossentropy()

    @tf.function(reduce_retracing=True)
    def step(x, y):
        p = model(x, training=False)
        accuracy.update_state(y, p)
        return loss_fn(y, p)

    count = len(data.labels)
    losses = [float(step(*data.at(np.arange(i, min(i + 256, count))))) for i in range(0, count, 256)]
    return losses, float(accuracy.result())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cifar")
    parser.add_argument("out")
    parser.add_argument("--limit", type=int, default=50000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    keras.utils.set_random_seed(7)

    directory = os.path.join(args.cifar, "cifar-10-batches-bin")
    training = Batches(directory, [f"data_batch_{i}.bin" for i in range(1, 6)])
    test = Batches(directory, ["test_batch.bin"])

    model = build()
    weights = depth_first_weights(model)
    assert model.count_params() == 1656250, model.count_params()
    initial = [w.numpy() for w in weights]
    np.savez(os.path.join(args.out, "initial_weights.npz"), *initial)

    result = {
        "generator": "tools/golden/keras_reference.py",
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__},
        "batch_size": args.batch,
        "images": min(args.limit, len(training.labels)),
        "optimizer": "Adam, defaults",
        "train_accuracies": [],
        "validation_accuracies": [],
    }
    for run in range(args.runs):
        for w, value in zip(weights, initial):
            w.assign(value)
        order = np.random.RandomState(11 + run).permutation(len(training.labels)).astype(np.int64)[: args.limit]
        np.save(os.path.join(args.out, f"order_{run}.npy"), order)
        losses, accuracies = train(model, training, order, args.batch)
        validation_losses, validation_accuracy = evaluate(model, test)
        np.savez(
            os.path.join(args.out, f"losses_{run}.npz"),
            train_loss=np.float32(losses),
            train_accuracy=np.float32(accuracies),
            val_loss=np.float32(validation_losses),
        )
        result["train_accuracies"].append(accuracies[-1])
        result["validation_accuracies"].append(validation_accuracy)
        with open(os.path.join(args.out, "result.json"), "w") as f:
            json.dump(result, f, indent=1)
        print(result, flush=True)


if __name__ == "__main__":
    main()
