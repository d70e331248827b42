// GraphWriter: builds an ONNX graph, node by node, and writes it as a ModelProto.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "graph/op.h"
#include "io/onnx/external_data.h"
#include "strata/tensor.h"

namespace strata::onnx {

using Ints = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

struct Attribute {
  std::string name;
  std::variant<std::int64_t, double, std::string, Ints, Tensor> value;
};
using Attributes = std::vector<Attribute>;

struct WrittenNode {
  std::string op, name;
  Names inputs, outputs;
  Attributes attributes;
};

class GraphWriter {
 public:
  // Nodes made from now on belong to this layer path: it stands in their names.
  void set_scope(const std::string& scope) { scope_ = scope; }

  // A node with one output; gives the name of the output.
  std::string node(const std::string& op, const Names& inputs, const Attributes& attributes = {});
  Names nodes(const std::string& op, const Names& inputs, std::size_t outputs, const Attributes& attributes = {});

  // Initializers. Equal lists and numbers are stored once.
  std::string ints(const Ints& values);
  std::string scalar(double value, DType dtype);
  std::string tensor(const Tensor& value, const std::string& name);
  // The bytes of a uint8 tensor as signed numbers of 8 bits, which tensors have no type for.
  std::string signed_bytes(const Tensor& value, const std::string& name);

  void input(const std::string& name, const Spec& spec);
  // Makes `name` the name of a result. Values that have several roles get an Identity node.
  void output(const std::string& name, const std::string& value, const Spec& spec);

  std::vector<WrittenNode>& all_nodes() { return nodes_; }

  struct Header {
    std::string graph_name, producer_version, doc_string;
    std::vector<std::pair<std::string, std::string>> metadata;
    int ir_version = 8, opset = 18;
  };
  // Tensors of some size go into the second file, where there is one.
  std::string serialize(const Header& header, ExternalWriter& outside) const;
  std::uint64_t bytes_of_initializers() const;

 private:
  struct Value {
    std::string name;
    Spec spec;
  };
  struct Initializer {
    std::string name;
    Tensor value;
    int data_type;
  };
  std::string fresh(const std::string& stem);
  void rename(const std::string& from, const std::string& to);
  std::string graph_bytes(const std::string& name, ExternalWriter& outside) const;

  std::string scope_;
  std::vector<WrittenNode> nodes_;
  std::vector<Initializer> initializers_;
  std::unordered_map<std::string, std::string> constants_;  // by content
  std::unordered_set<std::string> taken_, fixed_;           // names; those of inputs, outputs and initializers
  std::unordered_map<std::string, int> next_number_;
  std::vector<Value> inputs_, outputs_;
};

}  // namespace strata::onnx
