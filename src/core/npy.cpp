#include "strata/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/dispatch.h"
#include "core/file.h"
#include "core/npy_reader.h"
#include "core/tensor_data.h"
#include "core/zip.h"

namespace strata {

namespace {

static_assert(std::endian::native == std::endian::little, "the bytes of elements are written as they are");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64, kLongestHeader = std::size_t{1} << 20;

// How the elements lie in the file.
struct Layout {
  char kind = 'f';  // b(ool), i(nteger), u(nsigned), f(loat), V(oid: bfloat16)
  std::size_t width = 4;
  bool swapped = false;  // big-endian
  bool fortran = false;
  Shape shape;
  DType dtype = DType::float32;  // of the tensor
};

// The parser of the header, a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Layout parse() {
    bool have_descr = false, have_order = false, have_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !have_descr)
        descr(), have_descr = true;
      else if (key == "fortran_order" && !have_order)
        layout_.fortran = boolean(), have_order = true;
      else if (key == "shape" && !have_shape)
        shape(), have_shape = true;
      else
        fail("the key '" + key + "'", "'descr', 'fortran_order' and 'shape' once each");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail(here(), "the end of the header");
    if (!have_descr || !have_order || !have_shape)
      fail("the header " + std::string(text_.substr(0, 200)), "the keys 'descr', 'fortran_order' and 'shape'");
    return layout_;
  }

 private:
  [[noreturn]] void fail(const std::string& found, const std::string& expected) const {
    throw FileError(where_ + ": found " + found + ", expected " + expected + ".");
  }
  std::string here() const {
    return at_ < text_.size() ? "'" + std::string(text_.substr(at_, 20)) + "' in the header" : "the header's end";
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(here(), std::string("'") + c + "'");
  }
  std::string string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail(here(), "a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail(here(), "a string that ends");
    const std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    fail(here(), "True or False");
  }
  void shape() {
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t dim = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0) fail(here(), "a dimension");
      at_ += static_cast<std::size_t>(end - begin);
      accept('L');  // Python 2 wrote long integers so
      if (layout_.shape.size() == Shape::kMaxRank) fail("an array of more than 8 dimensions", "at most 8");
      layout_.shape.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }
  void descr() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') fail("a structured array", "an array of numbers");
    const std::string text = string();
    std::string_view type = text;
    if (!type.empty() && std::string_view("<>|=").find(type.front()) != std::string_view::npos) {
      layout_.swapped = type.front() == '>';
      type.remove_prefix(1);
    }
    struct Known {
      std::string_view name;
      DType dtype;
    };
    constexpr Known kKnown[] = {{"b1", boolean_},       {"?", boolean_},        {"u1", DType::uint8},
                                {"i1", DType::int32},   {"i2", DType::int32},   {"u2", DType::int32},
                                {"i4", DType::int32},   {"u4", DType::int64},   {"i8", DType::int64},
                                {"f2", DType::float16}, {"f4", DType::float32}, {"f8", DType::float64},
                                {"V2", DType::bfloat16}};
    for (const Known& known : kKnown) {
      if (known.name != type) continue;
      layout_.kind = type == "?" ? 'b' : type[0];
      layout_.width = type == "?" ? 1 : static_cast<std::size_t>(type[1] - '0');
      layout_.dtype = known.dtype;
      return;
    }
    fail(
        "elements of type '" + text + "'",
        "bool, uint8, int32, int64, float16, float32, float64, bfloat16 ('V2'), int8, int16, uint16 or uint32. Convert "
        "the array with .astype(...) before saving it");
  }
  static constexpr DType boolean_ = DType::boolean;

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
  Layout layout_;
};

Layout read_header(ByteSource& source) {
  const std::string where = source.where();
  unsigned char start[8] = {};
  if (source.remaining() < 10)
    throw FileError(where + ": found " + std::to_string(source.remaining()) + " bytes, expected a NumPy array.");
  source.read(start, sizeof start);
  if (std::memcmp(start, kMagic.data(), kMagic.size()) != 0)
    throw FileError(where + ": is no NumPy array: it does not start with \"\\x93NUMPY\".");
  const int major = start[6], minor = start[7];
  if (major < 1 || major > 3 || minor != 0)
    throw FileError(where + ": found format " + std::to_string(major) + "." + std::to_string(minor) +
                    ", expected 1.0, 2.0 or 3.0.");
  unsigned char length[4] = {};
  source.read(length, major == 1 ? 2 : 4);
  const std::size_t bytes = length[0] | length[1] << 8 | length[2] << 16 | static_cast<std::size_t>(length[3]) << 24;
  if (bytes > source.remaining() || bytes > kLongestHeader)
    throw FileError(where + ": found a header of " + std::to_string(bytes) + " bytes, expected at most " +
                    std::to_string(std::min<std::uint64_t>(source.remaining(), kLongestHeader)) +
                    ". The file is truncated or damaged.");
  std::string text(bytes, '\0');
  source.read(text.data(), bytes);
  return HeaderParser(text, where).parse();
}

