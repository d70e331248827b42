#include <filesystem>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "core/file.h"
#include "io/exchange/traced_model.h"
#include "io/protobuf.h"
#include "io/saved_model/bundle.h"
#include "io/saved_model/export.h"
#include "io/saved_model/main_graph.h"
#include "io/saved_model/object_graph.h"
#include "strata/saved_model.h"
#include "strata/version.h"

namespace strata::saved_model {

namespace {

namespace fs = std::filesystem;

constexpr const char* kInference = "__inference_call";
constexpr const char* kTraining = "__inference_call_training";
constexpr const char* kServe = "__inference_serve";
constexpr const char* kServeTraining = "__inference_serve_training";
constexpr const char* kSignature = "__inference_signature_wrapper_serving_default";

// TensorFlow's names of arguments are words.
std::string word(std::string name) {
  for (char& ch : name)
    if (!std::isalnum(static_cast<unsigned char>(ch))) ch = '_';
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) name = "x" + name;
  return name;
}

// Everything about a model that goes into the file.
class Writer {
 public:
  explicit Writer(const Model& model) : model_(model), weights_(model.weights()) {
    names_ = exchange::variable_names(model, weights_);
    add_variables();
    const exchange::TracedModel inference = trace(false, kInference), training = trace(true, kTraining);
    inputs_ = inference.input_names;
    outputs_ = inference.output_names;
    for (std::string& n : inputs_) n = word(n);
    input_specs_ = specs_of(*inference.graph, inference.graph->inputs);
    output_specs_ = specs_of(*inference.graph, inference.graph->outputs);
    add_functions();
  }

  std::string saved_model_bytes() const;
  std::vector<std::pair<std::string, Tensor>> tensors() const {
    std::vector<std::pair<std::string, Tensor>> out;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      out.emplace_back(ObjectGraph::checkpoint_key(names_[i]), weights_[i].read());
    return out;
  }
  std::string checkpoint_graph() const { return objects_.checkpoint_bytes(); }

 private:
  static Specs specs_of(const Graph& graph, const std::vector<int>& values) {
    Specs out;
    for (const int v : values) out.push_back(graph.values[static_cast<std::size_t>(v)]);
    return out;
  }

  void add_variables() {
    std::vector<int> all, trainable, fixed;
    std::unordered_set<const void*> trained;  // without those of frozen layers
    for (const Variable& v : model_.trainable_weights()) trained.insert(v.state().get());
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const bool is_trainable = trained.contains(weights_[i].state().get());
      const int number = objects_.variable(names_[i], weights_[i], is_trainable);
      numbers_[weights_[i].state().get()] = number;
      index_[weights_[i].state().get()] = i;
      all.push_back(number);
      (is_trainable ? trainable : fixed).push_back(number);
    }
    objects_.list(0, "variables", all);
    objects_.list(0, "trainable_variables", trainable);
    objects_.list(0, "non_trainable_variables", fixed);
  }

  exchange::TracedModel trace(bool training, const char* name) {
    exchange::TracedModel traced = exchange::trace_model(model_, training, "save");
    std::vector<std::string> inputs, outputs;
    for (std::size_t i = 0; i < traced.input_names.size(); ++i) inputs.push_back("inputs_" + std::to_string(i));
    for (std::size_t i = 0; i < traced.output_names.size(); ++i) outputs.push_back("result_" + std::to_string(i));
    functions_.push_back(export_function(*traced.graph, model_.path(), {name, inputs, outputs}));
    for (const auto* v : functions_.back().captured)
      if (!numbers_.contains(v))
        throw ValueError("save: " + model_.class_name() + " '" + model_.path() + "' uses the variable '" + v->name +
                         "', which no layer of it declares. Declare it with weight(\"" + v->name + "\").");
    return traced;
  }

  std::vector<int> bound(const ExportedFunction& f) const {
    std::vector<int> out;
    for (const auto* v : f.captured) out.push_back(numbers_.at(v));
    return out;
  }

  std::string inputs_argument() const {
    std::vector<std::string> specs;
    for (std::size_t i = 0; i < inputs_.size(); ++i) specs.push_back(structured::spec(inputs_[i], input_specs_[i]));
    return specs.size() == 1 ? specs[0] : structured::list(specs);
  }
  std::string results() const {
    std::vector<std::string> specs;
    for (std::size_t i = 0; i < outputs_.size(); ++i) specs.push_back(structured::spec(outputs_[i], output_specs_[i]));
    return specs.size() == 1 ? specs[0] : structured::list(specs);
  }
  static std::string call_of(const std::vector<std::string>& positional) {
    return structured::tuple({structured::tuple(positional), structured::dict({})});
  }

