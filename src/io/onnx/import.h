// From ONNX's operators to strata's ops: one row for each operator, in the files import_<family>.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/exchange/imported_model.h"

namespace strata::onnx {

struct ReadAttribute {
  std::int64_t i = 0;
  double f = 0;
  std::string s;
  std::vector<std::int64_t> ints;
  std::vector<double> floats;
  std::optional<Tensor> tensor;
};

class ImportCall;
using ImportRow = Tensors (*)(const ImportCall&);

struct ReadNode {
  std::string op, name, domain;
  std::vector<std::string> inputs, outputs;
  std::unordered_map<std::string, ReadAttribute> attributes;
  ImportRow row = nullptr;  // instead of the table's: of a node that stands for several of the file
};

// int8, int16 and uint16 are read as int32: `type` is what the file says.
struct ReadInitializer {
  std::string name;
  Tensor value;
  std::int64_t type = 0;
};

struct ReadValue {
  std::string name;
  std::optional<Spec> spec;
};

struct ReadGraph {
  std::string name;
  std::int64_t opset = 0;
  std::vector<ReadNode> nodes;
  std::vector<ReadInitializer> initializers;
  std::vector<ReadValue> inputs, outputs;
};

// Reads a file. Throws FileError where it is damaged, or declares more than `limit` bytes of tensors.
ReadGraph read_graph(const std::string& path, std::uint64_t limit);

// Makes pairs of QuantizeLinear and DequantizeLinear with constant grids one node of fake quantization, and stored
// integers with a DequantizeLinear behind them weights again. Throws ValueError for what is neither.
void join_quantization(const std::string& path, ReadGraph& graph);

class ImportCall : public exchange::NodeCall {
 public:
  ImportCall(const std::string& where, const exchange::Values& in, const ReadNode& node)
      : NodeCall(where, in), node_(node) {}
  std::int64_t integer_attribute(const char* name, std::int64_t otherwise) const;
  double real(const char* name, double otherwise) const;
  std::string text(const char* name, const std::string& otherwise) const;
  Ints ints_attribute(const char* name) const;
  const ReadAttribute* attribute(const char* name) const;
  std::size_t num_outputs() const { return node_.outputs.size(); }
  // Integers that older operator sets have as an attribute and newer ones as input i; empty where there are none.
  Ints ints_or(std::size_t i, const char* name) const;

 private:
  const ReadNode& node_;
};

using ImportTable = std::map<std::string, ImportRow, std::less<>>;

void add_math_rows(ImportTable& t);
void add_nn_rows(ImportTable& t);
void add_quantization_rows(ImportTable& t);
void add_shape_rows(ImportTable& t);
STRATA_API const ImportTable& import_table();

// A DType of ONNX's number. Throws ValueError that names `where` for one that strata does not have.
DType dtype_of(std::int64_t type, const std::string& where);

}  // namespace strata::onnx
