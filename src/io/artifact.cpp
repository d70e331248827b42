#include "strata/artifact.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/tensor_data.h"
#include "io/artifact_file.h"
#include "io/image_codec.h"
#include "io/mapped_file.h"
#include "models/layer_state.h"
#include "strata/array.h"
#include "strata/math.h"
#include "strata/nn.h"
#include "strata/npy.h"
#include "strata/reduce.h"
#include "strata/saved_model.h"
#include "strata/version.h"

namespace strata {

namespace fs = std::filesystem;

struct Artifact::State {
  Model model;
  ArtifactDescription about;

  Tensor input_of(const std::vector<Image>& images) const;
  Tensor probabilities(const std::vector<Image>& images) const;
};

namespace {

// A folder that ends with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (fs::temp_directory_path() / "strata_artifact_XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr)
      throw FileError("'" + path_ + "': a temporary folder cannot be made. Set TMPDIR to one with room.");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string color_mode_of(std::int64_t channels) {
  return channels == 1 ? "grayscale" : channels == 4 ? "rgba" : "rgb";
}

// Fills in what follows from the model's input, and checks the rest.
Preprocessing completed(const Preprocessing& given, const Model& model) {
  const auto& shapes = model.state()->input_shapes;
  if (shapes.size() != 1 || shapes[0].size() != 4)
    throw ValueError("Artifact::save: model '" + model.name() + "' takes " +
                     (shapes.empty() ? "inputs that are not known yet: build it first"
                                     : "inputs of shape " + to_string(shapes[0]) +
                                           ", expected pictures (None, height, width, channels)") +
                     ".");
  const Shape& shape = shapes[0];
  Preprocessing out = given;
  if (out.target_size.empty()) out.target_size = {shape[1], shape[2]};
  if (out.target_size.size() != 2 || out.target_size[0] < 1 || out.target_size[1] < 1)
    throw ValueError("Artifact::save: the model's input " + to_string(shape) +
                     " is of any size. Give .preprocessing = {.target_size = {height, width}}.");
  if (out.color_mode.empty()) out.color_mode = color_mode_of(shape[3]);
  const auto channels = static_cast<std::size_t>(shape[3]);
  for (const auto* values : {&out.mean, &out.std})
    if (values->size() > 1 && values->size() != channels)
      throw ValueError(fmt::format("Artifact::save: {} means or deviations for {} channels. Give one, or one for each.",
                                   values->size(), channels));
  if (std::any_of(out.std.begin(), out.std.end(), [](double v) { return !(v > 0); }))
    throw ValueError("Artifact::save: a standard deviation is not positive.");
  return out;
}

// Colours that run across the picture, and a checkered middle: resizing changes each pixel of it.
Image drawn_sample(const Preprocessing& p) {
  const std::int64_t height = p.target_size[0] * 3 / 2 + 1, width = p.target_size[1] * 4 / 3 + 1;
  const Tensor pixels = detail::allocate({height, width, 3}, uint8);
  auto* at = detail::mutable_elements<std::uint8_t>(pixels);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const bool dark = ((y / 3 + x / 5) & 1) != 0 && y > height / 3 && x > width / 4;
      *at++ = static_cast<std::uint8_t>(dark ? 20 : 255 * y / height);
      *at++ = static_cast<std::uint8_t>(dark ? 90 : 255 * x / width);
      *at++ = static_cast<std::uint8_t>(255 - 200 * (x + y) / (width + height));
    }
  return Image(pixels);
}

Tensor as_row(const std::vector<double>& values) {
  std::vector<float> out(values.begin(), values.end());
  return Tensor::from(out, {static_cast<std::int64_t>(out.size())});
}

// (rows, classes) of probabilities; one output is the probability of the second of two classes.
Tensor as_probabilities(const Tensor& outputs, bool from_logits) {
  Tensor y = cast(reshape(outputs, {outputs.shape()[0], -1}), float32);
  if (y.shape()[1] != 1) return from_logits ? nn::softmax(y) : y;
  if (from_logits) y = sigmoid(y);
  return concat({1.f - y, y}, 1);
}

bool are_probabilities(const Tensor& y) {
  const auto sums = reduce_sum(y, 1).to_vector<float>();
  return reduce_min(y).item<float>() >= 0 &&
         std::all_of(sums.begin(), sums.end(), [](float s) { return std::abs(s - 1) < 1e-2f; });
}

std::string outcome(const std::vector<std::string>& names, const Tensor& y) {
  const auto best = static_cast<std::size_t>(argmax(y, 1).to_vector<std::int64_t>().at(0));
  return fmt::format("{{\"{}\", {:.4f}}}", names.at(best), reduce_max(y).item<float>());
}

}  // namespace

Tensor Artifact::State::input_of(const std::vector<Image>& images) const {
  const Preprocessing& p = about.preprocessing;
  Tensors rows;
  for (const Image& image : images) {
    const Image fitting = io::fitted(image, {.color_mode = p.color_mode,
                                             .target_size = p.target_size,
                                             .interpolation = p.interpolation,
                                             .keep_aspect_ratio = p.keep_aspect_ratio});
    rows.push_back(utils::img_to_array(fitting));
  }
  Tensor x = stack(rows) * static_cast<float>(p.scale);
  if (!p.mean.empty()) x = x - as_row(p.mean);
  if (!p.std.empty()) x = x / as_row(p.std);
  return x;
}

