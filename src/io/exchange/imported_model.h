// A model that runs a program read from a file: its nodes are called one after another through strata's public ops, so
// that it runs eagerly, is traced, differentiated and trained as any other.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "graph/op.h"
#include "strata/indexing.h"
#include "strata/model.h"

namespace strata::exchange {

// A value while a program runs. In a trace, small integer values that come from shapes keep `shadow`: what they would
// be for two made-up sizes of what is not known. Where both agree, a value is known after all.
struct Value {
  Tensor tensor;
  std::array<Tensor, 2> shadow;
  Tensor like;        // of a computed shape: the tensor whose shape it is
  int variable = -1;  // of a resource: the number of the variable
};
using Values = std::vector<Value>;

// Sizes that stand for dimensions that are not known.
inline constexpr std::array<std::int64_t, 2> kMadeUp = {1000003, 2000003};

// The inputs of one node, as its row sees them.
class NodeCall {
 public:
  NodeCall(const std::string& where, const Values& in) : where_(where), in_(in) {}
  std::size_t size() const { return in_.size(); }
  bool has(std::size_t i) const { return i < in_.size() && in_[i].tensor.defined(); }
  const Tensor& in(std::size_t i) const;
  const Value& value(std::size_t i) const;
  Tensors all() const;
  // The integers of input i. Throws ValueError where they are not known while the program is traced.
  Ints ints(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;
  // The same as dimensions: None where they are not known.
  Shape dims(std::size_t i) const;
  // x with the dimensions of input i.
  Tensor reshaped(const Tensor& x, std::size_t i) const;
  [[noreturn]] void fail(const std::string& why) const;
  const std::string& where() const { return where_; }

 private:
  const std::string& where_;  // "SavedModel 'net', node 'dense/MatMul' (MatMul)"
  const Values& in_;
};

// Runs a row on values, and on their shadows where that tells more. `row` is called with Values and gives Tensors.
template <class Row>
Values run_row(Row row, const Values& in);
// Whether the shadows of a node's results can be computed from these.
bool can_shadow(const Values& in, const Tensors& out);
Values shadow_inputs(const Values& in, std::size_t which);
// The result of an op that gives the shape of `x`, in dimensions [from, to).
Value shape_value(const Tensor& x, DType dtype, std::int64_t from, std::int64_t to);

// Runs without trace and tapes.
class EagerScope {
 public:
  EagerScope();
  ~EagerScope();

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

template <class Row>
Values run_row(Row row, const Values& in) {
  Values out;
  const Tensors results = row(in);
  for (const Tensor& t : results) out.push_back({t, {}, {}, -1});
  if (!can_shadow(in, results)) return out;
  const EagerScope eager;
  for (std::size_t k = 0; k < 2; ++k) {
    const Tensors shadows = row(shadow_inputs(in, k));
    for (std::size_t i = 0; i < out.size(); ++i) out[i].shadow[k] = shadows[i];
  }
  return out;
}

// What a file holds.
class ImportedProgram {
 public:
  virtual ~ImportedProgram();
  virtual Tensors run(const Tensors& inputs, bool training, const std::vector<Variable>& variables) const = 0;

  struct Weight {
    std::string name;
    Tensor value;
    bool trainable = true;
  };
  std::string name, class_name;
  std::vector<std::string> input_names, output_names;
  Specs inputs;
  std::vector<Weight> weights;  // emptied when the model is made
};

Model make_model(const std::shared_ptr<ImportedProgram>& program);

}  // namespace strata::exchange
