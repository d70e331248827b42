"""The networks of programs/networks.cpp in Keras."""

import keras
import numpy as np
from keras import layers


def conv_norm_relu(x, filters, kernel, strides=1, padding="same", use_bias=True):
    x = layers.Conv2D(filters, kernel, strides, padding, use_bias=use_bias)(x)
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def softmax(x):
    return layers.Dense(10, activation="softmax", dtype="float32")(x)


def inception():
    inputs = keras.Input((32, 32, 3))
    x = conv_norm_relu(inputs, 96, 3)
    for a, b in [(32, 32), (32, 48), (80, 0), (112, 48), (96, 64), (80, 80), (48, 96), (96, 0), (176, 160), (176, 160)]:
        if b:
            x = layers.Concatenate()([conv_norm_relu(x, a, 1), conv_norm_relu(x, b, 3)])
        else:
            x = layers.Concatenate()([conv_norm_relu(x, a, 3, 2, "valid"), layers.MaxPooling2D(3, 2)(x)])
    return keras.Model(inputs, softmax(layers.Flatten()(layers.AveragePooling2D(7)(x))))


def mnist():
    return keras.Sequential([keras.Input((28, 28, 3)), layers.Conv2D(32, 3, 2, activation="relu"),
                             layers.MaxPooling2D(3), layers.BatchNormalization(),
                             layers.Conv2D(64, 3, activation="relu"), layers.BatchNormalization(),
                             layers.Dropout(0.3), layers.GlobalMaxPooling2D(),
                             layers.Dense(10, activation="softmax", dtype="float32")])


def mlp():
    return keras.Sequential([keras.Input((784,)), layers.Dense(128, activation="relu"),
                             layers.Dense(10, activation="softmax", dtype="float32")])


NETWORKS = {"inception": inception, "mlp": mlp, "mnist": mnist}


def make_batch(model, size):
    rng = np.random.default_rng(1)
    x = rng.random((size, *model.input_shape[1:]), dtype=np.float32)
    return x, keras.utils.to_categorical(rng.integers(0, 10, size), 10)