Tensor Artifact::State::probabilities(const std::vector<Image>& images) const {
  if (images.empty()) throw ValueError("Artifact: there is no picture to look at.");
  const Tensor outputs = model.predict(input_of(images), {.verbose = 0});
  return as_probabilities(outputs, about.from_logits);
}

void Artifact::save(const Model& model, const std::string& path, const ArtifactSaveOptions& options) {
  State state{model,
              {completed(options.preprocessing, model), options.class_names, options.from_logits, options.description,
               version()}};
  Image sample = options.sample;
  try {
    (void)sample.pixels();
  } catch (const ValueError&) {
    sample = drawn_sample(state.about.preprocessing);
  }
  const Tensor golden = state.probabilities({sample});
  if (golden.shape()[1] != static_cast<std::int64_t>(options.class_names.size()))
    throw ValueError(fmt::format("Artifact::save: {} class names for a model of {} classes.",
                                 options.class_names.size(), golden.shape()[1]));
  if (!are_probabilities(golden))
    throw ValueError(
        "Artifact::save: the outputs of the sample are no probabilities. Use .from_logits = true, or a last layer with "
        "softmax.");
  const TemporaryFolder folder;
  saved_model::save(model, folder.path("model"));
  save_npy(folder.path("sample.npy"), golden);
  AtomicFile file(path);
  ZipWriter zip(file);
  zip.add(kArtifactJson, {}, to_json(state.about), false);
  zip.add(kArtifactSample, {}, utils::encode_png(sample), false);
  for (const std::string& name : artifact_files()) {
    const MappedFile bytes(folder.path(name));
    zip.add(name, {}, {static_cast<const char*>(bytes.bytes()), bytes.size()}, false);
  }
  zip.finish();
  file.commit();
}

Artifact::Artifact(const std::string& path, const ArtifactLoadOptions& options) {
  const TemporaryFolder folder;
  const ArtifactReader reader(path);
  auto state = std::make_shared<State>(State{{}, reader.description()});
  for (const std::string& name : artifact_files()) reader.extract(name, folder.path(name));
  state->model = saved_model::load(folder.path("model"));
  const Tensor golden = load_npy(folder.path("sample.npy"));
  const auto classes = static_cast<std::int64_t>(state->about.class_names.size());
  if (golden.shape() != Shape{1, classes} || golden.dtype() != float32)
    throw FileError("'" + path + "': the golden sample has an outcome of shape " + to_string(golden.shape()) + " for " +
                    std::to_string(classes) + " classes. The file is damaged.");
  if (options.verify) {
    const Tensor now = state->probabilities({utils::decode_image(reader.text(kArtifactSample), {}, path)});
    const float difference = now.shape() == golden.shape() ? reduce_max(abs(now - golden)).item<float>() : 1.f;
    if (!(difference <= static_cast<float>(options.tolerance)))
      throw FileError(fmt::format(
          "'{}': the golden sample gives {}, but gave {} when the file was written by strata {} (largest difference "
          "{:.2g}, tolerance {:g}). The program or the preprocessing does not do what it did: do not trust it. Write "
          "the file again, or load it with {{.verify = false}} to look into it.",
          path, now.shape() == golden.shape() ? outcome(state->about.class_names, now) : to_string(now.shape()),
          outcome(state->about.class_names, golden), state->about.version, difference, options.tolerance));
  }
  state_ = state;
}

std::vector<Prediction> Artifact::top(const Image& image, int k) const {
  const auto values = state_->probabilities({image}).to_vector<float>();
  std::vector<Prediction> out;
  for (std::size_t i = 0; i < values.size() && i < class_names().size(); ++i)
    out.push_back({class_names()[i], values[i]});
  std::stable_sort(out.begin(), out.end(),
                   [](const Prediction& a, const Prediction& b) { return a.probability > b.probability; });
  if (k >= 0 && static_cast<std::size_t>(k) < out.size()) out.resize(static_cast<std::size_t>(k));
  return out;
}

std::vector<Prediction> Artifact::top(const std::string& image, int k) const {
  return top(utils::load_img(image, {.color_mode = preprocessing().color_mode,
                                     .exif_orientation = preprocessing().exif_orientation}),
             k);
}

Prediction Artifact::predict(const Image& image) const { return top(image, 1).at(0); }
Prediction Artifact::predict(const std::string& image) const { return top(image, 1).at(0); }
Tensor Artifact::probabilities(const std::vector<Image>& images) const { return state_->probabilities(images); }

const std::vector<std::string>& Artifact::class_names() const { return state_->about.class_names; }
const Preprocessing& Artifact::preprocessing() const { return state_->about.preprocessing; }
const std::string& Artifact::description() const { return state_->about.description; }
const Model& Artifact::model() const { return state_->model; }

}  // namespace strata
