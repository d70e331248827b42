// Folders of pictures and texts.
#include "strata/directories.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/file.h"
#include "core/generator.h"
#include "data/source.h"
#include "strata/array.h"
#include "strata/image.h"
#include "strata/indexing.h"
#include "strata/nn.h"
#include "strata/utils.h"

namespace strata::utils {

namespace {

namespace fs = std::filesystem;

struct Listing {
  std::vector<std::string> class_names, paths;
  std::vector<std::int32_t> labels;
};

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending;
}

// The files with one of these endings, class after class, in the order of their names.
Listing list_classes(const char* where, const std::string& directory, std::vector<std::string> classes,
                     const std::vector<std::string>& endings) {
  if (!fs::is_directory(directory))
    throw FileError(std::string(where) + ": '" + directory +
                    "' is no folder. Give the folder that holds those of the classes.");
  if (classes.empty())
    for (const auto& entry : fs::directory_iterator(directory))
      if (entry.is_directory() && !entry.path().filename().string().starts_with("."))
        classes.push_back(entry.path().filename().string());
  std::sort(classes.begin(), classes.end());
  Listing out;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const fs::path folder = fs::path(directory) / classes[i];
    if (!fs::is_directory(folder))
      throw FileError(std::string(where) + ": class '" + classes[i] + "' has no folder in '" + directory + "'.");
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file() &&
          std::find(endings.begin(), endings.end(), ending_of(entry.path())) != endings.end())
        found.push_back(entry.path().string());
    std::sort(found.begin(), found.end());
    out.labels.insert(out.labels.end(), found.size(), static_cast<std::int32_t>(i));
    out.paths.insert(out.paths.end(), found.begin(), found.end());
  }
  if (out.paths.empty())
    throw FileError(std::string(where) + ": no files were found in the folders of '" + directory +
                    "'. Expected one folder for each class, with files in it.");
  out.class_names = std::move(classes);
  return out;
}

void check_options(const ImageDatasetOptions& o) {
  auto fail = [](const std::string& what) { throw ValueError("image_dataset_from_directory: " + what); };
  if (o.label_mode != "int" && o.label_mode != "categorical" && o.label_mode != "binary")
    fail("label_mode is \"" + o.label_mode + "\". Use \"int\", \"categorical\" or \"binary\".");
  if (o.image_size.size() != 2 || o.image_size[0] < 1 || o.image_size[1] < 1)
    fail("image_size must be {height, width}, both positive.");
  if (o.interpolation != "bilinear" && o.interpolation != "nearest")
    fail("interpolation is \"" + o.interpolation + "\". Use \"bilinear\" or \"nearest\".");
  if (o.validation_split.has_value() == o.subset.empty())
    fail("validation_split and subset are given together, or not at all.");
  if (!o.validation_split) return;
  if (!(*o.validation_split > 0 && *o.validation_split < 1)) fail("validation_split must be between 0 and 1.");
  if (o.subset != "training" && o.subset != "validation")
    fail("subset is \"" + o.subset + "\". Use \"training\" or \"validation\".");
  if (o.shuffle && !o.seed) fail("validation_split with shuffle needs a seed, so that both subsets agree.");
}

// One order of all files for both subsets; the last ones are for validation.
void choose_subset(Listing& all, const ImageDatasetOptions& o) {
  std::vector<std::size_t> order(all.paths.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (o.shuffle) {
    data::detail::OrderRandom random(o.seed ? static_cast<std::uint64_t>(*o.seed) : next_random_seed(), 0);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  }
  std::size_t first = 0, last = order.size();
  if (o.validation_split) {
    const auto kept = static_cast<std::size_t>(*o.validation_split * static_cast<double>(order.size()));
    (o.subset == "training" ? last : first) = order.size() - kept;
  }
  if (first == last)
    throw ValueError("image_dataset_from_directory: no file is left for the " + o.subset +
                     " subset. Choose another validation_split.");
  Listing chosen;
  for (std::size_t i = first; i < last; ++i) {
    chosen.paths.push_back(all.paths[order[i]]);
    chosen.labels.push_back(all.labels[order[i]]);
  }
  all.paths = std::move(chosen.paths);
  all.labels = std::move(chosen.labels);
}

Tensor read_picture(const std::string& path, const ImageDatasetOptions& o) {
  const std::int64_t height = o.image_size[0], width = o.image_size[1];
  Tensor x = img_to_array(load_img(path, {.color_mode = o.color_mode}));
  const std::int64_t h = x.shape()[0], w = x.shape()[1];
  if (o.crop_to_aspect_ratio) {
    const std::int64_t ch = std::max<std::int64_t>(1, std::min(h, w * height / width));
    const std::int64_t cw = std::max<std::int64_t>(1, std::min(w, h * width / height));
    const std::int64_t top = (h - ch) / 2, left = (w - cw) / 2;
    x = x[{Slice(top, top + ch), Slice(left, left + cw)}];
  }
  return nn::resize(expand_dims(x, 0), {height, width}, {.interpolation = o.interpolation})[0];
}

}  // namespace

ImageDataset image_dataset_from_directory(const std::string& directory, const ImageDatasetOptions& o) {
  check_options(o);
  Listing all = list_classes("image_dataset_from_directory", directory, o.class_names, {".jpg", ".jpeg", ".png"});
  const auto classes = static_cast<std::int64_t>(all.class_names.size());
  if (o.label_mode == "binary" && classes != 2)
    throw ValueError("image_dataset_from_directory: label_mode \"binary\" is for two classes, but there are " +
                     std::to_string(classes) + ".");
  choose_subset(all, o);
  const auto n = static_cast<std::int64_t>(all.paths.size());
  Tensor labels = Tensor::from(all.labels, {n});
  if (o.label_mode == "categorical") labels = to_categorical(labels, classes);
  if (o.label_mode == "binary") labels = expand_dims(cast(labels, float32), -1);
  auto rows = data::from_tensor_slices(range(n, {.dtype = int64}), labels);
  if (o.shuffle) rows = rows.shuffle(n, {.seed = o.seed});
  auto dataset = rows.map(
      [paths = all.paths, o](const Tensor& row, const Tensor& label) {
        return std::pair(read_picture(paths[static_cast<std::size_t>(row.item<std::int64_t>())], o), label);
      },
      {.num_parallel_calls = o.num_parallel_calls});
  if (o.batch_size) dataset = dataset.batch(*o.batch_size);
  return {dataset.prefetch(2), all.class_names, all.paths};
}

TextFiles texts_from_directory(const std::string& directory, const TextOptions& options) {
  const Listing all = list_classes("texts_from_directory", directory, options.class_names, {".txt"});
  TextFiles out{
      {}, Tensor::from(all.labels, {static_cast<std::int64_t>(all.labels.size())}), all.class_names, all.paths};
  for (const std::string& path : all.paths) {
    const InputFile file(path);
    std::uint64_t bytes = file.size();
    if (options.max_length >= 0) bytes = std::min(bytes, static_cast<std::uint64_t>(options.max_length));
    std::string& text = out.texts.emplace_back(static_cast<std::size_t>(bytes), '\0');
    file.read_at(0, text.data(), text.size());
  }
  return out;
}

}  // namespace strata::utils
