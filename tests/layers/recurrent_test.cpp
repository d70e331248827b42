#include "strata/layers/recurrent.h"

#include <gtest/gtest.h>

#include <limits>

#include "strata/strata.h"
#include "tests/support/errors.h"
#include "tests/support/gradients.h"

namespace strata {
namespace {

using namespace strata::layers;

double difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  return reduce_max(abs(a - b)).item<double>();
}
Tensor sequences(const Shape& shape, int seed = 1) { return random::normal(shape, {.seed = seed}); }
Tensor steps_mask() {
  return Tensor({{true, true, true, false}, {false, true, false, true}, {true, false, false, false}});
}

using test::has;
using test::message_of;

// The kernels over whole sequences against the cells step by step, for sizes off the vectors' widths.
template <class L>
void check_against_steps(const Layer& fused, const Layer& unrolled, std::int64_t features) {
  const Tensor x = sequences({7, 4, features});
  fused.build(x.shape());
  unrolled.build(x.shape());
  unrolled.set_weights(fused.get_weights());
  EXPECT_LT(difference(fused(x), unrolled(x)), 1e-5);
}

TEST(Recurrent, KernelsEqualSteps) {
  for (const std::int64_t units : {1, 3, 16, 70, 150}) {
    check_against_steps<LSTM>(LSTM(units, {.return_sequences = true}),
                              LSTM(units, {.return_sequences = true, .unroll = true}), 5);
    check_against_steps<GRU>(GRU(units, {.return_sequences = true}),
                             GRU(units, {.return_sequences = true, .unroll = true}), 5);
    check_against_steps<SimpleRNN>(SimpleRNN(units), SimpleRNN(units, {.unroll = true}), 5);
  }
}

TEST(Recurrent, GradientsOfKernelsEqualThoseOfSteps) {
  const Tensor x = sequences({5, 4, 3});
  const Tensor mask = Tensor({{true, true, true, true},
                              {true, true, false, false},
                              {false, true, true, false},
                              {true, true, true, false},
                              {true, false, false, false}});
  for (const std::int64_t units : {1, 3, 16, 70, 150})
    for (const bool masked : {false, true}) {
      const LSTM fused(units, {.return_sequences = true}), unrolled(units, {.return_sequences = true, .unroll = true});
      Tensors gradients[2];
      for (const LSTM& layer : {fused, unrolled}) {
        layer.build(x.shape());
        layer.set_weights(fused.get_weights());
        GradientTape tape;
        tape.watch(x);
        const Tensor y = masked ? Tensor(layer(x, RecurrentArguments{.mask = mask})) : Tensor(layer(x));
        const Tensor loss = reduce_sum(y * sequences(y.shape(), 2));
        const bool is_fused = layer.name() == fused.name();
        gradients[is_fused] = tape.gradient(loss, layer.trainable_weights());
      }
      for (std::size_t i = 0; i < gradients[0].size(); ++i)
        EXPECT_LT(difference(gradients[0][i], gradients[1][i]),
                  1e-5 * (1 + reduce_max(abs(gradients[0][i])).item<double>()))
            << units << " masked " << masked << " weight " << i;
    }
}

TEST(Recurrent, GradientsInFloat64) {
  const Tensor mask = steps_mask();
  for (const bool masked : {false, true}) {
    const test::TensorsFunction f = [&](const Tensors& in) {
      const LSTM lstm(3, {.return_sequences = true, .return_state = true, .dtype = "float64"});
      const GRU gru(3, {.return_sequences = true, .dtype = "float64"});
      const GRU other(
          3, {.activation = "softplus", .recurrent_activation = "softsign", .reset_after = false, .dtype = "float64"});
      const SimpleRNN simple(3, {.activation = "softsign", .dtype = "float64"});
      Tensors out;
      for (const Layer& layer : {Layer(lstm), Layer(gru), Layer(other), Layer(simple)}) {
        layer.build({None, 4, 2});
        Tensors values;
        int seed = 0;
        for (const Variable& w : layer.weights())
          values.push_back(random::normal(w.shape(), {.dtype = float64, .seed = ++seed}));
        layer.set_weights(values);
        if (masked) set_mask(in[0], mask);
        const Outputs results = layer(in[0]);
        out.insert(out.end(), results.tensors().begin(), results.tensors().end());
      }
      return out;
    };
    EXPECT_EQ(test::compare_gradients(f, {random::normal({3, 4, 2}, {.dtype = float64, .seed = 3})}), "");
  }
}

// Sizes at which products take the tiles of AMX where there are any; a NaN stays in its row.
TEST(Recurrent, LargeBatchesAgreeWithFloat64) {
  const Tensor x = sequences({50, 3, 20});
  const std::pair<Layer, Layer> pairs[] = {
      {LSTM(65), LSTM(65, {.dtype = "float64"})},
      {GRU(130), GRU(130, {.dtype = "float64"})},
      {GRU(130, {.reset_after = false}), GRU(130, {.reset_after = false, .dtype = "float64"})},
      {SimpleRNN(140), SimpleRNN(140, {.dtype = "float64"})}};
  for (const auto& [narrow, wide] : pairs) {
    narrow.build(x.shape());
    wide.build(x.shape());
    Tensors weights;
    for (const Tensor& w : narrow.get_weights()) weights.push_back(cast(w, float64));
    wide.set_weights(weights);
    const auto run = [](const Layer& layer, const Tensor& in) {
      GradientTape tape;
      tape.watch(in);
      const Tensor y = layer(in);
      return Tensors{y, tape.gradient(reduce_sum(square(y)), in)};
    };
    const Tensors found = run(narrow, x), wanted = run(wide, cast(x, float64));
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_LT(difference(cast(found[i], float64), wanted[i]), 2e-6 * reduce_max(abs(wanted[i])).item<double>());
    const Tensor bad = fill({1, 3, 20}, std::numeric_limits<float>::quiet_NaN());
    const Tensor spoilt = narrow(concat({Tensor(x[Slice(0, 49)]), bad}, 0));
    EXPECT_LT(difference(spoilt[Slice(0, 49)], found[0][Slice(0, 49)]), 2e-6);
    EXPECT_TRUE(reduce_all(isnan(spoilt[Slice(49, 50)])).item<bool>());
  }
}

TEST(Recurrent, TheNumberOfThreadsChangesNothing) {
  const Tensor x = sequences({33, 5, 8});
  const LSTM lstm(24, {.return_sequences = true});
  const Tensor all = lstm(x);
  for (int row : {0, 7, 32}) EXPECT_EQ(difference(Tensor(lstm(x[Slice(row, row + 1)]))[0], all[row]), 0);
}

TEST(Recurrent, MaskedStepsChangeNothing) {
  const Tensor x = sequences({2, 5, 3});
  for (const Layer& layer : {Layer(LSTM(4)), Layer(GRU(4)), Layer(SimpleRNN(4)), Layer(Bidirectional(GRU(4)))}) {
    const Tensor shorter = layer(x[{Slice(0, None), Slice(0, 3)}]);
    const Tensor padded = concat({x[{Slice(0, None), Slice(0, 3)}], zeros({2, 2, 3})}, 1);
    const Tensor masked = layer(Tensor(Masking()(padded)));
    EXPECT_LT(difference(shorter, masked), 1e-6) << layer.class_name();
  }
}

TEST(Recurrent, MasksTravelThroughLayers) {
  const Embedding embedding(10, 4, {.mask_zero = true});
  const Tensor ids = Tensor({{1, 2, 0, 0}, {3, 4, 5, 0}});
  const Tensor words = embedding(ids);
  ASSERT_TRUE(mask_of(words).defined());
  EXPECT_EQ(mask_of(words).to_vector<bool>(), (std::vector<bool>{1, 1, 0, 0, 1, 1, 1, 0}));
  const Tensor passed = Dropout(0.5)(Dense(3)(words), training = true);
  EXPECT_TRUE(mask_of(passed).defined());
  const Tensor sequence = LSTM(3, {.return_sequences = true})(passed);
  EXPECT_TRUE(mask_of(sequence).defined());
  EXPECT_FALSE(mask_of(Tensor(LSTM(3)(passed))).defined());
  EXPECT_FALSE(mask_of(words + 1.f).defined());
  EXPECT_TRUE(mask_of(Add()({passed, passed})).defined());
  EXPECT_FALSE(mask_of(Conv1D(3, 2)(passed)).defined());
  const Tensor joined = Concatenate({.axis = 1})({passed, passed}),
               beside = Concatenate()({passed, Tensor(ones({2, 4, 3}))});
  EXPECT_EQ(mask_of(joined).shape(), Shape({2, 8}));
  EXPECT_EQ(mask_of(beside).to_vector<bool>(), mask_of(passed).to_vector<bool>());
  const Tensor mean = GlobalAveragePooling1D()(words);
  EXPECT_LT(difference(mean[0], reduce_mean(words[0][Slice(0, 2)], 0)), 1e-6);
  EXPECT_THROW(set_mask(Input({3, 4}), steps_mask()), ValueError);
}

// A functional model finds masks at each run, and a traced one in its program.
TEST(Recurrent, MasksInModels) {
  utils::set_random_seed(3);
  const Tensor in = Input({None}, {.dtype = "int32"});
  const Embedding embedding(10, 4, {.mask_zero = true});
  const Model model(in, Dense(1)(LSTM(6)(embedding(in))));
  const Tensor padded = Tensor({{1, 2, 3, 0, 0}}), plain = Tensor({{1, 2, 3}});
  EXPECT_LT(difference(model(padded), model(plain)), 1e-6);
  auto traced = function([&](const Tensor& ids) { return Tensor(model(ids)); });
  EXPECT_LT(difference(traced(padded), model(plain)), 1e-6);
}

TEST(Recurrent, StatesReturnAndContinue) {
  const Tensor x = sequences({2, 6, 3});
  const LSTM lstm(4, {.return_sequences = true, .return_state = true});
  const auto [all, h, c] = lstm(x).as<3>();
  const auto [first, h1, c1] = lstm(x[{Slice(0, None), Slice(0, 2)}]).as<3>();
  const auto [rest, h2, c2] = lstm(x[{Slice(0, None), Slice(2)}], h1, c1).as<3>();
  EXPECT_LT(difference(concat({first, rest}, 1), all), 1e-6);
  EXPECT_LT(difference(h2, h), 1e-6);
  EXPECT_LT(difference(c2, c), 1e-6);
}

TEST(Recurrent, StatefulLayersContinue) {
  const Tensor x = sequences({2, 6, 3});
  for (const bool unroll : {false, true}) {
    const GRU gru(4, {.stateful = true, .unroll = unroll});
    const Tensor whole = gru(x);
    gru.reset_state();
    gru(x[{Slice(0, None), Slice(0, 3)}]);
    EXPECT_LT(difference(gru(x[{Slice(0, None), Slice(3)}]), whole), 1e-6);
    EXPECT_EQ(gru.weights().size(), 3u);  // states are no weights
    EXPECT_NE(message_of([&] { gru(sequences({3, 6, 3})); }).find("states are for 2"), std::string::npos);
  }
}

TEST(Recurrent, DropoutIsTheSameInEachStep) {
  utils::set_random_seed(1);
  const Tensor x = ones({64, 5, 8});
  for (const Layer& layer : {Layer(SimpleRNN(16, {.activation = "linear", .dropout = 0.5})),
                             Layer(RNN(SimpleRNNCell(16, {.activation = "linear", .dropout = 0.5})))}) {
    layer.build(x.shape());
    Tensors w = layer.get_weights();
    w[1] = zeros_like(w[1]);  // no state: a step shows its own input
    layer.set_weights(w);
    const Tensor y = layer(x, training = true);
    EXPECT_GT(difference(y, layer(x)), 0.01) << layer.class_name();
  }
  const GRU both(6, {.dropout = 0.3, .recurrent_dropout = 0.3});
  EXPECT_TRUE(reduce_all(isfinite(Tensor(both(x, training = true)))).item<bool>());
  EXPECT_EQ(difference(both(x), both(x)), 0);
}

class Sum final : public CustomLayer<Sum>, public RecurrentCell {
 public:
  Tensors call(const Tensor& x, const Tensor& sum) const { return {x + sum, x + sum}; }
  std::vector<std::int64_t> state_size() const override { return {3}; }
};

TEST(Recurrent, CellsOfOnesOwn) {
  const Tensor x = sequences({2, 4, 3});
  EXPECT_LT(difference(RNN(Sum(), {.return_sequences = true})(x), cumsum(x, 1)), 1e-6);
  const Tensor symbolic = RNN(Sum(), {.return_sequences = true})(Input({None, 3}));
  EXPECT_EQ(symbolic.shape(), Shape({None, None, 3}));
}

TEST(Recurrent, ModelsOfUnknownLength) {
  Sequential model({Input({None, 3}), Bidirectional(LSTM(4, {.return_sequences = true})), TimeDistributed(Dense(5)),
                    GRU(6), Dense(1)});
  EXPECT_EQ(model.output_shape(), Shape({None, 1}));
  for (const std::int64_t steps : {1, 3, 8}) EXPECT_EQ(Tensor(model(sequences({2, steps, 3}))).shape(), Shape({2, 1}));
}

TEST(Recurrent, MixedPrecision) {
  const LSTM lstm(8, {.dtype = "mixed_bfloat16"});
  const Tensor x = sequences({2, 3, 4});
  const Tensor y = lstm(x);
  EXPECT_EQ(y.dtype(), bfloat16);
  LSTM wide(8);
  wide.build(x.shape());
  wide.set_weights(lstm.get_weights());
  EXPECT_LT(difference(cast(y, float32), wide(x)), 0.05);
}

TEST(Recurrent, ClonesAndConfigurations) {
  const Bidirectional both(LSTM(3, {.dropout = 0.1, .return_sequences = true}), {.merge_mode = "sum"});
  EXPECT_EQ(Tensor(both.clone()(sequences({2, 4, 2}))).shape(), Shape({2, 4, 3}));
  const Config config = GRU(3, {.recurrent_activation = "hard_sigmoid", .go_backwards = true}).get_config();
  EXPECT_EQ(config.get<std::string>("recurrent_activation"), "hard_sigmoid");
  EXPECT_TRUE(config.get<bool>("go_backwards"));
  EXPECT_TRUE(GRU::from_config(config).get_config() == config);
  // Names of inner layers, as files of Keras have them, give way.
  EXPECT_EQ(TimeDistributed(Dense(2, {.name = "dense"})).layers()[0].name(), "layer");
  EXPECT_EQ(RNN(StackedRNNCells({GRUCell(2, {.name = "gru_cell"})})).layers()[0].name(), "cell");
  const StackedRNNCells stack({GRUCell(2), LSTMCell(3)});
  EXPECT_EQ(stack.clone().state_size(), (std::vector<std::int64_t>{2, 3, 3}));
}

TEST(Recurrent, ErrorsSayWhatToDo) {
  EXPECT_THROW(LSTM(0), ValueError);
  EXPECT_NE(message_of([] { RNN(Dense(3)); }).find("is no cell"), std::string::npos);
  EXPECT_NE(message_of([] { Bidirectional(Dense(3)); }).find("no recurrent layer"), std::string::npos);
  EXPECT_THROW(Bidirectional(LSTM(3), {.merge_mode = "max"}), ValueError);
  EXPECT_NE(message_of([] { Bidirectional(LSTM(3), {.backward_layer = LSTM(3)}); }).find("same direction"),
            std::string::npos);
  EXPECT_NE(message_of([] { LSTM(3)(ones({2, 3})); }).find("sequences"), std::string::npos);
  EXPECT_NE(message_of([] { LSTM(3)(ones({2, 0, 3})); }).find("no steps"), std::string::npos);
  EXPECT_NE(message_of([] { LSTM(3)(ones({2, 4, 3}), ones({2, 3})); }).find("initial states"), std::string::npos);
  EXPECT_NE(message_of([] { TimeDistributed(Dense(3))(ones({2, 3})); }).find("three dimensions"), std::string::npos);
  EXPECT_NE(message_of([] { Masking()(ones({2})); }).find("(batch, steps, features)"), std::string::npos);
}

// An attention layer over an LSTM, trained: which of the steps carries the mark?
// capability: 8.9
TEST(Recurrent, AttentionOverLstmLearns) {
  utils::set_random_seed(5);
  const std::int64_t n = 128, steps = 8;
  const Tensor where_marked = random::randint({n}, 0, steps, {.seed = 4});
  const Tensor values = random::normal({n, steps, 1}, {.seed = 6});
  const Tensor marks = expand_dims(one_hot(where_marked, steps), -1);
  const Tensor x = concat({values, marks}, -1), y = reduce_sum(values * marks, 1);
  const Tensor in = Input({steps, 2});
  const Tensor sequence = LSTM(16, {.return_sequences = true})(in);
  const Tensor looked = Attention({.use_scale = true})({sequence, sequence});
  const Model model(in, Dense(1)(GlobalAveragePooling1D()(looked)));
  model.compile({.optimizer = optimizers::Adam({.learning_rate = 0.02}), .loss = "mse"});
  model.fit(x, y, {.batch_size = 32, .epochs = 30, .verbose = 0});
  EXPECT_LT(model.evaluate(x, y, {.verbose = 0}).at("loss"), 0.3);
}

// capability: 8.5
TEST(Recurrent, DenseWorksOnTheLastAxis) {
  const Dense dense(4);
  const Tensor x = sequences({2, 3, 5, 6});
  const Tensor y = dense(x);
  EXPECT_EQ(y.shape(), Shape({2, 3, 5, 4}));
  EXPECT_LT(difference(y[1][2], dense(x[1][2])), 1e-6);
  EXPECT_LT(difference(TimeDistributed(dense)(x[0]), y[0]), 1e-6);
}

TEST(Recurrent, StatesAndMaskByName) {
  const Tensor x = sequences({2, 3, 4}), h = sequences({2, 5}), c = sequences({2, 5}) * 0.5f;
  const Tensor mask = {{true, true, false}, {true, false, false}};
  const LSTM lstm(5, {.return_state = true});
  EXPECT_LT(difference(Outputs(lstm(x, {.initial_state = {h, c}})).tensors()[0], lstm(x, h, c).tensors()[0]), 1e-6);
  EXPECT_LT(difference(lstm(x, {.mask = mask}).tensors()[2], lstm(x, std::nullopt, std::nullopt, mask).tensors()[2]),
            1e-6);
  const GRU gru(5);
  EXPECT_LT(difference(gru(x, {.initial_state = {h}, .mask = mask}), gru(x, h, mask)), 1e-6);
  EXPECT_GT(difference(gru(x, {.initial_state = {h}, .mask = mask}), gru(x, {.mask = mask})), 1e-3);
  const Bidirectional both(LSTM(5));
  EXPECT_LT(difference(both(x, {.initial_state = {h, c, c, h}}), both(x, h, c, c, h)), 1e-6);
  EXPECT_TRUE(has(message_of([&] {
                    gru(x, {.initial_state = {h, c}});
                  }),
                  "received 2 initial states, expected at most 1"));

  // In a functional model, too.
  const Tensor in = Input({3, 4}), start = Input({5}), carry = Input({5});
  const Model model({in, start, carry}, lstm(in, {.initial_state = {start, carry}}).tensors()[0]);
  EXPECT_LT(difference(model({x, h, c}), lstm(x, h, c).tensors()[0]), 1e-6);
}

TEST(Recurrent, OptionsOfACallOfMultiHeadAttention) {
  const Tensor x = sequences({2, 4, 6}),
               mask = logical_and(Tensor({{true, true, false, false}}), ones({2, 4, 4}, boolean));
  const MultiHeadAttention attend(2, 3);
  auto [y, scores] = attend(x, x, {.attention_mask = mask, .return_attention_scores = true}).as<2>();
  EXPECT_EQ(scores.shape(), (Shape{2, 2, 4, 4}));
  EXPECT_LT(reduce_max(scores[{Ellipsis, Slice(2, 4)}]).item<float>(), 1e-6f);
  EXPECT_LT(difference(y, attend(x, x, std::nullopt, mask)), 1e-6);
  // The options hold for that call alone.
  EXPECT_EQ(attend(x, x).size(), 1u);
  EXPECT_GT(difference(attend(x, x, {.use_causal_mask = true}), attend(x, x)), 1e-4);
}

}  // namespace
}  // namespace strata
