// What load() reads of saved_model.pb: functions, objects and signatures. Every length, number and depth is checked.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/op.h"
#include "io/protobuf.h"
#include "io/saved_model/proto.h"

namespace strata::saved_model {

struct NodeDef {
  std::string name, op;
  std::vector<std::string> inputs;
  std::unordered_map<std::string, protozero::data_view> attributes;  // AttrValues, in the bytes of the file
};

struct FunctionDef {
  std::string name;
  std::vector<std::string> inputs, outputs;  // names of the arguments
  std::vector<NodeDef> nodes;
  std::unordered_map<std::string, std::string> results;  // by output argument
  std::vector<std::string> effects;                      // nodes that must run
};

// A tensor, or a constant, among the arguments and results of a function.
struct Leaf {
  std::string key, name;  // the key where it is part of a dict
  std::optional<Spec> spec;
  std::optional<bool> boolean;
};

struct ConcreteFunction {
  std::vector<int> bound;  // numbers of objects
  std::vector<Leaf> inputs, outputs;
};

struct SavedObject {
  enum class Kind { other, variable, function, bare_function, constant, asset } kind = Kind::other;
  std::vector<std::pair<int, std::string>> children;
  std::vector<std::string> concrete;  // of functions
  std::string name;                   // of variables
  Spec spec;
  bool trainable = true;
};

struct SavedModelFile {
  std::string path;
  std::string bytes;  // to which the views point
  std::unordered_map<std::string, FunctionDef> functions;
  std::vector<SavedObject> objects;
  std::unordered_map<std::string, ConcreteFunction> concrete;

  // The number of an object, by names from the root; -1 where there is none.
  int find(const std::vector<std::string>& path) const;
};

std::unique_ptr<SavedModelFile> read_saved_model(const std::string& path, std::uint64_t limit);

// The keys of variables: for each object of the file that is one, its key in the tensor bundle.
std::unordered_map<int, std::string> checkpoint_keys(const SavedModelFile& file, const std::string& checkpoint_graph);

}  // namespace strata::saved_model
