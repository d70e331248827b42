// Types of elements, shapes, and attributes.
#include <algorithm>
#include <bit>

#include "core/half.h"
#include "io/hdf5/format.h"

namespace strata::hdf5 {

namespace {

using Kind = Datatype::Kind;

template <class T>
T load(const unsigned char* src, bool big_endian) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, src, sizeof(T));
  if (big_endian) std::reverse(bytes, bytes + sizeof(T));
  T v;
  std::memcpy(&v, bytes, sizeof(T));
  return v;
}

template <class From, class To>
void widen(const Datatype& type, const unsigned char* src, std::size_t count, void* dst) {
  auto* out = static_cast<To*>(dst);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<To>(load<From>(src + i * sizeof(From), type.big_endian));
}

template <class To>
void widen_integers(const Datatype& t, const unsigned char* src, std::size_t n, void* dst) {
  switch (t.size) {
    case 1:
      return t.is_signed ? widen<std::int8_t, To>(t, src, n, dst) : widen<std::uint8_t, To>(t, src, n, dst);
    case 2:
      return t.is_signed ? widen<std::int16_t, To>(t, src, n, dst) : widen<std::uint16_t, To>(t, src, n, dst);
    case 4:
      return t.is_signed ? widen<std::int32_t, To>(t, src, n, dst) : widen<std::uint32_t, To>(t, src, n, dst);
    default:
      return t.is_signed ? widen<std::int64_t, To>(t, src, n, dst) : widen<std::uint64_t, To>(t, src, n, dst);
  }
}

void read_number(Cursor& c, Datatype& out, std::uint32_t bits, bool real) {
  out.big_endian = (bits & 1) != 0;
  const std::uint16_t offset = c.u16(), precision = c.u16();
  const bool whole = offset == 0 && precision == out.size * 8;
  if (!real) {
    out.is_signed = (bits & 8) != 0;
    const bool known = out.size == 1 || out.size == 2 || out.size == 4 || out.size == 8;
    if (whole && known) out.kind = Kind::integer;
    out.description = (out.is_signed ? "int" : "uint") + std::to_string(out.size * 8);
    return;
  }
  const int exponent_at = c.u8(), exponent_bits = c.u8();
  out.description = "float" + std::to_string(out.size * 8);
  const bool is_ieee = (out.size == 2 && exponent_at == 10 && exponent_bits == 5) ||
                       (out.size == 4 && exponent_at == 23 && exponent_bits == 8) ||
                       (out.size == 8 && exponent_at == 52 && exponent_bits == 11);
  if (whole && is_ieee && (bits & 0x40) == 0) out.kind = Kind::real;
}

std::string trimmed(const Datatype& type, const unsigned char* src) {
  std::string text(reinterpret_cast<const char*>(src), type.size);
  if (type.padding == ' ') {
    text.erase(text.find_last_not_of(' ') + 1);
  } else if (const auto end = text.find('\0'); end != std::string::npos) {
    text.resize(end);
  }
  return text;
}

std::uint64_t padded(std::uint64_t n, bool pads) { return pads ? (n + 7) / 8 * 8 : n; }

Attribute read_attribute(const FileData& file, Bytes message) {
  Cursor c(message, file.name, "an attribute");
  const int version = c.u8();
  if (version < 1 || version > 3) c.unsupported("attributes of version " + std::to_string(version));
  const std::uint8_t flags = c.u8();
  if (version > 1 && (flags & 3) != 0) c.unsupported("attributes whose type lies elsewhere");
  const std::uint16_t name_size = c.u16(), type_size = c.u16(), space_size = c.u16();
  if (version == 3) c.skip(1);
  const bool pads = version == 1;
  const Bytes name = c.take(padded(name_size, pads));
  Attribute out;
  out.name = std::string(reinterpret_cast<const char*>(name.data()), name.size());
  if (const auto end = out.name.find('\0'); end != std::string::npos) out.name.resize(end);
  out.type = read_datatype(file, c.take(padded(type_size, pads)));
  out.shape = read_dataspace(file, c.take(padded(space_size, pads)));
  const std::uint64_t bytes = checked_bytes(file, out.shape, out.type.size, "attribute '" + out.name + "'");
  out.data = c.take(bytes);
  return out;
}

}  // namespace

Datatype read_datatype(const FileData& file, Bytes data) {
  Cursor c(data, file.name, "the type of elements");
  const std::uint8_t head = c.u8();
  const auto bits = static_cast<std::uint32_t>(c.uint(3));
  Datatype out;
  out.size = c.u32();
  switch (head & 0x0f) {
    case 0:
      read_number(c, out, bits, false);
      break;
    case 1:
      read_number(c, out, bits, true);
      break;
    case 3:
      out.kind = Kind::string;
      out.padding = (bits & 0x0f) == 2 ? ' ' : '\0';
      out.description = "string";
      break;
    case 5:
      out.kind = Kind::opaque;
      out.description = "opaque type";
      break;
    case 8: {  // h5py's booleans are an enumeration of one byte
      const Datatype base = read_datatype(file, c.take(c.remaining()));
      out.big_endian = base.big_endian;
      out.is_signed = base.is_signed;
      out.kind = out.size == 1 && base.kind == Kind::integer ? Kind::boolean : Kind::other;
      out.description = "enumeration";
      break;
    }
    case 9:
      if ((bits & 0x0f) == 1) out.kind = Kind::variable_string;
      out.description = "variable-length type";
      break;
    default:
      out.description = "type of class " + std::to_string(head & 0x0f);
  }
  if (out.size == 0 && out.kind != Kind::string) c.fail("it has no size");
  return out;
}

