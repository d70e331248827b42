// NodeWriter: NodeDefs of a function or of the main graph.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/saved_model/proto.h"

namespace strata::saved_model {

using Names = std::vector<std::string>;
using Attributes = std::vector<std::pair<std::string, std::string>>;  // serialized AttrValues
using Ints = std::vector<std::int64_t>;

class NodeWriter {
 public:
  // Nodes made from now on belong to this layer path: it stands in their names.
  void set_scope(const std::string& scope) { scope_ = scope; }
  // Gives the name of the node, made unique. Attributes may be in any order.
  std::string add(const std::string& op, const Names& inputs, const Attributes& attributes = {},
                  const std::string& name = "");
  // A constant, as a reference for functions: "Const_1:output:0". Small equal ones are stored once.
  std::string constant(const Tensor& value);
  // Serialized NodeDefs, in order.
  const std::vector<std::string>& nodes() const { return nodes_; }
  void reserve(const std::string& name) { taken_[name] = 1; }

 private:
  std::string scope_;
  std::vector<std::string> nodes_;
  std::unordered_map<std::string, int> taken_;
  std::unordered_map<std::string, std::string> constants_;
};

}  // namespace strata::saved_model
