// The objects of a SavedModel: the tree of layers with their variables, and the functions with their signatures.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/saved_model/proto.h"
#include "strata/variable.h"

namespace strata::saved_model {

// StructuredValues: how Python's arguments and results are made of tensors.
namespace structured {
std::string none();
std::string boolean(bool v);
std::string text(const std::string& v);
std::string spec(const std::string& name, const Spec& s);
std::string list(const std::vector<std::string>& values);
std::string tuple(const std::vector<std::string>& values);
std::string dict(const std::vector<std::pair<std::string, std::string>>& fields);
// A FunctionSpec of functions that take these arguments; the last ones have these defaults.
std::string function_spec(const std::vector<std::string>& arguments, const std::vector<std::string>& defaults);
}  // namespace structured

class ObjectGraph {
 public:
  ObjectGraph() { nodes_.emplace_back(user_object("_generic_user_object")); }

  // The numbers of nodes. The root is 0. Nodes along a path of names are made where they are missing.
  int object(const std::string& path);
  int variable(const std::string& path, const Variable& v, bool trainable);
  int list(int parent, const std::string& name, const std::vector<int>& elements);
  // A function with several concrete functions, chosen by the arguments.
  void function(const std::string& name, const std::vector<std::string>& concrete, const std::string& spec);
  void signature(const std::string& name, const std::string& concrete, const std::vector<std::string>& keywords);
  void concrete(const std::string& name, const std::vector<int>& bound, const std::string& inputs,
                const std::string& outputs);

  // A SavedObjectGraph, and the TrackableObjectGraph that checkpoints keep.
  std::string saved_bytes() const;
  std::string checkpoint_bytes() const;

  static std::string checkpoint_key(const std::string& path);

 private:
  struct Node {
    explicit Node(std::string kind) : kind(std::move(kind)) {}
    std::string kind;  // serialized fields beside the children
    std::vector<std::pair<int, std::string>> children;
    std::string variable;  // its path, for a variable
  };
  static std::string user_object(const std::string& identifier);
  int add(int parent, const std::string& name, const std::string& kind);
  int child(int parent, const std::string& name) const;  // -1 where there is none

  std::vector<Node> nodes_;
  std::vector<std::pair<std::string, std::string>> concrete_;
};

}  // namespace strata::saved_model
