// One call of a layer or op inside of a functional model, as {args, kwargs} or in the lists of Keras 2.
#pragma once

#include <optional>
#include <string>

#include "graph/symbolic.h"
#include "serialization/serialize.h"
#include "strata/call.h"

namespace strata {

// Where a tensor comes from: [name, call, output].
struct HistoryOf {
  const void* self;
  Config::Value::List (*find)(const void* self, const Tensor& tensor);
  Config::Value::List operator()(const Tensor& t) const { return find(self, t); }
};
// The tensor of a call that has been made; undefined before.
struct ResultOf {
  const void* self;
  Tensor (*find)(const void* self, const std::string& name, std::int64_t call, std::int64_t output);
  Tensor operator()(const std::string& name, std::int64_t call, std::int64_t output) const {
    return find(self, name, call, output);
  }
};

Config::Value serialize_call(const SymbolicNode& node, const HistoryOf& history, KerasStyle style);
// The arguments; none where one of the tensors is not there yet. `layer` is null for ops.
std::optional<CallArguments> deserialize_call(const Config::Value& value, const std::string& class_name,
                                              const Layer* layer, const ResultOf& result);

}  // namespace strata
