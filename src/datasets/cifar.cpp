// CIFAR-10 and CIFAR-100: the binary version, and the Python version.
#include <algorithm>
#include <cstring>

#include "core/tensor_data.h"
#include "datasets/find.h"
#include "datasets/pickle.h"
#include "strata/error.h"

namespace strata::datasets {

namespace {

using detail::DataSet;
using detail::Found;
using detail::NamedBytes;

constexpr std::size_t kPixels = 32 * 32, kImage = 3 * kPixels;

// How labels and images of one file are laid out, whichever version it is of.
struct Batch {
  const NamedBytes* file;
  std::int64_t count;
  std::vector<std::uint8_t> labels;
  const std::uint8_t* images;  // of the first record
  std::size_t stride;          // bytes from an image to the next
};

struct Layout {
  std::size_t label_bytes;  // in front of each image in the binary version
  std::size_t label_at;     // which of them
  std::string label_key;    // in the Python version
  int classes;
  std::size_t test_files;                 // at the end of the list; those before are for training
  std::vector<std::int64_t> proportions;  // of the numbers of records in the files
};

[[noreturn]] void wrong(const NamedBytes& file, const std::string& what) {
  throw FileError("'" + file.name + "' " + what);
}

Batch binary_batch(const NamedBytes& file, const Layout& layout) {
  const std::size_t record = layout.label_bytes + kImage;
  if (file.bytes.empty() || file.bytes.size() % record != 0)
    wrong(file, "has " + std::to_string(file.bytes.size()) + " bytes, expected a multiple of " +
                    std::to_string(record) + " (a label and 32 x 32 pixels in 3 colours for each record): it is cut " +
                    "short or another file.");
  Batch out{
      &file, static_cast<std::int64_t>(file.bytes.size() / record), {}, file.bytes.data() + layout.label_bytes, record};
  for (std::size_t i = 0; i < static_cast<std::size_t>(out.count); ++i)
    out.labels.push_back(file.bytes[i * record + layout.label_at]);
  return out;
}

Batch python_batch(const NamedBytes& file, const Layout& layout) {
  const detail::PickledBatch pickle = detail::read_pickled_batch(file);
  const auto& shape = pickle.data.shape;
  if (shape.size() != 2 || shape[0] < 1 || shape[0] > 1000000 || shape[1] != static_cast<std::int64_t>(kImage) ||
      pickle.data.bytes.size() != static_cast<std::size_t>(shape[0]) * kImage)
    wrong(file, "holds no array 'data' of shape (n, 3072) with as many bytes.");
  Batch out{&file, shape[0], {}, reinterpret_cast<const std::uint8_t*>(pickle.data.bytes.data()), kImage};
  for (const auto& [key, integers] : pickle.integer_lists) {
    if (key != layout.label_key) continue;
    for (const std::int64_t v : integers) {
      if (v < 0 || v > 255)
        wrong(file, "has label " + std::to_string(v) + " in '" + key + "', expected 0 to " +
                        std::to_string(layout.classes - 1) + ".");
      out.labels.push_back(static_cast<std::uint8_t>(v));
    }
  }
  if (static_cast<std::int64_t>(out.labels.size()) != out.count)
    wrong(file, "holds " + std::to_string(out.count) + " images, but " + std::to_string(out.labels.size()) + " '" +
                    layout.label_key + "'.");
  return out;
}

void check_labels(const Batch& batch, int classes) {
  const auto bad = std::find_if(batch.labels.begin(), batch.labels.end(), [&](int v) { return v >= classes; });
  if (bad != batch.labels.end())
    wrong(*batch.file, "has label " + std::to_string(*bad) + " in record " +
                           std::to_string(bad - batch.labels.begin()) + ", expected 0 to " +
                           std::to_string(classes - 1) + ".");
}

// Records have no count in front: only the other files can tell that one lost some.
void check_counts(const std::vector<Batch>& batches, const Layout& layout) {
  std::size_t fullest = 0;
  const auto unit = [&](std::size_t i) { return batches[i].count / layout.proportions[i]; };
  for (std::size_t i = 1; i < batches.size(); ++i)
    if (unit(i) > unit(fullest)) fullest = i;
  for (std::size_t i = 0; i < batches.size(); ++i)
    if (batches[i].count * layout.proportions[fullest] != batches[fullest].count * layout.proportions[i])
      wrong(*batches[i].file,
            "holds " + std::to_string(batches[i].count) + " records, expected " +
                std::to_string(batches[fullest].count * layout.proportions[i] / layout.proportions[fullest]) +
                " beside the " + std::to_string(batches[fullest].count) + " of '" + batches[fullest].file->name +
                "' (in the published files " + std::to_string(10000 * layout.proportions[i]) + "). It is cut short?");
}

// Planes of red, green and blue become pixels.
void interleave(const std::uint8_t* planes, std::uint8_t* pixels) {
  for (std::size_t p = 0; p < kPixels; ++p) {
    pixels[3 * p] = planes[p];
    pixels[3 * p + 1] = planes[kPixels + p];
    pixels[3 * p + 2] = planes[2 * kPixels + p];
  }
}

void join(const Batch* first, const Batch* last, Tensor& x, Tensor& y) {
  std::int64_t count = 0;
  for (const Batch* b = first; b != last; ++b) count += b->count;
  x = strata::detail::allocate({count, 32, 32, 3}, uint8);
  y = strata::detail::allocate({count, 1}, uint8);
  auto* pixels = strata::detail::mutable_elements<std::uint8_t>(x);
  auto* labels = strata::detail::mutable_elements<std::uint8_t>(y);
  for (const Batch* b = first; b != last; ++b) {
    for (std::int64_t i = 0; i < b->count; ++i, pixels += kImage)
      interleave(b->images + static_cast<std::size_t>(i) * b->stride, pixels);
    labels = std::copy(b->labels.begin(), b->labels.end(), labels);
  }
}

Arrays load(const DataSet& dataset, const Layout& layout, const std::string& path, bool download) {
  Arrays out;
  try {
    const Found found = detail::find(dataset, path, download);
    const auto& names = dataset.forms[found.form].files;
    std::vector<NamedBytes> files;
    for (const std::string& name : names) files.push_back(found.files.read(name));
    std::vector<Batch> batches;
    for (const NamedBytes& f : files)
      batches.push_back(found.form == 0 ? binary_batch(f, layout) : python_batch(f, layout));
    check_counts(batches, layout);
    for (const Batch& b : batches) check_labels(b, layout.classes);
    const Batch* test = batches.data() + (batches.size() - layout.test_files);
    join(batches.data(), test, out.x_train, out.y_train);
    join(test, batches.data() + batches.size(), out.x_test, out.y_test);
  } catch (const FileError& e) {
    detail::rethrow_for(dataset, e);
  }
  return out;
}

}  // namespace

Arrays cifar10::load_data(const LoadOptions& options) {
  static const DataSet dataset = {
      "datasets::cifar10::load_data",
      "CIFAR-10",
      {{{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
         "test_batch.bin"},
        {"cifar-10-batches-bin"},
        true,
        {"cifar-10-binary.tar.gz"}},
       {{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"},
        {"cifar-10-batches-py"},
        true,
        {"cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"}}},
      {{"cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170052171,
        {"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"}}},
      "cifar-10-batches-bin",
      true};
  return load(dataset, {1, 0, "labels", 10, 1, {1, 1, 1, 1, 1, 1}}, options.path, options.download);
}

Arrays cifar100::load_data(const Cifar100LoadOptions& options) {
  static const DataSet dataset = {
      "datasets::cifar100::load_data",
      "CIFAR-100",
      {{{"train.bin", "test.bin"}, {"cifar-100-binary"}, false, {"cifar-100-binary.tar.gz"}},
       {{"train", "test"}, {"cifar-100-python"}, false, {"cifar-100-python.tar.gz"}}},
      {{"cifar-100-binary.tar.gz",
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        168513733,
        {"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"}}},
      "cifar-100-binary",
      true};
  const bool fine = options.label_mode == "fine";
  if (!fine && options.label_mode != "coarse")
    throw ValueError("datasets::cifar100::load_data: label_mode is '" + options.label_mode +
                     "'. Use \"fine\" (100 classes) or \"coarse\" (20).");
  const Layout layout =
      fine ? Layout{2, 1, "fine_labels", 100, 1, {5, 1}} : Layout{2, 0, "coarse_labels", 20, 1, {5, 1}};
  return load(dataset, layout, options.path, options.download);
}

}  // namespace strata::datasets
