"""One epoch of MiniInception on CIFAR-10 in Keras: what a run from equal weights on equal batches must match.

usage: keras_reference.py CIFAR_DIR OUT_DIR [--limit N]

CIFAR_DIR holds cifar-10-batches-bin. Writes initial_weights.npz (arr_0 .. in the order of weights()), perm.npy (the
order of the training images; batches of 64 in that order, the last one of 16), losses.npz and result.json.
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cifar")
    parser.add_argument("out")
    parser.add_argument("--limit", type=int, default=50000)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    keras.utils.set_random_seed(7)

    directory = os.path.join(args.cifar, "cifar-10-batches-bin")
    x, y = records(directory, [f"data_batch_{i}.bin" for i in range(1, 6)])
    xv, yv = records(directory, ["test_batch.bin"])
    perm = np.random.RandomState(11).permutation(len(x)).astype(np.int64)
    perm = perm[: args.limit]
    np.save(os.path.join(args.out, "perm.npy"), perm)

    model = build()
    weights = depth_first_weights(model)
    assert model.count_params() == 1656250, model.count_params()
    np.savez(os.path.join(args.out, "initial_weights.npz"), *[w.numpy() for w in weights])

    optimizer = keras.optimizers.Adam()
    loss_fn = keras.losses.CategoricalCrossentropy()
    train_acc, val_acc = keras.metrics.CategoricalAccuracy(), keras.metrics.CategoricalAccuracy()
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def train_step(bx, by):
        with tf.GradientTape() as tape:
            p = model(bx, training=True)
            loss = loss_fn(by, p)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        train_acc.update_state(by, p)
        return loss

    @tf.function(reduce_retracing=True)
    def test_step(bx, by):
        p = model(bx, training=False)
        val_acc.update_state(by, p)
        return loss_fn(by, p)

    def batch(images, labels, index):
        return tf.constant(images[index].astype(np.float32) / np.float32(255)), tf.one_hot(labels[index], 10)

    losses, accuracies, start = [], [], time.time()
    for i in range(0, len(perm), args.batch):
        losses.append(float(train_step(*batch(x, y, perm[i : i + args.batch]))))
        accuracies.append(float(train_acc.result()))
        if len(losses) % 50 == 0:
            print(len(losses), round(time.time() - start), losses[-1], accuracies[-1], flush=True)
    train_seconds = time.time() - start
    val_losses = [float(test_step(*batch(xv, yv, np.arange(i, min(i + 256, len(xv)))))) for i in range(0, len(xv), 256)]
    np.savez(
        os.path.join(args.out, "losses.npz"),
        train_loss=np.float32(losses),
        train_accuracy=np.float32(accuracies),
        val_loss=np.float32(val_losses),
    )
    result = {
        "generator": "tools/golden/keras_reference.py",
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__},
        "batch_size": args.batch,
        "images": len(perm),
        "optimizer": "Adam, defaults",
        "first_losses": losses[:20],
        "train_accuracy": accuracies[-1],
        "validation_accuracy": float(val_acc.result()),
        "train_seconds": train_seconds,
    }
    with open(os.path.join(args.out, "result.json"), "w") as f:
        json.dump(result, f, indent=1)
    print(result)


if __name__ == "__main__":
    main()
