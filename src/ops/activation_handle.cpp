#include <algorithm>
#include <string_view>
#include <utility>

#include "strata/activations.h"
#include "strata/math.h"
#include "strata/nn.h"

namespace strata {
namespace {

using Function = Tensor (*)(const Tensor& x);
struct Row {
  std::string_view name;
  Function function;  // null for "linear"
};

constexpr Row kRows[] = {
    {"celu", [](const Tensor& x) { return nn::celu(x); }},
    {"elu", [](const Tensor& x) { return nn::elu(x); }},
    {"exponential", nn::exponential},
    {"gelu", [](const Tensor& x) { return nn::gelu(x); }},
    {"glu", [](const Tensor& x) { return nn::glu(x); }},
    {"hard_shrink", [](const Tensor& x) { return nn::hard_shrink(x); }},
    {"hard_sigmoid", nn::hard_sigmoid},
    {"hard_silu", nn::hard_silu},
    {"hard_swish", nn::hard_silu},
    {"hard_tanh", nn::hard_tanh},
    {"leaky_relu", [](const Tensor& x) { return nn::leaky_relu(x); }},
    {"linear", nullptr},
    {"log_sigmoid", nn::log_sigmoid},
    {"log_softmax", [](const Tensor& x) { return nn::log_softmax(x); }},
    {"mish", nn::mish},
    {"relu", [](const Tensor& x) { return nn::relu(x); }},
    {"relu6", nn::relu6},
    {"selu", nn::selu},
    {"sigmoid", nn::sigmoid},
    {"silu", nn::silu},
    {"soft_shrink", [](const Tensor& x) { return nn::soft_shrink(x); }},
    {"softmax", [](const Tensor& x) { return nn::softmax(x); }},
    {"softplus", nn::softplus},
    {"softsign", nn::softsign},
    {"sparse_plus", nn::sparse_plus},
    {"sparse_sigmoid", nn::sparse_sigmoid},
    {"sparsemax", [](const Tensor& x) { return nn::sparsemax(x); }},
    {"squareplus", [](const Tensor& x) { return nn::squareplus(x); }},
    {"swish", nn::silu},
    {"tanh", nn::tanh},
    {"tanh_shrink", nn::tanh_shrink},
};

// What "hard_sigmoid" means in files of Keras 2: those that read and write them call it so (serialization/keras2.h).
constexpr Row kKeras2HardSigmoid = {"keras2_hard_sigmoid", [](const Tensor& x) {
                                      return clip(x * Tensor(0.2f) + Tensor(0.5f), Tensor(0.f), Tensor(1.f));
                                    }};

const Row* find(std::string_view name) {
  if (name == kKeras2HardSigmoid.name) return &kKeras2HardSigmoid;
  for (const Row& row : kRows)
    if (row.name == name) return &row;
  return nullptr;
}

using Address = void (*)();
template <class... A>
Address address(Tensor (*function)(A...)) {
  return reinterpret_cast<Address>(function);
}

// The row of one of strata's functions, so that `nn::relu` is as good as "relu"; null for another.
const Row* find(Address function) {
  static const std::pair<Address, std::string_view> known[] = {
      {address(nn::celu), "celu"},
      {address(nn::elu), "elu"},
      {address(nn::gelu), "gelu"},
      {address(nn::glu), "glu"},
      {address(nn::hard_shrink), "hard_shrink"},
      {address(nn::leaky_relu), "leaky_relu"},
      {address(nn::log_softmax), "log_softmax"},
      {address(nn::relu), "relu"},
      {address(nn::soft_shrink), "soft_shrink"},
      {address(nn::softmax), "softmax"},
      {address(nn::sparsemax), "sparsemax"},
      {address(nn::squareplus), "squareplus"},
      {address(strata::sigmoid), "sigmoid"},
      {address(strata::tanh), "tanh"},
  };
  for (const auto& [pointer, name] : known)
    if (pointer == function) return find(name);
  for (const Row& row : kRows)
    if (row.function != nullptr && address(row.function) == function) return &row;
  return nullptr;
}

// How many letters must be inserted, removed or replaced to make b of a.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

[[noreturn]] void throw_unknown(const std::string& name) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const Row& row : kRows) near.emplace_back(edit_distance(name, row.name), row.name);
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text = "ActivationFunction: there is none named \"" + name + "\".";
  if (near[0].first <= 3) {
    text += " Did you mean";
    for (std::size_t i = 0; i < 3 && near[i].first <= 3; ++i)
      text += (i == 0 ? " \"" : ", \"") + std::string(near[i].second) + "\"";
    text += "?";
  }
  text += " All names:";
  for (const Row& row : kRows) text += " " + std::string(row.name);
  throw ValueError(text + ".");
}

}  // namespace

ActivationFunction::ActivationFunction(Tensor (*function)(const Tensor&)) {
  const Row* known = find(address(function));
  if (known != nullptr)
    *this = ActivationFunction(std::string(known->name));
  else
    *this = ActivationFunction([function](const Tensor& x) { return function(x); });
}

ActivationFunction::ActivationFunction(void (*function)()) {
  const Row* known = find(function);
  if (known == nullptr)
    throw ValueError(
        "activation: a function with options of its own was given that is not one of strata's activations. Wrap it in "
        "a lambda: [](const Tensor& x) { return f(x, options); }.");
  *this = ActivationFunction(std::string(known->name));
}

ActivationFunction::ActivationFunction(const char* name) : ActivationFunction(std::string(name)) {}

ActivationFunction::ActivationFunction(const std::string& name) : name_(name) {
  if (name.empty()) return;
  const Row* row = find(name);
  if (row == nullptr) throw_unknown(name);
  if (row->function == nullptr) return;
  call_ = [](const void* f, const Tensor& x) { return static_cast<const Row*>(f)->function(x); };
  table_row_ = row;
}

Tensor ActivationFunction::operator()(const Tensor& x) const {
  if (call_ == nullptr) return x;
  return call_(function_ != nullptr ? function_.get() : table_row_, x);
}

const std::string& ActivationFunction::name() const {
  static const std::string none = "linear";
  return name_.empty() ? none : name_;
}

Config::Value ActivationFunction::to_config_value() const {
  if (is_callable())
    throw ValueError(
        "ActivationFunction: a callable has no name under which a file could keep it. Use one of Keras's names, or "
        "write a "
        "layer of your own with get_config().");
  return name();
}

ActivationFunction ActivationFunction::from_config_value(const Config::Value& value) {
  return value.is_none() ? ActivationFunction() : ActivationFunction(value.as_string());
}

std::vector<std::string> activations::names() {
  std::vector<std::string> out;
  for (const Row& row : kRows) out.emplace_back(row.name);
  return out;
}

}  // namespace strata