// The number of elements, checked before memory is asked for: a damaged header may claim anything.
std::uint64_t element_count(const Layout& layout, const ByteSource& source) {
  std::uint64_t count = 1;
  bool overflow = false;
  if (std::find(layout.shape.begin(), layout.shape.end(), 0) != layout.shape.end()) {
    count = 0;
  } else {
    for (const std::int64_t dim : layout.shape)
      overflow = __builtin_mul_overflow(count, static_cast<std::uint64_t>(dim), &count) || overflow;
  }
  if (overflow || count > source.remaining() / layout.width)
    throw FileError(source.where() + ": found " + std::to_string(source.remaining()) +
                    " bytes of elements, expected more for shape " + to_string(layout.shape) + " and " +
                    std::to_string(layout.width) + " bytes an element. The file is truncated or damaged.");
  return count;
}

void swap_bytes(char* values, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i) std::reverse(values + i * width, values + (i + 1) * width);
}

// Elements in Fortran order to row-major order.
template <class T>
void transpose(const T* from, T* to, const Shape& shape, std::size_t axis = 0, std::int64_t stride = 1) {
  static_assert(std::is_trivially_copyable_v<T>);
  // `from` steps by the product of the dimensions before the axis.
  const std::int64_t n = shape[axis];
  std::int64_t inner = 1;
  for (std::size_t a = axis + 1; a < shape.size(); ++a) inner *= shape[a];
  for (std::int64_t i = 0; i < n; ++i)
    if (axis + 1 == shape.size())
      to[i] = from[i * stride];
    else
      transpose(from + i * stride, to + i * inner, shape, axis + 1, stride * n);
}

template <class From, class To>
void widen(const char* from, std::size_t count, To* to) {
  for (std::size_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    to[i] = static_cast<To>(value);
  }
}

// Integer types that tensors do not have.
Tensor widened(const Tensor& raw, const Layout& layout) {
  const Tensor out = detail::allocate(layout.shape, layout.dtype);
  const char* from = detail::elements<char>(raw);
  const auto count = static_cast<std::size_t>(out.size());
  if (layout.kind == 'u' && layout.width == 4)
    widen<std::uint32_t>(from, count, detail::mutable_elements<std::int64_t>(out));
  else if (layout.kind == 'u')
    widen<std::uint16_t>(from, count, detail::mutable_elements<std::int32_t>(out));
  else if (layout.width == 2)
    widen<std::int16_t>(from, count, detail::mutable_elements<std::int32_t>(out));
  else
    widen<std::int8_t>(from, count, detail::mutable_elements<std::int32_t>(out));
  return out;
}

Tensor row_major(const Tensor& fortran) {
  const Tensor out = detail::allocate(fortran.shape(), fortran.dtype());
  if (out.size() == 0) return out;
  dispatch_all(out.dtype(), [&]<class T>() {
    transpose(detail::elements<T>(fortran), detail::mutable_elements<T>(out), out.shape());
  });
  return out;
}

const char* descr_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return "|b1";
    case DType::uint8:
      return "|u1";
    case DType::int32:
      return "<i4";
    case DType::int64:
      return "<i8";
    case DType::float16:
      return "<f2";
    case DType::bfloat16:
      return "<V2";
    case DType::float32:
      return "<f4";
    default:
      return "<f8";
  }
}

