#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/contents.h"
#include "serialization/json.h"
#include "strata/strata.h"

namespace strata::cli {

namespace {

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1024 / 1024);
}

std::string shortened(const std::string& path, int depth) {
  std::size_t at = 0;
  for (int i = 0; i < depth; ++i) {
    at = path.find('/', at);
    if (at == std::string::npos) return path;
    ++at;
  }
  return path.substr(0, at - 1) + "/...";
}

std::string model_text(const std::string& json, const std::string& path) {
  const Config config = parse_config_json(json, "'" + path + "', configuration").as_map();
  const Config inner = config.get<Config>("config", Config());
  std::string out = config.get<std::string>("class_name", "?");
  if (const std::string name = inner.get<std::string>("name", ""); !name.empty()) out += " '" + name + "'";
  if (const auto* layers = inner.find("layers"); layers != nullptr && layers->kind() == Config::Value::Kind::list)
    out += fmt::format(", {} layers", layers->as_list().size());
  return out;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.size() == 0) return 0;
  return reduce_max(abs(cast(a, float64) - cast(b, float64))).item<double>();
}

}  // namespace

int show(std::ostream& out, const std::string& path, const ShowOptions& options) {
  const Contents contents(path);
  const std::string config = contents.text("model_config");
  if (options.config) {
    if (config.empty()) throw ValueError("'" + path + "' holds no configuration, only weights.");
    out << config << '\n';
    return 0;
  }
  out << path << ": " << contents.format() << '\n';
  for (const auto& [name, text] : contents.texts())
    if (name != "model_config" && name != "training_config") out << "  " << name << ": " << text << '\n';
  if (!config.empty()) out << "  model: " << model_text(config, path) << '\n';
  struct Row {
    std::string shape, dtype;
    std::uint64_t bytes = 0;
    std::int64_t arrays = 0;
  };
  std::vector<std::pair<std::string, Row>> rows;
  std::uint64_t total = 0;
  std::int64_t elements = 0;
  for (const Array& a : contents.arrays()) {
    total += a.bytes;
    elements += a.shape.num_elements();
    const std::string name = options.depth > 0 ? shortened(a.path, options.depth) : a.path;
    if (rows.empty() || rows.back().first != name) rows.push_back({name, {}});
    Row& row = rows.back().second;
    row.shape = row.arrays == 0 ? to_string(a.shape) : "";
    row.dtype = row.arrays == 0 ? a.dtype : "";
    row.bytes += a.bytes;
    ++row.arrays;
  }
  std::size_t width = 4, shape_width = 5;
  for (const auto& [name, row] : rows) {
    width = std::max(width, name.size());
    shape_width = std::max(shape_width, row.shape.size());
  }
  for (const auto& [name, row] : rows)
    out << fmt::format("  {:<{}}  {:<{}}  {:<8}  {:>10}\n", name, width,
                       row.arrays > 1 ? fmt::format("{} arrays", row.arrays) : row.shape, shape_width, row.dtype,
                       size_text(row.bytes));
  out << fmt::format("  {} arrays, {} elements, {}\n", contents.arrays().size(), elements, size_text(total));
  return 0;
}

int convert(std::ostream& out, const std::string& from, const std::string& to, bool weights_only) {
  const Model model = from.ends_with(".onnx") ? onnx::load(from) : load_model(from, {.compile = !weights_only});
  const bool weights = weights_only || to.ends_with(".weights.h5") || to.ends_with(".npz");
  if (weights)
    model.save_weights(to);
  else if (to.ends_with(".onnx"))
    onnx::save(model, to);
  else
    model.save(to);
  out << fmt::format("{} -> {}: {}, {} weights\n", from, to, weights ? "weights" : "whole model",
                     model.weights().size());
  return 0;
}

int diff(std::ostream& out, const std::string& a, const std::string& b, double tolerance) {
  const Contents first(a), second(b);
  std::map<std::string, const Array*> others;
  for (const Array& array : second.arrays()) others[array.path] = &array;
  int differences = 0;
  auto say = [&](const std::string& text) {
    ++differences;
    out << text << '\n';
  };
  for (const Array& array : first.arrays()) {
    const auto it = others.find(array.path);
    if (it == others.end()) {
      say("- " + array.path + " " + to_string(array.shape));
      continue;
    }
    const Array& other = *it->second;
    others.erase(it);
    if (other.shape != array.shape || other.dtype != array.dtype) {
      say(fmt::format("! {}: {} {} and {} {}", array.path, array.dtype, to_string(array.shape), other.dtype,
                      to_string(other.shape)));
    } else if (array.dtype != "text") {
      const double d = largest_difference(first.read(array.path), second.read(array.path));
      if (!(d <= tolerance)) say(fmt::format("! {}: differs by {:g} at most", array.path, d));
    }
  }
  for (const auto& [path, array] : others) say("+ " + path + " " + to_string(array->shape));
  const std::string config_a = first.text("model_config"), config_b = second.text("model_config");
  if (config_a != config_b) {
    const bool same = !config_a.empty() && !config_b.empty() &&
                      parse_config_json(config_a, a).as_map() == parse_config_json(config_b, b).as_map();
    if (!same) say("! the configurations differ (strata show --config prints them)");
  }
  if (differences == 0) out << "equal: " << first.arrays().size() << " arrays\n";
  return differences == 0 ? 0 : 1;
}

int predict(std::ostream& out, const std::string& path, const std::vector<std::string>& images,
            const std::vector<std::string>& classes, double scale) {
  if (is_artifact(path)) {
    const Artifact app(path);
    for (const std::string& name : images) {
      const auto [label, probability] = app.predict(name);
      out << fmt::format("{}: {} {:.4f}\n", name, label, probability);
    }
    return 0;
  }
  const Model model = load_model(path, {.compile = false});
  const Shape shape = model.input_shape();
  if (shape.size() != 4)
    throw ValueError("'" + path + "' takes inputs of shape " + to_string(shape) + ", which are no images.");
  utils::LoadImgOptions options;
  if (shape[1] != None && shape[2] != None) options.target_size = {shape[1], shape[2]};
  if (shape[3] == 1) options.color_mode = "grayscale";
  for (const std::string& name : images) {
    const Tensor pixels = cast(utils::img_to_array(utils::load_img(name, options)), float32) * scale;
    const Tensor y = reshape(Tensor(model.predict(expand_dims(pixels, 0), {.verbose = 0})), {-1});
    const auto best = argmax(y, 0).item<std::int64_t>();
    const std::string label = best < static_cast<std::int64_t>(classes.size()) ? classes[static_cast<std::size_t>(best)]
                                                                               : "class " + std::to_string(best);
    out << fmt::format("{}: {} {:.4f}\n", name, label, reduce_max(y).item<double>());
  }
  return 0;
}

int completion(std::ostream& out, const std::string& shell) {
  if (shell != "bash" && shell != "zsh") throw ValueError("completion: '" + shell + "' is unknown. Use bash or zsh.");
  if (shell == "zsh") out << "autoload -U +X bashcompinit && bashcompinit\n";
  out << R"(_strata() {
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "show convert diff predict completion --help --version" -- "${COMP_WORDS[1]}"))
  else
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -o filenames -F _strata strata
)";
  return 0;
}

}  // namespace strata::cli