  void add_functions() {
    const std::string inputs = inputs_argument(), outputs = results(), no = structured::boolean(false);
    const ExportedFunction inference = functions_[0], training = functions_[1];
    objects_.concrete(kInference, bound(inference), call_of({inputs, no}), outputs);
    objects_.concrete(kTraining, bound(training), call_of({inputs, structured::boolean(true)}), outputs);
    objects_.function("__call__", {kInference, kTraining}, structured::function_spec({"inputs", "training"}, {no}));

    add_wrapper(kServe, inference);
    objects_.concrete(kServe, bound(inference), call_of({inputs}), outputs);
    objects_.function("serve", {kServe}, structured::function_spec({"inputs"}, {}));
    add_wrapper(kServeTraining, training);
    objects_.concrete(kServeTraining, bound(training), call_of({inputs}), outputs);
    objects_.function("serve_training", {kServeTraining}, structured::function_spec({"inputs"}, {}));

    add_wrapper(kSignature, inference);
    std::vector<std::pair<std::string, std::string>> keywords, named;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      keywords.emplace_back(inputs_[i], structured::spec(inputs_[i], input_specs_[i]));
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      named.emplace_back(outputs_[i], structured::spec(outputs_[i], output_specs_[i]));
    objects_.concrete(kSignature, bound(inference),
                      structured::tuple({structured::tuple({}), structured::dict(keywords)}), structured::dict(named));
    objects_.signature("serving_default", kSignature, inputs_);
  }

  // Keyword arguments of a signature are sorted by their names, the variables follow.
  void add_wrapper(const std::string& name, const ExportedFunction& inner) {
    functions_.push_back(
        wrap_function(name, inner, {inputs_, input_specs_, outputs_, output_specs_, name == kSignature}));
  }

  const Model& model_;
  std::vector<Variable> weights_;
  std::vector<std::string> names_, inputs_, outputs_;
  Specs input_specs_, output_specs_;
  ObjectGraph objects_;
  std::unordered_map<const void*, int> numbers_;
  std::unordered_map<const void*, std::size_t> index_;
  std::vector<ExportedFunction> functions_;
};

std::string Writer::saved_model_bytes() const {
  MainGraph main;
  for (std::size_t i = 0; i < weights_.size(); ++i)
    main.variables.push_back(
        {names_[i], ObjectGraph::checkpoint_key(names_[i]), weights_[i].dtype(), weights_[i].shape()});
  main.inputs = {inputs_, input_specs_, outputs_, output_specs_, true};
  main.function = kSignature;
  for (const auto* v : functions_[0].captured) main.captured.push_back(index_.at(v));
  for (const ExportedFunction& f : functions_) main.functions.push_back(f.bytes);
  main.objects = objects_.saved_bytes();
  return saved_model_file(main);
}

void write_file(const fs::path& path, const std::string& bytes) {
  AtomicFile file(path.string());
  file.write(bytes.data(), bytes.size());
  file.commit();
}

// A number by which TensorFlow's tools tell one SavedModel from another.
std::string fingerprint() {
  std::random_device random;
  std::string number;
  for (int i = 0; i < 38; ++i) number += static_cast<char>('0' + (i == 0 ? 1 + random() % 9 : random() % 10));
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(7, number);
  return bytes;
}

}  // namespace

bool is_saved_model(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::path(path) / "saved_model.pb", ignored);
}

void save(const Model& model, const std::string& directory) {
  fs::path path(directory);
  if (!path.has_filename()) path = path.parent_path();
  if (path.empty()) throw ValueError("save: the path is empty.");
  std::error_code error;
  if (fs::exists(path, error) && !is_saved_model(path.string()) && !(fs::is_directory(path) && fs::is_empty(path)))
    throw FileError("save: '" + directory + "' exists and is no SavedModel; it is left as it is. Choose another name.");
  const Writer writer(model);
  const std::string bytes = writer.saved_model_bytes();
  AtomicFolder folder(path.string(), {"saved_model.pb", "fingerprint.pb", "keras_metadata.pb", "variables", "assets"});
  write_bundle(folder.path("variables/variables"), writer.tensors(), writer.checkpoint_graph());
  write_file(folder.path("fingerprint.pb"), fingerprint());
  write_file(folder.path("saved_model.pb"), bytes);
  fs::create_directories(folder.path("assets"), error);
  folder.commit();
}

}  // namespace strata::saved_model
