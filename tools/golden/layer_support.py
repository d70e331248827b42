"""The layer of a Keras class name and a configuration, as a case."""
import keras

from common import Family


def add(f, cls, config, inputs, training=False, note="", call=None, keras_config=None, **options):
    """`keras_config`: where Keras's constructor takes other arguments than strata's."""
    layer = getattr(keras.layers, cls)(**dict(config if keras_config is None else keras_config))
    f.layer(f"layers.{cls}", layer, inputs, config, note, training, call, **options)
