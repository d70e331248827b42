"""The layer of a Keras class name and a configuration, as a case."""
import keras

from common import Family


def add(f, cls, config, inputs, training=False, note="", call=None, **options):
    keras_config = dict(config)
    layer = getattr(keras.layers, cls)(**keras_config)
    f.layer(f"layers.{cls}", layer, inputs, config, note, training, call, **options)