// The bytes before the elements, as numpy.save writes them.
std::string header_of(const Tensor& t) {
  std::string text = "{'descr': '" + std::string(descr_of(t.dtype())) +
                     "', 'fortran_order': False, 'shape': " + to_string(t.shape()) + ", }";
  // NumPy leaves room for the first dimension to grow to 21 digits.
  if (t.rank() > 0) text.append(21 - std::to_string(t.shape()[0]).size(), ' ');
  const std::size_t before = kMagic.size() + 4;
  text.append(kAlignment - (before + text.size() + 1) % kAlignment, ' ').append("\n");
  std::string out(kMagic);
  out.append({'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)});
  return out + text;
}

std::string_view bytes_of(const Tensor& t) { return {detail::elements<char>(t), t.bytes()}; }

void check_readable(const char* where, const std::string& name, const Tensor& t) {
  if (!t.defined()) throw ValueError(std::string(where) + ": " + name + " is undefined.");
  if (t.is_symbolic())
    throw SymbolicError(std::string(where) + ": " + name +
                        " is symbolic and has no elements. Save the value outside "
                        "function(), or what model.predict(x) returns.");
}

}  // namespace

Tensor read_npy(ByteSource& source) {
  const Layout layout = read_header(source);
  const std::uint64_t count = element_count(layout, source);
  const bool widens = layout.width != size_of(layout.dtype);
  const auto elements = static_cast<std::int64_t>(count);
  Tensor out = widens ? detail::allocate({elements * static_cast<std::int64_t>(layout.width)}, DType::uint8)
                      : detail::allocate(layout.shape, layout.dtype);
  char* bytes = detail::mutable_elements<char>(out);
  source.read(bytes, static_cast<std::size_t>(count) * layout.width);
  if (layout.swapped) swap_bytes(bytes, static_cast<std::size_t>(count), layout.width);
  // Any byte may be in a file, but a C++ bool is 0 or 1.
  if (layout.kind == 'b') std::for_each_n(bytes, count, [](char& c) { c = c != 0; });
  if (widens) out = widened(out, layout);
  return layout.fortran && layout.shape.size() > 1 ? row_major(out) : out;
}

Tensor load_npy(const std::string& path) {
  const InputFile file(path);
  FileSource source(file, 0, file.size());
  return read_npy(source);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  check_readable("save_npy", "the tensor for '" + path + "'", tensor);
  const std::string header = header_of(tensor);
  AtomicFile file(path);
  file.write(header.data(), header.size());
  file.write(bytes_of(tensor).data(), tensor.bytes());
  file.commit();
}

bool NamedTensors::contains(std::string_view name) const {
  return std::any_of(begin(), end(), [&](const value_type& entry) { return entry.first == name; });
}

const Tensor& NamedTensors::at(std::string_view name) const {
  std::string known;
  for (const auto& [key, tensor] : *this) {
    if (key == name) return tensor;
    known += (known.empty() ? "" : ", ") + key;
  }
  throw ValueError("there is no tensor '" + std::string(name) + "'. There is: " + (known.empty() ? "none" : known) +
                   ".");
}

NpzReader::NpzReader(const std::string& path) : file_(path), archive_(file_) {
  for (const ZipEntry& entry : archive_.entries()) {
    if (!entry.name.ends_with(".npy"))
      throw FileError("'" + path + "': found entry '" + entry.name +
                      "', expected arrays (names that end in .npy) alone.");
    names_.push_back(entry.name.substr(0, entry.name.size() - 4));
  }
}

Tensor NpzReader::read(std::size_t i) const {
  const auto source = archive_.open(archive_.entries()[i]);
  const Tensor value = read_npy(*source);
  source->finish();
  return value;
}

Shape NpzReader::checked_shape(std::size_t i) const {
  const auto source = archive_.open(archive_.entries()[i]);
  const Layout layout = read_header(*source);
  (void)element_count(layout, *source);
  source->finish();
  return layout.shape;
}

NamedTensors load_npz(const std::string& path) {
  const NpzReader file(path);
  NamedTensors out;
  for (std::size_t i = 0; i < file.size(); ++i) out.emplace_back(file.name(i), file.read(i));
  return out;
}

void save_npz(const std::string& path, const NamedTensors& entries, const NpzOptions& options) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].first;
    check_readable("save_npz", "the tensor '" + name + "'", entries[i].second);
    if (name.empty() || name.size() > 60000)
      throw ValueError("save_npz: entry " + std::to_string(i) + " of '" + path + "' needs a name of 1 to 60000 bytes.");
    for (std::size_t j = 0; j < i; ++j)
      if (entries[j].first == name)
        throw ValueError("save_npz: '" + path + "' would have two entries named '" + name +
                         "'. Give each its own name.");
  }
  AtomicFile file(path);
  ZipWriter archive(file);
  for (const auto& [name, tensor] : entries)
    archive.add(name + ".npy", header_of(tensor), bytes_of(tensor), options.compressed);
  archive.finish();
  file.commit();
}

}  // namespace strata
