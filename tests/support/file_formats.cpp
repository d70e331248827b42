#include "tests/support/file_formats.h"

#include <filesystem>
#include <fstream>

#include "io/hdf5/reader.h"
#include "strata/board.h"
#include "strata/strata.h"

namespace strata::test {

namespace fs = std::filesystem;
using namespace layers;

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

namespace {

constexpr std::int64_t kLimit = 1 << 22;  // what the readers that take a limit may be made to allocate

Sequential small_model() {
  utils::set_random_seed(1);
  Sequential model({Input({3}), Dense(2, {.activation = "relu"}), BatchNormalization()});
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  model.train_on_batch(ones({4, 3}), ones({4, 2}));
  return model;
}

// With weights that are large enough for a file of their own.
Sequential wide_model() { return Sequential({Input({3}), Dense(128), Dense(2)}); }

// What weights are read into; made once, since fuzzing reads many thousands of times.
const Sequential& fixed_model() {
  static const Sequential model = small_model();
  return model;
}

// All that an HDF5 file holds.
void read_all(const hdf5::Object& root) {
  for (const auto& name : root.attribute_names()) root.attribute(name);
  for (const hdf5::Object& object : root.datasets()) {
    try {
      for (const auto& name : object.attribute_names()) object.attribute(name);
      object.read();
    } catch (const Error&) {
    }
  }
}

Image picture() { return Image(cast(random::uniform({12, 10, 3}, {.maxval = 255, .seed = 4}), uint8)); }

void use(const Model& model) { model.predict(ones({2, 3}), {.verbose = 0}); }

void write_saved_model(const std::string& f) { saved_model::save(small_model(), f + "/net"); }
void read_saved_model(const std::string& f) { use(saved_model::load(f + "/net", {.memory_limit = kLimit})); }
void write_checkpoint(const std::string& f) {
  Checkpoint({{"model", small_model()}, {"random", random::GlobalGenerator()}}).save(f + "/c");
}
void read_checkpoint(const std::string& f) {
  Checkpoint({{"model", fixed_model()}, {"random", random::GlobalGenerator()}}).restore(f + "/c");
}
void write_events(const std::string& f) {
  const auto writer = summary::create_file_writer(f + "/logs/run");
  const auto scope = writer.as_default();
  for (int i = 0; i < 12; ++i) summary::scalar("loss", 1.f / static_cast<float>(i + 1), {.step = i});
  summary::histogram("weights", ones({30}), {.step = 1});
  summary::text("note", "words", {.step = 2});
  writer.close();
  for (const auto& entry : fs::directory_iterator(f + "/logs/run"))
    fs::rename(entry.path(), f + "/logs/run/events.out.tfevents.1.v2");
}
void write_idx(const std::string& f) {
  const std::string header("\0\0\x08\x03\0\0\0\x04\0\0\0\x1c\0\0\0\x1c", 16), count("\0\0\x08\x01\0\0\0\x04", 8);
  for (const std::string part : {"train", "t10k"}) {
    write_bytes(f + "/" + part + "-images-idx3-ubyte", header + std::string(4 * 28 * 28, '\x07'));
    write_bytes(f + "/" + part + "-labels-idx1-ubyte", count + std::string("\1\2\3\4", 4));
  }
}

void write_artifact(const std::string& f) {
  const Sequential model({Input({4, 4, 3}), Flatten(), Dense(2, {.activation = "softmax"})});
  ArtifactSaveOptions options;  // by name: gcc 12 warns of members of a temporary at -O3
  options.class_names = {"cat", "dog"};
  Artifact::save(model, f + "/a.strata", options);
}

const FileFormat kFormats[] = {
    {"artifact", "a.strata", write_artifact, [](const std::string& f) { Artifact(f + "/a.strata"); }},
    {"npy", "x.npy",
     [](const std::string& f) {
       save_npy(f + "/x.npy", random::normal({5, 4}, {.seed = 1}));
     },
     [](const std::string& f) { load_npy(f + "/x.npy"); }},
    {"npz", "x.npz",
     [](const std::string& f) {
       save_npz(f + "/x.npz", {{"a", ones({5, 4})}, {"b", range(0, 9)}});
     },
     [](const std::string& f) { load_npz(f + "/x.npz"); }},
    {"npz_compressed", "x.npz",
     [](const std::string& f) {
       save_npz(f + "/x.npz", {{"a", ones({50, 4})}}, {.compressed = true});
     },
     [](const std::string& f) { load_npz(f + "/x.npz"); }},
    {"keras", "m.keras", [](const std::string& f) { small_model().save(f + "/m.keras"); },
     [](const std::string& f) { use(load_model(f + "/m.keras")); }},
    {"whole_h5", "m.h5", [](const std::string& f) { small_model().save(f + "/m.h5"); },
     [](const std::string& f) { use(load_model(f + "/m.h5")); }},
    {"hdf5", "m.h5", [](const std::string& f) { small_model().save(f + "/m.h5"); },
     [](const std::string& f) { read_all(hdf5::open_file(f + "/m.h5", {.bytes = kLimit})); }},
    {"weights_h5", "m.h5", [](const std::string& f) { small_model().save_weights(f + "/m.h5"); },
     [](const std::string& f) { fixed_model().load_weights(f + "/m.h5"); }},
    {"keras3_weights", "m.weights.h5", [](const std::string& f) { small_model().save_weights(f + "/m.weights.h5"); },
     [](const std::string& f) { fixed_model().load_weights(f + "/m.weights.h5"); }},
    {"onnx", "m.onnx", [](const std::string& f) { onnx::save(small_model(), f + "/m.onnx"); },
     [](const std::string& f) { use(onnx::load(f + "/m.onnx", {.memory_limit = kLimit})); }},
    {"onnx_quantized", "m.onnx",
     [](const std::string& f) {
       const Model model = quantization::quantize_model(small_model());
       quantization::calibrate(model, random::normal({8, 3}, {.seed = 2}));
       onnx::save(model, f + "/m.onnx");
     },
     [](const std::string& f) { use(onnx::load(f + "/m.onnx", {.memory_limit = kLimit})); }},
    {"onnx_external", "m.onnx",
     [](const std::string& f) {
       onnx::SaveOptions options;
       options.external_data = true;
       onnx::save(wide_model(), f + "/m.onnx", options);
     },
     [](const std::string& f) { use(onnx::load(f + "/m.onnx", {.memory_limit = kLimit})); }},
    {"saved_model", "net/saved_model.pb", write_saved_model, read_saved_model},
    {"saved_model_index", "net/variables/variables.index", write_saved_model, read_saved_model},
    {"saved_model_data", "net/variables/variables.data-00000-of-00001", write_saved_model, read_saved_model},
    {"checkpoint", "c/shard-00000.npz", write_checkpoint, read_checkpoint},
    {"json", "m.json", [](const std::string& f) { write_bytes(f + "/m.json", small_model().to_json()); },
     [](const std::string& f) { model_from_json(read_bytes(f + "/m.json")); }},
    {"png", "p.png", [](const std::string& f) { utils::save_img(f + "/p.png", picture()); },
     [](const std::string& f) { utils::load_img(f + "/p.png"); }},
    {"jpeg", "p.jpg", [](const std::string& f) { utils::save_img(f + "/p.jpg", picture()); },
     [](const std::string& f) { utils::load_img(f + "/p.jpg", {.exif_orientation = true}); }},
    {"events", "logs/run/events.out.tfevents.1.v2", write_events,
     [](const std::string& f) { board::read_scalars(f + "/logs"); }},
    {"idx", "train-images-idx3-ubyte", write_idx,
     [](const std::string& f) { datasets::mnist::load_data({.path = f, .download = false}); }},
    {"csv", "t.csv", [](const std::string& f) { write_bytes(f + "/t.csv", "a,\"b\nc\"\n1,\"2\"\"\"\n3,4\n"); },
     [](const std::string& f) { utils::read_csv(f + "/t.csv"); }},
};

}  // namespace

std::span<const FileFormat> file_formats() { return kFormats; }

}  // namespace strata::test
