"""MiniInception in Keras, block for block the model of examples/mini_inception.h."""
import keras
from keras import layers


class ConvModule(keras.layers.Layer):
    def __init__(self, filters, kernel_size, strides, padding="same", **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(filters, kernel_size, strides=strides, padding=padding)
        self.bn = layers.BatchNormalization()

    def call(self, x, training=False):
        return keras.ops.relu(self.bn(self.conv(x), training=training))


class InceptionModule(keras.layers.Layer):
    def __init__(self, filters_1x1, filters_3x3, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = ConvModule(filters_1x1, (1, 1), (1, 1))
        self.conv2 = ConvModule(filters_3x3, (3, 3), (1, 1))
        self.cat = layers.Concatenate()

    def call(self, x, training=False):
        return self.cat([self.conv1(x, training=training), self.conv2(x, training=training)])


class DownsampleModule(keras.layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.conv3 = ConvModule(filters, (3, 3), (2, 2), "valid")
        self.pool = layers.MaxPooling2D((3, 3), strides=(2, 2))
        self.cat = layers.Concatenate()

    def call(self, x, training=False):
        return self.cat([self.conv3(x, training=training), self.pool(x)])


class MiniInception(keras.Model):
    def __init__(self, num_classes=10, classifier_dtype="float32", **kwargs):
        super().__init__(**kwargs)
        self.conv_block = ConvModule(96, (3, 3), (1, 1))
        self.inception_block1 = InceptionModule(32, 32)
        self.inception_block2 = InceptionModule(32, 48)
        self.downsample_block1 = DownsampleModule(80)
        self.inception_block3 = InceptionModule(112, 48)
        self.inception_block4 = InceptionModule(96, 64)
        self.inception_block5 = InceptionModule(80, 80)
        self.inception_block6 = InceptionModule(48, 96)
        self.downsample_block2 = DownsampleModule(96)
        self.inception_block7 = InceptionModule(176, 160)
        self.inception_block8 = InceptionModule(176, 160)
        self.avg_pool = layers.AveragePooling2D((7, 7))
        self.flat = layers.Flatten()
        self.classifier = layers.Dense(num_classes, activation="softmax", dtype=classifier_dtype)

    def call(self, x, training=False):
        for block in (
            self.conv_block,
            self.inception_block1,
            self.inception_block2,
            self.downsample_block1,
            self.inception_block3,
            self.inception_block4,
            self.inception_block5,
            self.inception_block6,
            self.downsample_block2,
            self.inception_block7,
            self.inception_block8,
        ):
            x = block(x, training=training)
        return self.classifier(self.flat(self.avg_pool(x)))


def depth_first_weights(layer):
    """Trainable, then non-trainable variables of each leaf layer, depth first: the order of strata's weights()."""
    own = [v for v in layer._trainable_variables] + [v for v in layer._non_trainable_variables]
    for child in layer._layers:
        own += depth_first_weights(child)
    return own


def build(num_classes=10, dtype="float32"):
    model = MiniInception(num_classes, classifier_dtype=dtype)
    model(keras.ops.zeros((1, 32, 32, 3), dtype=dtype))
    return model
