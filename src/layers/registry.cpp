#include "layers/registry.h"

#include "strata/input.h"
#include "strata/layers/activation.h"
#include "strata/layers/attention.h"
#include "strata/layers/augmentation.h"
#include "strata/layers/color.h"
#include "strata/layers/convolution.h"
#include "strata/layers/core.h"
#include "strata/layers/features.h"
#include "strata/layers/merging.h"
#include "strata/layers/normalization.h"
#include "strata/layers/pooling.h"
#include "strata/layers/recurrent.h"
#include "strata/layers/regularization.h"
#include "strata/layers/reshaping.h"
#include "strata/layers/wrappers.h"

namespace strata::layers {

namespace {

template <class T>
Layer make(const Config& config) {
  return T::from_config(config);
}

// A row for each class that files keep, by name; a new layer adds one.
const LayerClass kClasses[] = {
    {"Activation", make<Activation>},
    {"ActivityRegularization", make<ActivityRegularization>},
    {"AdaptiveAveragePooling1D", make<AdaptiveAveragePooling1D>},
    {"AdaptiveAveragePooling2D", make<AdaptiveAveragePooling2D>},
    {"AdaptiveAveragePooling3D", make<AdaptiveAveragePooling3D>},
    {"AdaptiveMaxPooling1D", make<AdaptiveMaxPooling1D>},
    {"AdaptiveMaxPooling2D", make<AdaptiveMaxPooling2D>},
    {"AdaptiveMaxPooling3D", make<AdaptiveMaxPooling3D>},
    {"Add", make<Add>},
    {"AdditiveAttention", make<AdditiveAttention>},
    {"AlphaDropout", make<AlphaDropout>},
    {"Attention", make<Attention>},
    {"AutoContrast", make<AutoContrast>},
    {"Average", make<Average>},
    {"AveragePooling1D", make<AveragePooling1D>},
    {"AveragePooling2D", make<AveragePooling2D>},
    {"AveragePooling3D", make<AveragePooling3D>},
    {"BatchNormalization", make<BatchNormalization>},
    {"Bidirectional",
     make<Bidirectional>,
     {"sequences", "initial_state", "initial_state_1", "initial_state_2", "initial_state_3", "mask"}},
    {"CategoryEncoding", make<CategoryEncoding>},
    {"CenterCrop", make<CenterCrop>},
    {"Concatenate", make<Concatenate>},
    {"Conv1D", make<Conv1D>},
    {"Conv1DTranspose", make<Conv1DTranspose>},
    {"Conv2D", make<Conv2D>},
    {"Conv2DTranspose", make<Conv2DTranspose>},
    {"Conv3D", make<Conv3D>},
    {"Conv3DTranspose", make<Conv3DTranspose>},
    {"Cropping1D", make<Cropping1D>},
    {"Cropping2D", make<Cropping2D>},
    {"Cropping3D", make<Cropping3D>},
    {"CutMix", make<CutMix>},
    {"Dense", make<Dense>},
    {"DepthwiseConv1D", make<DepthwiseConv1D>},
    {"DepthwiseConv2D", make<DepthwiseConv2D>},
    {"Discretization", make<Discretization>},
    {"Dot", make<Dot>},
    {"Dropout", make<Dropout>},
    {"ELU", make<ELU>},
    {"EinsumDense", make<EinsumDense>},
    {"Embedding", make<Embedding>},
    {"Equalization", make<Equalization>},
    {"Flatten", make<Flatten>},
    {"GRU", make<GRU>, {"sequences", "initial_state", "mask"}},
    {"GRUCell", make<GRUCell>, {"inputs", "states"}},
    {"GaussianDropout", make<GaussianDropout>},
    {"GaussianNoise", make<GaussianNoise>},
    {"GlobalAveragePooling1D", make<GlobalAveragePooling1D>},
    {"GlobalAveragePooling2D", make<GlobalAveragePooling2D>},
    {"GlobalAveragePooling3D", make<GlobalAveragePooling3D>},
    {"GlobalMaxPooling1D", make<GlobalMaxPooling1D>},
    {"GlobalMaxPooling2D", make<GlobalMaxPooling2D>},
    {"GlobalMaxPooling3D", make<GlobalMaxPooling3D>},
    {"GroupNormalization", make<GroupNormalization>},
    {"Identity", make<Identity>},
    {"InputLayer", make<InputLayer>},
    {"LSTM", make<LSTM>, {"sequences", "initial_state", "initial_state_1", "mask"}},
    {"LSTMCell", make<LSTMCell>, {"inputs", "states", "states_1"}},
    {"Lambda", make<Lambda>},
    {"LayerNormalization", make<LayerNormalization>},
    {"LeakyReLU", make<LeakyReLU>},
    {"Masking", make<Masking>},
    {"MaxPooling1D", make<MaxPooling1D>},
    {"MaxPooling2D", make<MaxPooling2D>},
    {"MaxPooling3D", make<MaxPooling3D>},
    {"Maximum", make<Maximum>},
    {"Minimum", make<Minimum>},
    {"MixUp", make<MixUp>},
    {"MultiHeadAttention", make<MultiHeadAttention>, {"query", "value", "key", "attention_mask"}},
    {"Multiply", make<Multiply>},
    {"Normalization", make<Normalization>},
    {"PReLU", make<PReLU>},
    {"Permute", make<Permute>},
    {"RMSNormalization", make<RMSNormalization>},
    {"RNN", make<RNN>, {"sequences", "initial_state", "initial_state_1", "initial_state_2", "initial_state_3", "mask"}},
    {"RandAugment", make<RandAugment>},
    {"RandomBrightness", make<RandomBrightness>},
    {"RandomColorDegeneration", make<RandomColorDegeneration>},
    {"RandomContrast", make<RandomContrast>},
    {"RandomCrop", make<RandomCrop>},
    {"RandomErasing", make<RandomErasing>},
    {"RandomFlip", make<RandomFlip>},
    {"RandomGrayscale", make<RandomGrayscale>},
    {"RandomInvert", make<RandomInvert>},
    {"RandomPosterization", make<RandomPosterization>},
    {"RandomRotation", make<RandomRotation>},
    {"RandomSharpness", make<RandomSharpness>},
    {"RandomShear", make<RandomShear>},
    {"RandomTranslation", make<RandomTranslation>},
    {"RandomZoom", make<RandomZoom>},
    {"ReLU", make<ReLU>},
    {"RepeatVector", make<RepeatVector>},
    {"Rescaling", make<Rescaling>},
    {"Reshape", make<Reshape>},
    {"Resizing", make<Resizing>},
    {"SeparableConv1D", make<SeparableConv1D>},
    {"SeparableConv2D", make<SeparableConv2D>},
    {"SimpleRNN", make<SimpleRNN>, {"sequences", "initial_state", "mask"}},
    {"SimpleRNNCell", make<SimpleRNNCell>, {"inputs", "states"}},
    {"Softmax", make<Softmax>},
    {"Solarization", make<Solarization>},
    {"SpatialDropout1D", make<SpatialDropout1D>},
    {"SpatialDropout2D", make<SpatialDropout2D>},
    {"SpatialDropout3D", make<SpatialDropout3D>},
    {"StackedRNNCells", make<StackedRNNCells>},
    {"Subtract", make<Subtract>},
    {"TimeDistributed", make<TimeDistributed>, {"inputs", "mask"}},
    {"UnitNormalization", make<UnitNormalization>},
    {"UpSampling1D", make<UpSampling1D>},
    {"UpSampling2D", make<UpSampling2D>},
    {"UpSampling3D", make<UpSampling3D>},
    {"ZeroPadding1D", make<ZeroPadding1D>},
    {"ZeroPadding2D", make<ZeroPadding2D>},
    {"ZeroPadding3D", make<ZeroPadding3D>},
};

}  // namespace

std::span<const LayerClass> layer_classes() { return kClasses; }

const LayerClass* find_layer_class(std::string_view class_name) {
  for (const LayerClass& row : kClasses)
    if (row.class_name == class_name) return &row;
  return nullptr;
}

}  // namespace strata::layers
