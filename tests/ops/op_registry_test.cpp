// Every op of the registry: infer = run, numeric gradient, traced = eager, round trip of its configuration.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "graph/registry.h"
#include "strata/array.h"
#include "strata/function.h"
#include "strata/tape.h"
#include "tests/support/gradients.h"
#include "tests/support/op_samples.h"

namespace strata::test {

// A family that has no samples file yet has a null address; its ops then fail as ops without samples.
[[gnu::weak]] void samples_math(std::vector<OpSample>& out);
[[gnu::weak]] void samples_reduce(std::vector<OpSample>& out);
[[gnu::weak]] void samples_array(std::vector<OpSample>& out);
[[gnu::weak]] void samples_index(std::vector<OpSample>& out);
[[gnu::weak]] void samples_linalg(std::vector<OpSample>& out);
[[gnu::weak]] void samples_conv(std::vector<OpSample>& out);
[[gnu::weak]] void samples_pool(std::vector<OpSample>& out);
[[gnu::weak]] void samples_norm(std::vector<OpSample>& out);
[[gnu::weak]] void samples_activation(std::vector<OpSample>& out);
[[gnu::weak]] void samples_recurrent(std::vector<OpSample>& out);
[[gnu::weak]] void samples_random(std::vector<OpSample>& out);
[[gnu::weak]] void samples_optimizer(std::vector<OpSample>& out);

namespace {

const std::vector<OpSample>& all_samples() {
  static const std::vector<OpSample> all = [] {
    std::vector<OpSample> out;
    for (auto* family : {&samples_math, &samples_reduce, &samples_array, &samples_index, &samples_linalg, &samples_conv,
                         &samples_pool, &samples_norm, &samples_activation, &samples_recurrent, &samples_random, &samples_optimizer})
      if (family != nullptr) family(out);
    return out;
  }();
  return all;
}

Specs specs_of(const Tensors& tensors) {
  Specs out;
  for (const Tensor& t : tensors) out.push_back({t.shape(), t.dtype()});
  return out;
}

std::string title(const OpSample& s) {
  return std::string(s.op->name()) + " " + s.op->config().to_json() + " on " + describe(specs_of(s.inputs));
}

// Equal where it is known.
bool compatible(const Specs& inferred, const Specs& actual) {
  if (inferred.size() != actual.size()) return false;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (inferred[i].dtype != actual[i].dtype || inferred[i].shape.size() != actual[i].shape.size()) return false;
    for (std::size_t d = 0; d < actual[i].shape.size(); ++d)
      if (inferred[i].shape[d] != None && inferred[i].shape[d] != actual[i].shape[d]) return false;
  }
  return true;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(detail::data_of(a).raw(), detail::data_of(b).raw(), a.bytes()) == 0);
}

// The specs with the first dimension not known: of input `only`, or of all that have as many rows as the first input.
Specs with_symbolic_batch(Specs specs, std::size_t only) {
  const bool all = only == specs.size();
  const Shape lead = specs[0].shape;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    Shape& shape = specs[i].shape;
    if (shape.empty()) continue;
    if (i == only || (all && !lead.empty() && shape[0] == lead[0])) shape[0] = None;
  }
  return specs;
}

TEST(OpRegistry, EveryOpHasSamples) {
  std::set<std::string> sampled;
  for (const OpSample& s : all_samples()) sampled.insert(std::string(s.op->name()));
  for (const OpRow& row : registry().rows())
    EXPECT_TRUE(row.from_config == nullptr || sampled.contains(row.name))
        << "op '" << row.name << "' has no sample: add one to its family's file in tests/ops";
}

TEST(OpRegistry, NamesAreUnique) {
  std::set<std::string> names;
  for (const OpRow& row : registry().rows())
    EXPECT_TRUE(names.insert(row.name).second) << "two ops are named '" << row.name << "'";
}