Shape read_dataspace(const FileData& file, Bytes data) {
  Cursor c(data, file.name, "a shape");
  const int version = c.u8();
  const std::size_t rank = c.u8();
  c.skip(1);
  if (version == 1)
    c.skip(5);
  else if (version == 2) {
    if (c.u8() == 2) return Shape({0});  // no elements
  } else {
    c.fail("its version is unknown");
  }
  if (rank > 32) c.fail("it has more than 32 dimensions");
  std::vector<std::int64_t> dims;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint64_t d = c.uint(file.length_size);
    if (d > (std::uint64_t{1} << 48)) c.fail("a dimension is larger than any file");
    dims.push_back(static_cast<std::int64_t>(d));
  }
  return Shape(dims);
}

std::vector<Attribute> read_attributes(const FileData& file, const std::vector<Message>& messages) {
  std::vector<Attribute> out;
  for (const Message& m : messages)
    if (m.type == 0x000C) out.push_back(read_attribute(file, m.data));
  if (const Message* info = find_message(messages, 0x0015)) {
    Cursor c(info->data, file.name, "the attributes of an object");
    c.skip(1);
    if (c.u8() & 1) c.skip(2);
    const std::uint64_t heap = c.address(file.offset_size), tree = c.address(file.offset_size);
    if (heap != kUndefined)
      for (const Bytes& object : read_heap_objects(file, heap, tree, 0)) out.push_back(read_attribute(file, object));
  }
  return out;
}

std::uint64_t checked_bytes(const FileData& file, const Shape& shape, std::size_t element, const std::string& path) {
  std::uint64_t total = element;
  for (const std::int64_t d : shape) {
    const auto n = static_cast<std::uint64_t>(d);
    if (n != 0 && total > file.limits.bytes / n)
      throw FileError("'" + file.name + "': " + path + " declares " + to_string(shape) + " elements of " +
                      std::to_string(element) + " bytes, more than the limit of " + std::to_string(file.limits.bytes) +
                      " bytes. The file is damaged, or too large.");
    total *= n;
  }
  if (total > file.limits.bytes)
    throw FileError("'" + file.name + "': " + path + " declares more than the limit of " +
                    std::to_string(file.limits.bytes) + " bytes. The file is damaged, or too large.");
  return total;
}

DType tensor_dtype(const FileData& file, const Datatype& type, const std::string& path) {
  if (type.kind == Kind::boolean) return DType::boolean;
  if (type.kind == Kind::real)
    return type.size == 2 ? DType::float16 : type.size == 4 ? DType::float32 : DType::float64;
  if (type.kind == Kind::opaque && type.size == 2) return DType::bfloat16;  // as NumPy keeps it
  if (type.kind == Kind::integer) {
    if (type.size == 1 && !type.is_signed) return DType::uint8;
    if (type.size < 4 || (type.size == 4 && type.is_signed)) return DType::int32;
    return DType::int64;
  }
  throw FileError("'" + file.name + "': " + path + " holds elements of " + type.description +
                  ", of which strata has no tensors.");
}

void convert_elements(const Datatype& type, const unsigned char* src, std::size_t count, DType to, void* dst) {
  const bool same = type.size == size_of(to) && (!type.big_endian || type.size == 1);
  if (same) {
    if (count > 0) std::memcpy(dst, src, count * type.size);
    if (to == DType::boolean)
      for (std::size_t i = 0; i < count; ++i) static_cast<unsigned char*>(dst)[i] = src[i] != 0;
    return;
  }
  switch (to) {
    case DType::float16:
    case DType::bfloat16:
      return widen<std::uint16_t, std::uint16_t>(type, src, count, dst);
    case DType::float32:
      return widen<float, float>(type, src, count, dst);
    case DType::float64:
      return widen<double, double>(type, src, count, dst);
    case DType::int32:
      return widen_integers<std::int32_t>(type, src, count, dst);
    default:
      return widen_integers<std::int64_t>(type, src, count, dst);
  }
}

std::vector<std::string> strings_of(const FileData& file, const Datatype& type, Bytes data, std::size_t count) {
  std::vector<std::string> out;
  out.reserve(std::min<std::size_t>(count, 1 << 20));
  Cursor c(data, file.name, "text");
  for (std::size_t i = 0; i < count; ++i) {
    if (type.kind == Kind::variable_string) {
      out.push_back(read_global(file, c));
      continue;
    }
    const Bytes element = c.take(type.size);
    if (type.kind == Kind::string) {
      out.push_back(trimmed(type, element.data()));
    } else if (type.kind == Kind::integer || type.kind == Kind::boolean) {
      std::int64_t v = 0;
      widen_integers<std::int64_t>(type, element.data(), 1, &v);
      out.push_back(std::to_string(v));
    } else if (type.kind == Kind::real && type.size == 8) {
      out.push_back(std::to_string(load<double>(element.data(), type.big_endian)));
    } else {
      throw FileError("'" + file.name + "': text was expected, but the elements are of " + type.description + ".");
    }
  }
  return out;
}

}  // namespace strata::hdf5
