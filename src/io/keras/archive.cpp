#include "io/keras/archive.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>

#include "core/zip.h"
#include "io/keras/weights.h"
#include "io/mapped_file.h"
#include "kernels/crc32.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "models/trainer.h"
#include "serialization/json.h"
#include "serialization/keras2.h"
#include "serialization/operations.h"
#include "serialization/serialize.h"
#include "strata/version.h"

namespace strata::keras {

namespace {

constexpr const char* kKerasVersion = "3.15.0";  // whose format it is
constexpr std::uint64_t kMostText = std::uint64_t{256} << 20;
constexpr std::uint64_t kMostWeights = std::uint64_t{8} << 30;

std::string metadata() {
  const std::time_t now = std::time(nullptr);
  return Config{{"keras_version", kKerasVersion},
                {"date_saved", fmt::format("{:%Y-%m-%d@%H:%M:%S}", fmt::localtime(now))},
                {"strata_version", version()}}
      .to_json();
}

const ZipEntry& entry_of(const ZipReader& zip, const std::string& path, const std::string& name) {
  for (const ZipEntry& e : zip.entries())
    if (e.name == name) return e;
  throw FileError("'" + path + "': the archive has no '" + name + "'. It is no model of Keras 3, or is damaged.");
}

std::shared_ptr<std::vector<char>> read_entry(const std::string& path, const std::string& name, std::uint64_t most) {
  const InputFile file(path);
  const ZipReader zip(file);
  const ZipEntry& entry = entry_of(zip, path, name);
  // A deflated byte makes a thousand at most.
  if (entry.uncompressed > most || entry.uncompressed / 1100 > entry.compressed)
    throw FileError("'" + path + "': '" + name + "' declares " + std::to_string(entry.uncompressed) +
                    " bytes, which is more than it can hold or than the limit. The file is damaged.");
  const auto source = zip.open(entry);
  auto out = std::make_shared<std::vector<char>>(static_cast<std::size_t>(entry.uncompressed));
  source->read(out->data(), out->size());
  source->finish();
  return out;
}

bool is_shape(const Config::Value& value) {
  if (value.kind() != Config::Value::Kind::list || value.as_list().empty()) return false;
  for (const auto& v : value.as_list())
    if (!v.is_none() && v.kind() != Config::Value::Kind::integer) return false;
  return true;
}

Shape with_open_batch(const Config::Value& value) {
  Shape shape = Config{{"shape", value}}.get<Shape>("shape");
  shape[0] = None;
  return shape;
}

// The "keras_version" of an archive; empty where it does not say.
std::string archive_version(const std::string& path) {
  const InputFile file(path);
  const ZipReader zip(file);
  const bool known = std::any_of(zip.entries().begin(), zip.entries().end(),
                                 [](const ZipEntry& e) { return e.name == "metadata.json"; });
  if (!known) return {};
  const Config::Value about =
      parse_config_json(read_archive_text(path, "metadata.json"), "'" + path + "', metadata.json");
  if (about.kind() != Config::Value::Kind::map) return {};
  const auto* version = about.as_map().find("keras_version");
  const bool is_text = version != nullptr && version->kind() == Config::Value::Kind::string;
  return is_text ? version->as_string() : std::string();
}

// What the weights will not exceed: their elements, and for each what HDF5 may say about it.
std::uint64_t most_bytes(const Model& model, bool include_optimizer) {
  constexpr std::uint64_t kAbout = 16384;
  std::uint64_t bytes = kAbout;
  auto add = [&](const std::vector<Variable>& variables) {
    for (const Variable& v : variables)
      if (v.created()) bytes += kAbout + static_cast<std::uint64_t>(v.size()) * size_of(v.dtype());
  };
  add(model.weights());
  if (include_optimizer && model.compiled()) add(model.optimizer().variables());
  return bytes;
}

}  // namespace

std::string read_archive_text(const std::string& path, const std::string& name) {
  const auto bytes = read_entry(path, name, kMostText);
  return {bytes->begin(), bytes->end()};
}

hdf5::Object open_archive_weights(const std::string& path) {
  const std::string name = "model.weights.h5", where = path + "/" + name;
  const InputFile file(path);
  const ZipReader zip(file);
  const ZipEntry& entry = entry_of(zip, path, name);
  if (entry.method != 0) {
    const auto bytes = read_entry(path, name, kMostWeights);
    return hdf5::open_bytes(bytes->data(), bytes->size(), bytes, where);
  }
  // Stored, as Keras and strata write it: the weights are read where they lie.
  const std::uint64_t at = zip.position_of(entry);
  const auto mapping = map_file(path);
  if (at > mapping->size() || entry.uncompressed > mapping->size() - at)
    throw FileError("'" + path + "' became shorter while it was read.");
  const char* const bytes = static_cast<const char*>(mapping->bytes()) + at;
  if (crc32(0, bytes, entry.uncompressed) != entry.crc)
    throw FileError("'" + where + "': the checksum is wrong. The file is damaged.");
  return hdf5::open_bytes(bytes, entry.uncompressed, mapping, where);
}

void save_archive(const Model& model, const std::string& path, const SaveOptions& options) {
  Config config = serialize_layer(model, KerasStyle::keras3);
  if (model.compiled() && options.include_optimizer)
    config.set("compile_config", serialize_compile(model_state(model).trainer->options(), KerasStyle::keras3));
  const std::string text = config.to_json(), about = metadata();

  AtomicFile file(path);
  ZipWriter zip(file);
  zip.add("metadata.json", {}, about, false);
  zip.add("config.json", {}, text, false);
  zip.begin("model.weights.h5", most_bytes(model, options.include_optimizer));
  hdf5::Writer weights(file, path + "/model.weights.h5");
  write_keras3(weights, model, options.include_optimizer);
  weights.finish();
  zip.end();
  zip.finish();
  file.commit();
}

bool compile_from(const Model& model, const Config::Value* config) {
  if (config == nullptr || config->kind() != Config::Value::Kind::map || config->as_map().empty()) return false;
  model.compile(deserialize_compile(config->as_map(), model.output_names()));
  return true;
}

void build_from(const Model& model, const Config& config) {
  const auto* build = config.find("build_config");
  if (model.built() || build == nullptr || build->kind() != Config::Value::Kind::map) return;
  const auto* shape = build->as_map().find("input_shape");
  if (shape == nullptr || shape->is_none()) return;
  if (is_shape(*shape)) return model.build(with_open_batch(*shape));
  std::vector<Shape> shapes;
  if (shape->kind() == Config::Value::Kind::list)
    for (const auto& s : shape->as_list())
      if (is_shape(s)) shapes.push_back(with_open_batch(s));
  if (!shapes.empty()) model.build(shapes);
}

Model load_archive(const std::string& path, const LoadOptions& options) {
  Config::Value value = parse_config_json(read_archive_text(path, "config.json"), "'" + path + "', config.json");
  if (is_keras2(archive_version(path))) value = from_keras2_words(value);
  const Model model = deserialize_model(value);
  build_from(model, value.as_map());
  const hdf5::Object weights = open_archive_weights(path);
  require_created(model, weights, path);
  assign(match_keras3(model, weights), path, {});
  if (options.compile && compile_from(model, value.as_map().find("compile_config")))
    read_optimizer_keras3(model, weights);
  return model;
}

void save_whole_hdf5(const Model& model, const std::string& path, const SaveOptions& options) {
  Config config = serialize_layer(model, KerasStyle::keras2);
  const auto& shapes = model.state()->input_shapes;
  if (!has_graph(model) && shapes.size() == 1) config.set("build_config", Config{{"input_shape", shapes[0]}});
  hdf5::Writer file(path);
  file.attribute("/", "backend", "tensorflow");
  file.attribute("/", "keras_version", "2.15.0");
  file.attribute("/", "model_config", config.to_json());
  write_keras2(file, model, "/model_weights");
  write_build_shape(file, model);
  if (model.compiled() && options.include_optimizer) {
    file.attribute("/", "training_config",
                   serialize_compile(model_state(model).trainer->options(), KerasStyle::keras2).to_json());
    write_optimizer_keras2(file, model);
  }
  file.commit();
}

Model load_whole_hdf5(const std::string& path, const LoadOptions& options) {
  const hdf5::Object root = hdf5::open_file(path);
  const std::string text = root.attribute_text("model_config");
  if (text.empty())
    throw FileError("'" + path + "' holds weights alone, without the model. Make the model and call load_weights(\"" +
                    path + "\").");
  Config::Value value = parse_config_json(text, "'" + path + "', model_config");
  if (is_keras2(root.attribute_text("keras_version"))) value = from_keras2_words(value);
  const Model model = deserialize_model(value);
  build_from(model, value.as_map());
  require_created(model, root, path);
  assign(match_keras2(model, root.at("model_weights"), {}, path), path, {});
  const std::string training = options.compile ? root.attribute_text("training_config") : std::string();
  if (!training.empty()) {
    const Config::Value config = parse_config_json(training, "'" + path + "', training_config");
    if (compile_from(model, &config)) read_optimizer_keras2(model, root);
  }
  return model;
}

}  // namespace strata::keras
