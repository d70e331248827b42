// Drawings of models: Graphviz's text, and its program.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/atomic_file.h"
#include "models/model_graph.h"
#include "report/html.h"
#include "strata/understanding.h"

extern char** environ;

namespace strata::utils {

namespace {

std::string shapes_text(const Specs& specs) {
  std::string out;
  for (const Spec& s : specs) out += (out.empty() ? "" : ", ") + to_string(s.shape);
  return out.empty() ? "?" : out;
}

// Pale colours that tell kinds apart: what has kernels, what normalizes, what pools, what joins, the rest.
const char* fill_of(const ModelNode& node) {
  const std::string& c = node.class_name;
  const auto has = [&](const char* part) { return c.find(part) != std::string::npos; };
  if (node.kind == ModelNode::Kind::input) return "#e8e8e8";
  if (node.kind == ModelNode::Kind::op) return "#f7f7f7";
  if (has("Normalization")) return "#f3e3ef";
  if (has("Pooling")) return "#d9efe6";
  if (has("Concatenate") || has("Add") || has("Multiply")) return "#fdeccc";
  if (has("Dropout") || has("Flatten") || has("Reshape") || has("Activation")) return "#f0f0e4";
  return node.layer != nullptr && !node.layer->weights.empty() ? "#d6e6f5" : "#e3edf6";
}

// From the layer's configuration, which the handle that its parent holds knows.
std::string activation_of(const ModelNode& node) {
  const auto parent = node.layer != nullptr ? node.layer->parent.lock() : nullptr;
  if (parent == nullptr) return {};
  for (const auto& child : parent->children) {
    if (child.layer.state() != node.layer) continue;
    const Config config = child.layer.get_config();
    const Config::Value* value = config.find("activation");
    if (value != nullptr && value->kind() == Config::Value::Kind::string) return value->as_string();
  }
  return {};
}

class DotWriter {
 public:
  DotWriter(const ModelGraph& graph, const PlotModelOptions& options) : graph_(graph), options_(options) {}

  std::string write() {
    out_ = fmt::format(
        "digraph \"{}\" {{\n  graph [rankdir={}, dpi={}, fontname=\"DejaVu Sans\", ranksep=0.35, nodesep=0.3];\n"
        "  node [shape=plain, fontname=\"DejaVu Sans\", fontsize=10];\n  edge [color=\"#666666\", arrowsize=0.7];\n",
        html::escaped(graph_.name), options_.rankdir, options_.dpi);
    write_cluster(-1, "  ");
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      for (int from : graph_.nodes[i].from) out_ += fmt::format("  n{} -> n{};\n", from, i);
    return out_ + "}\n";
  }

 private:
  void write_cluster(int cluster, const std::string& indent) {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (graph_.nodes[i].cluster == cluster)
        out_ += fmt::format("{}n{} [label=<{}>];\n", indent, i, label_of(graph_.nodes[i]));
    for (std::size_t c = 0; c < graph_.clusters.size(); ++c) {
      if (graph_.clusters[c].parent != cluster) continue;
      out_ += fmt::format(
          "{}subgraph cluster_{} {{\n{}  label=\"{} ({})\"; style=\"rounded\"; color=\"#999999\"; "
          "fontsize=10;\n",
          indent, c, indent, html::escaped(graph_.clusters[c].name), html::escaped(graph_.clusters[c].class_name));
      write_cluster(static_cast<int>(c), indent + "  ");
      out_ += indent + "}\n";
    }
  }

  std::string label_of(const ModelNode& node) const {
    std::string head = "<b>" + html::escaped(node.class_name) + "</b>";
    if (options_.show_layer_names || node.kind == ModelNode::Kind::input)
      head = "<b>" + html::escaped(node.name) + "</b> (" + html::escaped(node.class_name) + ")";
    std::string rows = row(head);
    if (options_.show_layer_activations)
      if (const std::string a = activation_of(node); !a.empty())
        rows += row("activation: <b>" + html::escaped(a) + "</b>");
    if (options_.show_shapes) rows += row("in: " + shapes_text(node.inputs)) + row("out: " + shapes_text(node.outputs));
    if (options_.show_dtype && !node.outputs.empty()) rows += row("dtype: " + to_string(node.outputs[0].dtype));
    if (options_.show_trainable && node.layer != nullptr && !node.layer->weights.empty())
      rows += row(*node.layer->trainable ? "trainable" : "not trainable");
    return fmt::format(
        "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"5\" color=\"#777777\" "
        "bgcolor=\"{}\">{}</table>",
        fill_of(node), rows);
  }

  static std::string row(const std::string& text) { return "<tr><td>" + text + "</td></tr>"; }

  const ModelGraph& graph_;
  const PlotModelOptions& options_;
  std::string out_;
};

void check_options(const PlotModelOptions& o) {
  static const std::set<std::string> directions = {"TB", "LR", "BT", "RL"};
  if (!directions.contains(o.rankdir))
    throw ValueError("plot_model: rankdir is \"" + o.rankdir + "\". Use \"TB\", \"LR\", \"BT\" or \"RL\".");
  if (o.dpi < 10 || o.dpi > 2400) throw ValueError(fmt::format("plot_model: dpi is {}; give 10 to 2400.", o.dpi));
}

// Runs `dot` on a file; throws where it cannot or fails.
void run_dot(const std::string& dot_file, const std::string& format, const std::string& to_file) {
  const std::string type = "-T" + format;
  std::string words[] = {"dot", type, dot_file, "-o", to_file};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "dot", nullptr, nullptr, arguments, environ);
  int status = 0;
  if (error == 0)
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  if (error != 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
    throw Error("plot_model: Graphviz's program `dot` is not there (" + std::string(std::strerror(error)) +
                "). Install it (Debian: apt-get install graphviz), or save as .dot.");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw FileError(fmt::format("plot_model: `dot` could not write '{}' (status {}).", to_file, status));
}

}  // namespace

std::string model_to_dot(const Model& model, const PlotModelOptions& options) {
  check_options(options);
  const ModelGraph graph = model_graph(model, options.expand_nested);
  return DotWriter(graph, options).write();
}

void plot_model(const Model& model, const PlotModelOptions& options) {
  const std::string dot = model_to_dot(model, options);
  const std::size_t point = options.to_file.rfind('.');
  const std::string ending = point == std::string::npos ? "" : options.to_file.substr(point + 1);
  static const std::set<std::string> endings = {"png", "svg", "pdf", "dot"};
  if (!endings.contains(ending))
    throw ValueError("plot_model: '" + options.to_file + "' ends neither in .png, .svg, .pdf nor .dot.");
  std::string path = options.to_file;
  if (ending != "dot") {
    path = (std::filesystem::temp_directory_path() / "strata_model_XXXXXX").string();
    const int file = mkstemp(path.data());
    if (file < 0) throw FileError("plot_model: cannot write '" + path + "': " + std::strerror(errno) + ".");
    ::close(file);
  }
  {
    AtomicFile file(path);
    file.write(dot.data(), dot.size());
    file.commit();
  }
  if (ending == "dot") return;
  try {
    run_dot(path, ending, options.to_file);
  } catch (...) {
    std::filesystem::remove(path);
    throw;
  }
  std::filesystem::remove(path);
}

}  // namespace strata::utils
