#include "strata/model.h"

#include <gtest/gtest.h>

#include <sstream>

#include "examples/mini_inception.h"
#include "models/progbar.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

using test::message_of;

// The table of the plan, to the letter.
const char* const kMiniInceptionSummary =
    R"(Model: "model"
_________________________________________________________________
Layer (type)                 Output Shape              Param #   
=================================================================
input_1 (InputLayer)         [(None, 32, 32, 3)]       0         
_________________________________________________________________
conv_block (ConvModule)      (None, 32, 32, 96)        3072      
_________________________________________________________________
inception_block1 (InceptionM (None, 32, 32, 64)        31040     
_________________________________________________________________
inception_block2 (InceptionM (None, 32, 32, 80)        30096     
_________________________________________________________________
downsample_block1 (Downsampl (None, 15, 15, 160)       58000     
_________________________________________________________________
inception_block3 (InceptionM (None, 15, 15, 160)       87840     
_________________________________________________________________
inception_block4 (InceptionM (None, 15, 15, 160)       108320    
_________________________________________________________________
inception_block5 (InceptionM (None, 15, 15, 160)       128800    
_________________________________________________________________
inception_block6 (InceptionM (None, 15, 15, 144)       146640    
_________________________________________________________________
downsample_block2 (Downsampl (None, 7, 7, 240)         124896    
_________________________________________________________________
inception_block7 (InceptionM (None, 7, 7, 336)         389520    
_________________________________________________________________
inception_block8 (InceptionM (None, 7, 7, 336)         544656    
_________________________________________________________________
avg_pool (AveragePooling2D)  (None, 1, 1, 336)         0         
_________________________________________________________________
flat (Flatten)               (None, 336)               0         
_________________________________________________________________
classifier (Dense)           (None, 10)                3370      
=================================================================
Total params: 1,656,250
Trainable params: 1,652,826
Non-trainable params: 3,424
_________________________________________________________________
)";

// capability: 2.7, 2.8
TEST(Summary, OfMiniInceptionToTheLetter) {
  utils::clear_session();
  MiniInception model(10);
  EXPECT_EQ(model.build_graph({32, 32, 3}).summary_text(), kMiniInceptionSummary);
}

TEST(Summary, OfASubclassedModelHasNoInputRow) {
  MiniInception model(10);
  EXPECT_NE(message_of([&] { model.summary_text(); }).find("not yet been built"), std::string::npos);
  model.build({None, 32, 32, 3});
  std::ostringstream out;
  model.summary(out);
  EXPECT_EQ(out.str().find("InputLayer"), std::string::npos);
  EXPECT_NE(out.str().find("conv_block (ConvModule)      (None, 32, 32, 96)        3072"), std::string::npos);
  EXPECT_NE(out.str().find("Total params: 1,656,250"), std::string::npos);
}

TEST(Summary, WithBranchesHasAFourthColumn) {
  utils::clear_session();
  Tensor a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  Tensor x = Concatenate()({Dense(3)(a), nn::relu(b)});
  Model model(Tensors{a, b}, Tensors{x});
  const std::string text = model.summary_text();
  EXPECT_NE(text.find(std::string(98, '=')), std::string::npos) << text;
  EXPECT_NE(text.find("Connected to"), std::string::npos);
  EXPECT_NE(text.find("tf.nn.relu (TFOpLambda)"), std::string::npos) << text;
  EXPECT_NE(text.find("dense[0][0]"), std::string::npos) << text;
  EXPECT_NE(text.find("a[0][0]"), std::string::npos) << text;
}

TEST(Summary, ExpandNestedShowsTheLayersInside) {
  MiniInception model(10);
  model.build({None, 32, 32, 3});
  const std::string text = model.summary_text({.expand_nested = true, .show_trainable = true});
  EXPECT_NE(text.find("| conv (Conv2D)"), std::string::npos) << text;
  EXPECT_NE(text.find("Trainable"), std::string::npos);
}

// capability: 1.3, 1.7
TEST(Functional, SharedLayersBranchesAndNames) {
  Tensor left = Input({8}, {.name = "left"}), right = Input({8}, {.name = "right"});
  Dense shared(16, {.activation = "relu"});
  Tensor joined = Concatenate()({shared(left), shared(right)});
  Tensor kind = Dense(3, {.activation = "softmax", .name = "kind"})(joined);
  Tensor size = Dense(1, {.name = "size"})(joined);
  Model model(Tensors{left, right}, Tensors{kind, size});
  EXPECT_EQ(model.output_names(), (std::vector<std::string>{"kind", "size"}));
  EXPECT_EQ(model.weights().size(), 6u);
  const Tensor x = random::normal({5, 8}), y = random::normal({5, 8});
  const Outputs by_position = model({x, y}), by_name = model({{"right", y}, {"left", x}});
  EXPECT_EQ(by_position["kind"].to_vector<float>(), by_name[0].to_vector<float>());
  EXPECT_EQ(by_position[1].shape(), (Shape{5, 1}));
  EXPECT_THROW(by_position["other"], ValueError);
  EXPECT_THROW(static_cast<Tensor>(by_position), ValueError);
  EXPECT_THROW(model({x}), ValueError);
  EXPECT_THROW(model({x, random::normal({5, 9})}), ShapeError);
}

// capability: 8.2
TEST(Functional, InputsAndOutputsByListAndByName) {
  Tensor a = Input({2}), b = Input({2});
  Tensor sum = a + b;
  Model listed({a, b}, sum), named({{"left", a}, {"right", b}}, {{"sum", sum}, {"difference", a - b}});
  const Tensor x = ones({3, 2}), y = x * 2.f;
  EXPECT_EQ(Tensor(listed({x, y}))[0][0].item<float>(), 3);
  EXPECT_EQ(named.input_names(), (std::vector<std::string>{"left", "right"}));
  EXPECT_EQ(named({{"right", y}, {"left", x}})["difference"][0][0].item<float>(), -1);
}

TEST(Functional, AMissingInputIsNamed) {
  Tensor a = Input({2}, {.name = "a"}), b = Input({2}, {.name = "b"});
  EXPECT_NE(message_of([&] { Model(a, a + b); }).find("'b'"), std::string::npos);
  EXPECT_THROW(Model(ones({2}), a), ValueError);
}

TEST(Functional, ClonesHaveWeightsOfTheirOwn) {
  Tensor x = Input({4});
  Model model(x, Dense(2)(Dense(3)(x) * 2.f));
  const Layer clone = model.clone_layer();
  EXPECT_EQ(clone.weights().size(), 4u);
  EXPECT_FALSE(clone.weights()[0] == model.weights()[0]);
}

// capability: 1.1
TEST(Sequential, ByListAndByAddAreTheSame) {
  utils::clear_session();
  Sequential listed({Input({784}), Dense(16, {.activation = "relu"}), Dense(10)});
  Sequential added;
  added.add(Input({784}));
  added.add(Dense(16, {.activation = "relu"}));
  added.add(Dense(10));
  EXPECT_EQ(listed.count_params(), 784 * 16 + 16 + 170);
  added.set_weights(listed.get_weights());
  const Tensor x = random::normal({3, 784});
  EXPECT_EQ(Tensor(listed(x)).to_vector<float>(), Tensor(added(x)).to_vector<float>());
  EXPECT_EQ(listed.name(), "sequential");
  EXPECT_EQ(listed.output_shape(), (Shape{None, 10}));
  EXPECT_NE(listed.summary_text().find("Model: \"sequential\""), std::string::npos);
  EXPECT_EQ(listed.summary_text().find("InputLayer"), std::string::npos);
}

// capability: 1.2
TEST(Sequential, WithoutAnInputIsBuiltByTheFirstCall) {
  Sequential model({Dense(4), Dropout(0.5), Dense(2)});
  EXPECT_THROW(model.count_params(), ValueError);
  EXPECT_EQ(Tensor(model(ones({3, 5}))).shape(), (Shape{3, 2}));
  EXPECT_EQ(model.count_params(), 24 + 10);
}

TEST(Models, EachStyleInsideTheOthers) {
  Sequential inner({Dense(4, {.activation = "relu"}), Dense(3)});
  Tensor x = Input({5});
  Model functional(x, inner(x));
  Sequential outer({Input({5}), functional, Dense(2)});
  EXPECT_EQ(Tensor(outer(ones({1, 5}))).shape(), (Shape{1, 2}));
  EXPECT_EQ(outer.weights().size(), 6u);
}

class WithSequential : public CustomModel<WithSequential> {
 public:
  Tensor call(const Tensor& x) const { return body_(x); }

 private:
  Sequential body_ = track("body", Sequential({Dense(2)}));
};

TEST(Models, ATrackedSequentialHasTheNameOfItsPlace) {
  WithSequential model;
  model(ones({1, 3}));
  EXPECT_EQ(model.layers()[0].name(), "body");
  EXPECT_NE(model.summary_text().find("body (Sequential)"), std::string::npos);
}

// capability: 1.19, 1.21
TEST(Training, FitEvaluatePredictOnAFunctionThatCanBeLearned) {
  utils::set_random_seed(1);
  const Tensor x = random::normal({256, 4}), y = matmul(x, Tensor{{1.f}, {-2.f}, {0.5f}, {3.f}}) + 1.f;
  Sequential model({Input({4}), Dense(1)});
  EXPECT_THROW(model.fit(x, y), ValueError);
  model.compile({.optimizer = optimizers::SGD(0.1), .loss = "mse", .metrics = {"mae"}});
  const History h = model.fit(x, y, {.epochs = 20, .verbose = 0, .validation_split = 0.25});
  EXPECT_EQ(h.history.at("loss").size(), 20u);
  EXPECT_LT(h.history.at("val_loss").back(), 1e-3);
  const Logs logs = model.evaluate(x, y, {.verbose = 0});
  EXPECT_LT(logs.at("mae"), 0.05);
  EXPECT_EQ(Tensor(model.predict(x, {.batch_size = 100, .verbose = 0})).shape(), (Shape{256, 1}));
  EXPECT_EQ(Tensor(model.predict(zeros({0, 4}), {.verbose = 0})).shape(), (Shape{0, 1}));
  EXPECT_THROW(model.fit(x, y[Slice(0, 10)], {.verbose = 0}), ShapeError);
  EXPECT_THROW(model.fit(zeros({0, 4}), zeros({0, 1}), {.verbose = 0}), ValueError);
}

// capability: 1.20
TEST(Training, TheShortLastBatchDoesNotDistortTheMean) {
  Sequential model({Input({1}), Dense(1, {.kernel_initializer = "ones"})});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mae"});
  const Tensor x = {{1.f}, {2.f}, {6.f}};
  const Logs logs = model.evaluate(x, zeros({3, 1}), {.batch_size = 2, .verbose = 0});
  EXPECT_FLOAT_EQ(static_cast<float>(logs.at("loss")), 3.f);
}

TEST(Training, LogitsIntoALossOnProbabilitiesWarnOnce) {
  utils::clear_session();
  Sequential model({Input({4}), Dense(10, {.kernel_initializer = "ones"})});
  model.compile({.loss = losses::CategoricalCrossentropy()});
  const Tensor x = ones({8, 4}) * 3.f, y = one_hot(zeros({8}, int32), 10);
  testing::internal::CaptureStderr();
  model.fit(x, y, {.verbose = 0});
  model.fit(x, y, {.verbose = 0});
  EXPECT_EQ(
      testing::internal::GetCapturedStderr(),
      "warning: CategoricalCrossentropy expects probabilities, but 'dense' has no softmax (outputs in [12.0, 12.0]). "
      "Use Dense(10, {.activation = \"softmax\"}) or CategoricalCrossentropy({.from_logits = true}).\n");
}

class Halved : public CustomModel<Halved> {
 public:
  Tensor call(const Tensor& x) const { return out_(x); }
  Logs train_step(const Tensor& x, const Tensor& y) const {
    GradientTape tape;
    Tensor prediction = (*this)(x, training = true);
    Tensor loss = 0.5f * compute_loss(x, y, prediction);
    optimizer().apply_gradients(tape.gradient(loss, trainable_weights()), trainable_weights());
    return compute_metrics(x, y, prediction);
  }

 private:
  Dense out_ = track("out", Dense(1));
};

TEST(Training, ATrainStepOfOnesOwn) {
  utils::set_random_seed(2);
  const Tensor x = random::normal({64, 3}), y = reduce_sum(x, 1, {.keepdims = true});
  Halved model;
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  const History h = model.fit(x, y, {.epochs = 3, .verbose = 0});
  EXPECT_LT(h.history.at("loss").back(), h.history.at("loss").front());
  EXPECT_TRUE(h.history.contains("mae"));
}

struct StopAt : callbacks::Callback {
  void on_epoch_end(int epoch, const Logs&) override {
    if (epoch == 1) model().stop_training = true;
  }
};
TEST(Training, ACallbackStopsTheLoop) {
  Sequential model({Input({2}), Dense(1)});
  model.compile({.loss = "mse"});
  const History h = model.fit(ones({4, 2}), ones({4, 1}), {.epochs = 9, .verbose = 0, .callbacks = {StopAt()}});
  EXPECT_EQ(h.epoch.size(), 2u);
}

TEST(Weights, AreSavedAndLoaded) {
  const std::string path = testing::TempDir() + "weights_test.npz";
  Sequential model({Input({4}), Dense(3), BatchNormalization(), Dense(2)});
  model.save_weights(path);
  Sequential other({Input({4}), Dense(3), BatchNormalization(), Dense(2)});
  other.load_weights(path);
  EXPECT_EQ(Tensor(model(ones({1, 4}))).to_vector<float>(), Tensor(other(ones({1, 4}))).to_vector<float>());
  Sequential narrow({Input({4}), Dense(2), BatchNormalization(), Dense(2)});
  EXPECT_NE(message_of([&] { narrow.load_weights(path); }).find("(4, 3)"), std::string::npos);
  Sequential unbuilt({Dense(3)});
  EXPECT_NE(message_of([&] { unbuilt.load_weights(path); }).find("has not created its variables yet"),
            std::string::npos);
}

// capability: 1.22
TEST(Progbar, Texts) {
  EXPECT_EQ(Progbar::bar_text(3, 469), "  3/469 [..............................]");
  EXPECT_EQ(Progbar::bar_text(469, 469), "469/469 [==============================]");
  EXPECT_EQ(Progbar::bar_text(235, 469), "235/469 [==============>...............]");
  EXPECT_EQ(Progbar::time_per(0.003, "step"), " 3ms/step");
  EXPECT_EQ(Progbar::time_per(0.000962, "step"), " 962us/step");
  EXPECT_EQ(Progbar::time_per(2.4, "epoch"), " 2s/epoch");
  EXPECT_EQ(Progbar::values_text({{"loss", 7.5747}, {"mae", 0.0004}}), " - loss: 7.5747 - mae: 4.0000e-04");
}

}  // namespace
}  // namespace strata