TEST(OpRegistry, ConfigurationMakesTheOpAgain) {
  for (const OpSample& s : all_samples()) {
    SCOPED_TRACE(title(s));
    const OpRow* row = registry().find(s.op->name());
    ASSERT_NE(row, nullptr);
    if (row->from_config == nullptr) continue;
    const OpPtr again = row->from_config(s.op->config());
    EXPECT_EQ(again->name(), s.op->name());
    EXPECT_TRUE(again->config() == s.op->config());
    if (!s.check_traced) continue;
    const Tensors expected = run_eagerly(*s.op, s.inputs), found = run_eagerly(*again, s.inputs);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_bits(found[i], expected[i])) << "output " << i;
  }
}

TEST(OpRegistry, InferSaysWhatRunGives) {
  for (const OpSample& s : all_samples()) {
    SCOPED_TRACE(title(s));
    Specs inferred, actual;
    ASSERT_NO_THROW(inferred = s.op->infer(specs_of(s.inputs)));
    ASSERT_NO_THROW(actual = specs_of(run_eagerly(*s.op, s.inputs)));
    if (s.op->is_dynamic())
      EXPECT_TRUE(compatible(inferred, actual)) << describe(inferred) << " but " << describe(actual);
    else
      EXPECT_EQ(describe(inferred), describe(actual));
  }
}

TEST(OpRegistry, InferTakesABatchThatIsNotKnown) {
  for (const OpSample& s : all_samples()) {
    SCOPED_TRACE(title(s));
    if (s.inputs.empty()) continue;
    const Specs specs = specs_of(s.inputs), actual = specs_of(run_eagerly(*s.op, s.inputs));
    for (std::size_t only : {std::size_t{0}, specs.size()}) {
      const Specs symbolic = with_symbolic_batch(specs, only);
      Specs inferred;
      ASSERT_NO_THROW(inferred = s.op->infer(symbolic)) << describe(symbolic);
      EXPECT_TRUE(compatible(inferred, actual))
          << describe(symbolic) << " gives " << describe(inferred) << " but " << describe(actual);
    }
  }
}

TEST(OpRegistry, GradientsAreThoseOfFiniteDifferences) {
  for (const OpSample& s : all_samples()) {
    if (!s.check_gradient || !s.op->is_differentiable()) continue;
    SCOPED_TRACE(title(s));
    std::string differences;
    ASSERT_NO_THROW(differences =
                        compare_gradients([&](const Tensors& in) { return apply(s.op, in); }, in_float64(s.inputs)));
    EXPECT_EQ(differences, "");
  }
}

TEST(OpRegistry, TracedIsEager) {
  for (const OpSample& s : all_samples()) {
    if (!s.check_traced || s.inputs.empty()) continue;
    SCOPED_TRACE(title(s));
    const FunctionOptions plain{.disable = {"all"}};
    auto run = [&](const Tensors& in) { return apply(s.op, in); };
    Tensors expected = run(s.inputs), found;
    ASSERT_NO_THROW(found = function(run, plain)(s.inputs));
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_bits(found[i], expected[i])) << "output " << i;
  }
}

TEST(OpRegistry, TracedGradientsAreEagerOnes) {
  for (const OpSample& s : all_samples()) {
    if (!s.check_traced || s.inputs.empty() || !s.op->is_differentiable()) continue;
    SCOPED_TRACE(title(s));
    // The gradients that flow in are the outputs themselves: inside a trace, too, they have the right shape.
    auto run = [&](const Tensors& in) {
      GradientTape tape({.persistent = true});
      Tensors targets, gradients;
      for (const Tensor& t : in)
        if (is_floating(t.dtype())) tape.watch(t);
      for (const Tensor& t : apply(s.op, in))
        if (is_floating(t.dtype())) targets.push_back(t);
      const auto pause = tape.stop_recording();
      for (const Tensor& t : in)
        if (is_floating(t.dtype()))
          gradients.push_back(
              tape.gradient(targets, {t}, {.unconnected_gradients = "zero", .output_gradients = targets})[0]);
      return gradients;
    };
    Tensors expected, found;
    ASSERT_NO_THROW(expected = run(s.inputs));
    ASSERT_NO_THROW(found = function(run, FunctionOptions{.disable = {"all"}})(s.inputs));
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_bits(found[i], expected[i])) << "input " << i;
  }
}

}  // namespace
}  // namespace strata::test
