// MNIST and Fashion-MNIST: IDX files, or Keras's mnist.npz.
#include <cstdio>
#include <cstring>

#include "core/npy_reader.h"
#include "core/tensor_data.h"
#include "datasets/find.h"
#include "strata/error.h"

namespace strata::datasets {

namespace {

using detail::Bytes;
using detail::DataSet;
using detail::Found;
using detail::NamedBytes;
using detail::Remote;

constexpr std::int64_t kSide = 28, kClasses = 10;
// The dimensions' numbers and the element type (8: unsigned byte) that IDX begins with.
constexpr std::uint32_t kImagesMagic = 0x00000803, kLabelsMagic = 0x00000801;

[[noreturn]] void wrong(const NamedBytes& file, const std::string& what) {
  throw FileError("'" + file.name + "' " + what);
}

std::string hexadecimal(std::uint32_t v) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08x", v);
  return text;
}

std::uint32_t big_endian(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | static_cast<std::uint32_t>(bytes[at + 3]);
}

Tensor copy_of(const Bytes& bytes, std::size_t from, const Shape& shape) {
  const Tensor out = strata::detail::allocate(shape, uint8);
  if (out.bytes() > 0) std::memcpy(out.impl()->raw(), bytes.data() + from, out.bytes());
  return out;
}

// An IDX array of unsigned bytes: magic number, dimensions, elements.
Tensor parse_idx(const NamedBytes& file, std::uint32_t magic) {
  const std::size_t rank = magic & 0xff, header = 4 + 4 * rank;
  if (file.bytes.size() < header)
    wrong(file, "is cut short: it has " + std::to_string(file.bytes.size()) + " bytes, less than the " +
                    std::to_string(header) + " of an IDX header.");
  const std::uint32_t found = big_endian(file.bytes, 0);
  if (found != magic)
    wrong(file, "begins with the magic number " + hexadecimal(found) + ", expected " + hexadecimal(magic) + " (" +
                    (rank == 3 ? "images" : "labels") + "). Is it another file, or damaged?");
  Shape shape;
  std::size_t elements = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint32_t dim = big_endian(file.bytes, 4 + 4 * i);
    if (__builtin_mul_overflow(elements, static_cast<std::size_t>(dim), &elements) || elements > detail::kMaxFileBytes)
      wrong(file, "claims more elements than any file of this data set has.");
    shape.push_back(dim);
  }
  if (file.bytes.size() - header != elements)
    wrong(file, std::string(file.bytes.size() - header < elements ? "is cut short" : "is too long") +
                    ": its header says " + to_string(shape) + ", so " + std::to_string(header + elements) +
                    " bytes were expected, found " + std::to_string(file.bytes.size()) + ".");
  return copy_of(file.bytes, header, shape);
}

// The bytes of a member of an archive, as npy_reader.h wants them.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(const NamedBytes& file) : file_(file) {}
  std::uint64_t remaining() const override { return file_.bytes.size() - at_; }
  void read(void* out, std::size_t bytes) override {
    if (bytes > remaining()) wrong(file_, "is cut short: it has " + std::to_string(file_.bytes.size()) + " bytes.");
    if (bytes > 0) std::memcpy(out, file_.bytes.data() + at_, bytes);
    at_ += bytes;
  }
  std::string where() const override { return "'" + file_.name + "'"; }

 private:
  const NamedBytes& file_;
  std::size_t at_ = 0;
};

// Keras's mnist.npz holds arrays of unsigned bytes.
Tensor parse_npy(const NamedBytes& file) {
  MemorySource source(file);
  const Tensor out = read_npy(source);
  if (out.dtype() != uint8) wrong(file, "holds " + to_string(out.dtype()) + " numbers, expected uint8.");
  return out;
}

void check(const NamedBytes& images_file, const Tensor& images, const NamedBytes& labels_file, const Tensor& labels) {
  const Shape& s = images.shape();
  if (s.size() != 3 || s[1] != kSide || s[2] != kSide)
    wrong(images_file, "holds images of shape " + to_string(s) + ", expected (n, 28, 28).");
  if (labels.shape() != Shape{s[0]})
    wrong(labels_file, "holds labels of shape " + to_string(labels.shape()) + ", but '" + images_file.name +
                           "' holds " + std::to_string(s[0]) + " images.");
  std::int64_t i = 0;
  for (const std::uint8_t label : labels.data<std::uint8_t>()) {
    if (label >= kClasses)
      wrong(labels_file,
            "has label " + std::to_string(label) + " at position " + std::to_string(i) + ", expected 0 to 9.");
    ++i;
  }
}

void load_pair(const Found& found, const std::string& images_name, const std::string& labels_name, Tensor& images,
               Tensor& labels) {
  const NamedBytes images_file = found.files.read(images_name), labels_file = found.files.read(labels_name);
  const bool idx = found.form == 0;
  images = idx ? parse_idx(images_file, kImagesMagic) : parse_npy(images_file);
  labels = idx ? parse_idx(labels_file, kLabelsMagic) : parse_npy(labels_file);
  check(images_file, images, labels_file, labels);
}

Arrays load(const DataSet& dataset, const LoadOptions& options) {
  Arrays out;
  try {
    const Found found = detail::find(dataset, options.path, options.download);
    const auto& names = dataset.forms[found.form].files;
    load_pair(found, names[0], names[1], out.x_train, out.y_train);
    load_pair(found, names[2], names[3], out.x_test, out.y_test);
  } catch (const FileError& e) {
    detail::rethrow_for(dataset, e);
  }
  return out;
}

struct Sum {
  const char* sha256;
  std::int64_t bytes;
};

const std::vector<std::string>& idx_files() {
  static const std::vector<std::string> names = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  return names;
}

std::vector<Remote> remotes(const std::vector<Sum>& sums, const std::vector<std::string>& servers) {
  std::vector<Remote> out;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    Remote remote{idx_files()[i] + ".gz", sums[i].sha256, sums[i].bytes, {}};
    for (const std::string& s : servers) remote.urls.push_back(s + remote.name);
    out.push_back(remote);
  }
  return out;
}

}  // namespace

Arrays mnist::load_data(const LoadOptions& options) {
  static const DataSet dataset = {
      "datasets::mnist::load_data",
      "MNIST",
      {{idx_files(), {"mnist", "MNIST/raw", "MNIST"}, true, {"mnist.zip", "mnist.tar.gz"}},
       {{"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"}, {}, false, {"mnist.npz"}}},
      remotes(
          {{"440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422},
           {"3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881},
           {"8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877},
           {"f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542}},
          {"https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"}),
      "mnist"};
  return load(dataset, options);
}

Arrays fashion_mnist::load_data(const LoadOptions& options) {
  static const DataSet dataset = {
      "datasets::fashion_mnist::load_data",
      "Fashion-MNIST",
      {{idx_files(),
        {"fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST"},
        false,
        {"fashion-mnist.zip", "fashion-mnist.tar.gz"}}},
      remotes({{"3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880},
               {"a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515},
               {"346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102},
               {"67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148}},
              {"https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
               "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
               "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"}),
      "fashion-mnist"};
  return load(dataset, options);
}

}  // namespace strata::datasets
