// From TensorFlow's ops to strata's: one row for each op, in the files import_<family>.cpp.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/exchange/imported_model.h"
#include "io/saved_model/reader.h"

namespace strata::saved_model {

// A node that is ready to run: its inputs are found, its attributes within reach.
class ImportCall : public exchange::NodeCall {
 public:
  ImportCall(const std::string& where, const exchange::Values& in, const NodeDef& node)
      : NodeCall(where, in), node_(node) {}
  std::int64_t integer_attribute(const char* name, std::int64_t otherwise) const;
  bool flag(const char* name, bool otherwise) const;
  double real(const char* name, double otherwise) const;
  std::string text(const char* name, const std::string& otherwise) const;
  Ints ints_attribute(const char* name) const;
  DType type(const char* name) const;
  // Throws unless images are channels last.
  void require_channels_last() const;

 private:
  const protozero::data_view* find(const char* name) const;
  const NodeDef& node_;
};

struct ImportRow {
  Tensors (*run)(const ImportCall&) = nullptr;
  std::vector<std::string> outputs;  // the names of the results, where there are several
};

using ImportTable = std::map<std::string, ImportRow, std::less<>>;

void add_math_rows(ImportTable& t);
void add_nn_rows(ImportTable& t);
void add_shape_rows(ImportTable& t);
STRATA_API const ImportTable& import_table();

// The functions of a file, and which of them a model calls.
class SavedModelProgram final : public exchange::ImportedProgram {
 public:
  SavedModelProgram(std::unique_ptr<SavedModelFile> file, std::uint64_t limit);
  Tensors run(const Tensors& inputs, bool training, const std::vector<Variable>& variables) const override;

  // By number of the object: the number of the variable.
  std::unordered_map<int, int> variable_numbers;
  std::string inference, training;  // names of functions

  // Makes a function, and those that it calls, ready. Throws ValueError for an op without a row.
  void prepare(const std::string& function, int depth = 0);

 private:
  struct Source {
    int node = -1;  // or an argument
    int output = 0;
  };
  enum class Kind { row, nothing, constant, read, assign, add, subtract, shape, size, call, random, gather };
  struct Step {
    const NodeDef* node = nullptr;
    Kind kind = Kind::row;
    const ImportRow* row = nullptr;
    std::string where, callee;
    Tensor value;  // of a constant
    std::vector<Source> in;
  };
  struct Ready {
    std::vector<Step> steps;
    std::vector<Source> results;
    std::uint64_t work = 0;  // steps with those of the functions that are called
  };
  class Preparation;
  exchange::Values run_function(const Ready& f, const exchange::Values& arguments,
                                const std::vector<Variable>& variables) const;
  exchange::Values run_step(const Step& step, const exchange::Values& in, const std::vector<Variable>& variables) const;

  std::unique_ptr<SavedModelFile> file_;
  std::uint64_t limit_;
  std::map<std::string, Ready> ready_;
};

}  // namespace strata::saved_model
