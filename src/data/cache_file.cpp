// A data set kept in a file: written while it is first read to its end, read from there afterwards, element by element.
#include <cstring>
#include <filesystem>

#include "core/file.h"
#include "data/source.h"

namespace strata::data::detail {

namespace {

constexpr char kMagic[8] = {'S', 'T', 'R', 'A', 'T', 'A', 'D', '1'};
constexpr std::uint32_t kMostComponents = 1024;

// An element: the number of its components, and of each its dtype, rank, dimensions and bytes. 0 components end the
// file.
class Writer final : public Iterator {
 public:
  Writer(std::unique_ptr<Iterator> in, const std::string& path) : in_(std::move(in)), file_(path) {
    file_.write(kMagic, sizeof kMagic);
  }
  bool next(Tensors& element) override {
    if (in_ == nullptr) return false;
    if (!in_->next(element)) {
      put<std::uint32_t>(0);
      file_.commit();
      in_.reset();
      return false;
    }
    put<std::uint32_t>(static_cast<std::uint32_t>(element.size()));
    for (const Tensor& t : element) {
      const auto& d = eager_data(t, "data::cache");
      put<std::uint32_t>(static_cast<std::uint32_t>(d.dtype));
      put<std::uint32_t>(static_cast<std::uint32_t>(d.shape.size()));
      for (const std::int64_t n : d.shape) put<std::int64_t>(n);
      file_.write(d.raw(), t.bytes());
    }
    return true;
  }

 private:
  template <class T>
  void put(T v) {
    file_.write(&v, sizeof v);
  }
  std::unique_ptr<Iterator> in_;
  AtomicFile file_;
};

class Reader final : public Iterator {
 public:
  explicit Reader(const std::string& path) : file_(path), in_(file_, 0, file_.size()) {
    char magic[sizeof kMagic];
    in_.read(magic, sizeof magic);
    if (std::memcmp(magic, kMagic, sizeof magic) != 0)
      throw FileError("'" + path + "': this is no file of data::cache. Choose another name, or delete it.");
  }
  bool next(Tensors& element) override {
    const auto count = get<std::uint32_t>();
    if (count == 0) return false;
    check(count <= kMostComponents);
    element.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto dtype = get<std::uint32_t>(), rank = get<std::uint32_t>();
      check(dtype <= static_cast<std::uint32_t>(DType::float64) && rank <= Shape::kMaxRank);
      Shape shape;
      std::uint64_t bytes = size_of(static_cast<DType>(dtype));
      for (std::uint32_t d = 0; d < rank; ++d) {
        shape.push_back(get<std::int64_t>());
        check(shape.back() >= 0 && !__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(shape.back()), &bytes));
      }
      check(bytes <= in_.remaining());
      const Tensor t = strata::detail::allocate(shape, static_cast<DType>(dtype));
      in_.read(t.impl()->raw(), static_cast<std::size_t>(bytes));
      element.push_back(t);
    }
    return true;
  }

 private:
  template <class T>
  T get() {
    T v;
    in_.read(&v, sizeof v);
    return v;
  }
  void check(bool fits) const {
    if (!fits) throw FileError("'" + file_.path() + "': the cache is damaged. Delete it; it is made anew.");
  }
  InputFile file_;
  FileSource in_;
};

class FileCached final : public Source {
 public:
  FileCached(SourcePtr in, const std::string& path) : in_(std::move(in)), path_(path) {}
  std::unique_ptr<Iterator> iterate() const override {
    if (std::filesystem::exists(path_)) return std::make_unique<Reader>(path_);
    return std::make_unique<Writer>(in_->iterate(), path_);
  }
  std::int64_t cardinality() const override { return in_->cardinality(); }
  std::vector<TensorSpec> specs() const override { return in_->specs(); }

 private:
  SourcePtr in_;
  std::string path_;
};

}  // namespace

SourcePtr cache(const SourcePtr& in, const std::string& path) {
  if (path.empty()) return cache_in_memory(in);
  return std::make_shared<FileCached>(in, path);
}

}  // namespace strata::data::detail
