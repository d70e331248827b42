/// \file
/// The file for applications: a classifier of pictures with all that it takes to use it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "strata/image.h"
#include "strata/model.h"

namespace strata {

/// From a picture to the model's input: the picture is resized, and each pixel becomes (pixel * scale - mean) / std.
struct Preprocessing {
  std::vector<std::int64_t> target_size = {};  ///< {height, width}; empty: those of the model's input
  std::string color_mode = {};                 ///< "grayscale", "rgb" or "rgba"; empty: by the model's channels
  std::string interpolation = "bilinear";      ///< as in Image::resize
  bool keep_aspect_ratio = false;              ///< cut the middle out before resizing
  bool exif_orientation = true;                ///< turn the picture as its camera's note says
  double scale = 1.0 / 255;
  std::vector<double> mean = {};  ///< one for all channels, or one for each; empty: 0
  std::vector<double> std = {};   ///< likewise; empty: 1
};

/// What a picture shows. With an Artifact `app`: `auto [label, probability] = app.predict("cat.png");`
struct Prediction {
  std::string label;
  double probability = 0;
  friend bool operator==(const Prediction&, const Prediction&) = default;
};

struct ArtifactSaveOptions {
  std::vector<std::string> class_names = {};  ///< of the outputs in order; two for a model with one output
  Preprocessing preprocessing = {};
  bool from_logits = false;  ///< the model's outputs are logits: softmax (sigmoid of a single output) comes after it
  Image sample = {};         ///< the golden sample; empty: a pattern that strata draws
  std::string description = {};
};

struct ArtifactLoadOptions {
  bool verify = true;       ///< replays the golden sample
  double tolerance = 1e-3;  ///< by so much may a probability of the sample differ
};

/// A program with its weights, its preprocessing, the names of its classes, and a golden sample: a picture with the
/// probabilities that it had when the file was written. Loading needs no class's source; it replays the sample and
/// throws where the outcome differs, since then the program does not do what it did.
///
///     Artifact::save(model, "pets.strata", {.class_names = {"cat", "dog"}});
///     Artifact app("pets.strata");
///     auto [label, probability] = app.predict("cat.png");  // {"cat", 0.93}
///
/// The file is a zip archive: artifact.json, sample.png, sample.npy, and a SavedModel in model/.
class STRATA_API Artifact {
 public:
  /// Throws FileError where the file is missing, damaged, or where the sample has another outcome than it had.
  explicit Artifact(const std::string& path, const ArtifactLoadOptions& options = {});
  /// Writes the file; an old one stays until the new one is whole. Throws ValueError where the model takes no pictures
  /// or gives no probabilities, and where the class names do not fit its outputs.
  static void save(const Model& model, const std::string& path, const ArtifactSaveOptions& options);

  /// The most probable class of a PNG or JPEG file, or of a picture.
  Prediction predict(const std::string& image) const;
  Prediction predict(const Image& image) const;
  /// The `k` most probable classes, most probable first.
  std::vector<Prediction> top(const std::string& image, int k = 5) const;
  std::vector<Prediction> top(const Image& image, int k = 5) const;
  /// (pictures, classes): of several pictures at once.
  Tensor probabilities(const std::vector<Image>& images) const;

  const std::vector<std::string>& class_names() const;
  const Preprocessing& preprocessing() const;
  const std::string& description() const;
  /// The model alone, to be evaluated or trained further.
  const Model& model() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// Whether the file is one that Artifact::save wrote.
STRATA_API bool is_artifact(const std::string& path);

}  // namespace strata
