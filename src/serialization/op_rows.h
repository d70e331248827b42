// The operators between layers of functional models: strata's ops, Keras 3's classes, TensorFlow's functions.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "strata/config.h"
#include "strata/tensor.h"

namespace strata {

// What makes an operator's call: its operands as tensors, what else comes by position, its options by name.
struct OpCall {
  std::string name;
  Tensors operands;
  Config::Value::List positions;  // of arguments that are no tensors, last those of the call
  Config options;

  // Throws ValueError where there are fewer.
  const Tensor& operand(std::size_t i) const;
  // The first of these options that has a value.
  std::optional<Config::Value> option(std::initializer_list<const char*> names) const;
  std::int64_t integer(const char* name, std::int64_t otherwise) const;
  double real(const char* name, double otherwise) const;
  std::vector<std::int64_t> integers(std::initializer_list<const char*> names) const;
};

struct KerasOp {
  const char* name;    // strata's
  const char* module;  // of Keras 3, below keras.src.ops
  const char* keras3;  // class
  const char* keras2;  // function of TensorFlow; null where TFOpLambda is not written
  Tensor (*call)(const OpCall& c);
};

// Split of Keras 3 and tf.split, which give several results.
Tensors split_op(const OpCall& c);
// The row by which an op of strata is written; null where there is none.
const KerasOp* find_keras_op(std::string_view name);
// Those by which files are read.
const KerasOp* find_keras3_op(const std::string& class_name, const std::string& module);
const KerasOp* find_keras2_op(const std::string& function);

}  // namespace strata
