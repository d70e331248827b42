// Reads the protocol buffer of an ONNX file, within bounds.
#include <algorithm>
#include <cstring>

#include "core/tensor_data.h"
#include "io/exchange/parsing.h"
#include "io/onnx/external_data.h"
#include "io/onnx/import.h"
#include "io/onnx/proto.h"
#include "io/protobuf.h"
#include "strata/array.h"

namespace strata::onnx {

DType dtype_of(std::int64_t type, const std::string& where) {
  for (const DType d : {boolean, uint8, int32, int64, float16, bfloat16, float32, float64})
    if (data_type(d) == type) return d;
  throw ValueError(where + ": ONNX's data type " + std::to_string(type) +
                   " is none that strata has (bool, uint8, int32, int64, float16, bfloat16, float32, float64).");
}

namespace {

using protozero::data_view;
using protozero::pbf_reader;

// Numbers that may be packed or not.
template <class T, class Packed, class Single>
void take(pbf_reader& in, std::vector<T>& out, Packed packed, Single single) {
  if (in.wire_type() != protozero::pbf_wire_type::length_delimited) {
    out.push_back(static_cast<T>(single(in)));
    return;
  }
  for (const auto v : packed(in)) out.push_back(static_cast<T>(v));
}
void take_int64(pbf_reader& in, std::vector<std::int64_t>& out) {
  take(
      in, out, [](auto& r) { return r.get_packed_int64(); }, [](auto& r) { return r.get_int64(); });
}

class Reader {
 public:
  Reader(const std::string& path, std::uint64_t limit) : path_(path), left_(limit), outside_(path) {}

  ReadGraph model(data_view bytes) {
    ReadGraph out;
    std::optional<data_view> graph;
    pbf_reader in(bytes);
    while (in.next()) switch (in.tag()) {
        case ModelField::graph:
          graph = in.get_view();
          break;
        case ModelField::opset_import:
          opset(in.get_view(), out);
          break;
        case ModelField::functions:
          throw ValueError(path_ + ": it defines functions of its own, which is not supported.");
        default:
          in.skip();
      }
    if (!graph) throw FileError(path_ + ": there is no graph in it; it is no ONNX file, or damaged.");
    read(*graph, out);
    return out;
  }

 private:
  void opset(data_view bytes, ReadGraph& out) const {
    std::string domain;
    std::int64_t version = 0;
    pbf_reader in(bytes);
    while (in.next()) {
      if (in.tag() == OpsetField::domain)
        domain = in.get_string();
      else if (in.tag() == OpsetField::version)
        version = in.get_int64();
      else
        in.skip();
    }
    if (domain.empty() || domain == "ai.onnx") out.opset = version;
  }

  void read(data_view bytes, ReadGraph& out) {
    pbf_reader in(bytes);
    while (in.next()) switch (in.tag()) {
        case GraphField::name:
          out.name = in.get_string();
          break;
        case GraphField::node:
          out.nodes.push_back(node(in.get_view()));
          break;
        case GraphField::initializer: {
          ReadInitializer i;
          i.value = tensor(in.get_view(), i.name, i.type);
          out.initializers.push_back(std::move(i));
          break;
        }
        case GraphField::input:
          out.inputs.push_back(value(in.get_view()));
          break;
        case GraphField::output:
          out.outputs.push_back(value(in.get_view()));
          break;
        case GraphField::sparse_initializer:
          throw ValueError(path_ + ": sparse initializers are not supported.");
        default:
          in.skip();
      }
  }

  ReadNode node(data_view bytes) {
    ReadNode n;
    pbf_reader in(bytes);
    while (in.next()) switch (in.tag()) {
        case NodeField::input:
          n.inputs.push_back(in.get_string());
          break;
        case NodeField::output:
          n.outputs.push_back(in.get_string());
          break;
        case NodeField::name:
          n.name = in.get_string();
          break;
        case NodeField::op_type:
          n.op = in.get_string();
          break;
        case NodeField::domain:
          n.domain = in.get_string();
          break;
        case NodeField::attribute:
          attribute(in.get_view(), n);
          break;
        default:
          in.skip();
      }
    if (n.name.empty() && !n.outputs.empty()) n.name = n.outputs[0];
    return n;
  }

  void attribute(data_view bytes, ReadNode& n) {
    std::string name;
    ReadAttribute a;
    pbf_reader in(bytes);
    while (in.next()) switch (in.tag()) {
        case AttributeField::name:
          name = in.get_string();
          break;
        case AttributeField::f:
          a.f = exchange::decimal_of(in.get_float());
          break;
        case AttributeField::i:
          a.i = in.get_int64();
          break;
        case AttributeField::s:
          a.s = in.get_string();
          break;
        case AttributeField::t: {
          std::string ignored;
          std::int64_t type = 0;
          a.tensor = tensor(in.get_view(), ignored, type);
          break;
        }
        case AttributeField::ints:
          take_int64(in, a.ints);
          break;
        case AttributeField::floats:
          take(
              in, a.floats, [](auto& r) { return r.get_packed_float(); }, [](auto& r) { return r.get_float(); });
          break;
        default:
          in.skip();
      }
    n.attributes[name] = std::move(a);
  }

  ReadValue value(data_view bytes) {
    ReadValue out;
    pbf_reader in(bytes);
    while (in.next()) {
      if (in.tag() == ValueField::name) {
        out.name = in.get_string();
      } else if (in.tag() == ValueField::type) {
        pbf_reader type = in.get_message();
        while (type.next()) {
          if (type.tag() == TypeField::tensor_type)
            out.spec = tensor_type(type.get_view());
          else
            type.skip();
        }
      } else {
        in.skip();
      }
    }
    return out;
  }

  std::optional<Spec> tensor_type(data_view bytes) {
    Spec spec;
    bool has_shape = false;
    pbf_reader in(bytes);
    while (in.next()) {
      if (in.tag() == TypeField::elem_type) {
        spec.dtype = dtype_of(in.get_enum(), path_);
      } else if (in.tag() == TypeField::shape) {
        has_shape = true;
        pbf_reader shape = in.get_message();
        while (shape.next()) {
          if (shape.tag() == TypeField::dim)
            add_dimension(spec.shape, shape.get_view());
          else
            shape.skip();
        }
      } else {
        in.skip();
      }
    }
    return has_shape ? std::optional<Spec>(spec) : std::nullopt;
  }

  void add_dimension(Shape& shape, data_view bytes) const {
    std::int64_t size = None;
    pbf_reader in(bytes);
    while (in.next()) {
      if (in.tag() == TypeField::dim_value)
        size = in.get_int64();
      else
        in.skip();
    }
    add(shape, size);
  }

  void add(Shape& shape, std::int64_t size) const {
    if (size != None && size < 0) throw FileError(path_ + ": a dimension is " + std::to_string(size) + ".");
    if (shape.size() == Shape::kMaxRank)
      throw ValueError(path_ + ": a tensor has more than " + std::to_string(Shape::kMaxRank) + " dimensions.");
    shape.push_back(size);
  }

  struct Contents {
    std::vector<std::int64_t> dims, integers;
    std::vector<double> reals;
    std::optional<data_view> raw;
    std::int64_t type = 0;
    bool is_outside = false;
    ExternalPlace place;
  };

  void entry(data_view bytes, ExternalPlace& place) const {
    std::string key, value;
    pbf_reader in(bytes);
    while (in.next()) {
      if (in.tag() == EntryField::key)
        key = in.get_string();
      else if (in.tag() == EntryField::value)
        value = in.get_string();
      else
        in.skip();
    }
    place.set(key, value, path_);
  }

  Contents contents(data_view bytes, std::string& name) {
    Contents c;
    pbf_reader in(bytes);
    while (in.next()) switch (in.tag()) {
        case TensorField::dims:
          take_int64(in, c.dims);
          break;
        case TensorField::data_type:
          c.type = in.get_int32();
          break;
        case TensorField::name:
          name = in.get_string();
          break;
        case TensorField::raw_data:
          c.raw = in.get_view();
          break;
        case TensorField::float_data:
          take(
              in, c.reals, [](auto& r) { return r.get_packed_float(); }, [](auto& r) { return r.get_float(); });
          break;
        case TensorField::double_data:
          take(
              in, c.reals, [](auto& r) { return r.get_packed_double(); }, [](auto& r) { return r.get_double(); });
          break;
        case TensorField::int32_data:
          take(
              in, c.integers, [](auto& r) { return r.get_packed_int32(); }, [](auto& r) { return r.get_int32(); });
          break;
        case TensorField::int64_data:
          take_int64(in, c.integers);
          break;
        case TensorField::external_data:
          entry(in.get_view(), c.place);
          break;
        case TensorField::data_location:
          c.is_outside = in.get_enum() == TensorField::outside;
          break;
        default:
          in.skip();
      }
    return c;
  }

  // Integers of other widths become int32.
  static Tensor widened(const Contents& c, const Shape& shape) {
    const std::size_t width = c.type == kInt8 ? 1 : 2;
    const auto* p = reinterpret_cast<const unsigned char*>(c.raw->data());
    std::vector<std::int32_t> all(c.raw->size() / width);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const unsigned bits = width == 1 ? p[i] : p[2 * i] | static_cast<unsigned>(p[2 * i + 1]) << 8;
      all[i] = c.type == kInt8    ? static_cast<std::int8_t>(bits)
               : c.type == kInt16 ? static_cast<std::int16_t>(bits)
                                  : static_cast<std::int32_t>(bits);
    }
    return Tensor::from(all, shape);
  }

  Tensor tensor(data_view bytes, std::string& name, std::int64_t& type) {
    Contents c = contents(bytes, name);
    type = c.type;
    const std::string where = path_ + ", tensor '" + name + "'";
    const bool narrow = type == kInt8 || type == kInt16 || type == kUint16;
    const DType dtype = narrow ? int32 : dtype_of(c.type, where);
    Shape shape;
    for (const std::int64_t d : c.dims) add(shape, d);
    const std::uint64_t size = exchange::checked_bytes(shape, dtype, where);
    if (size > left_)
      throw FileError(where +
                      ": the file declares more bytes of tensors than the limit allows. Raise memory_limit "
                      "where the file can be trusted.");
    left_ -= size;
    const auto count = static_cast<std::size_t>(shape.num_elements());
    const bool is_half = dtype == DType::float16 || dtype == DType::bfloat16;
    auto wrong = [&] {
      return FileError(where + ": its data do not have the size of its shape " + to_string(shape) + ".");
    };
    if (c.is_outside && !narrow) {
      Tensor out = detail::allocate(shape, dtype);
      outside_.read(c.place, where, size > 0 ? detail::data_of(out).raw() : nullptr, size);
      return out;
    }
    const std::size_t stored = narrow ? count * (type == kInt8 ? 1 : 2) : 0;
    std::string read(c.is_outside ? stored : 0, '\0');
    if (c.is_outside) {
      outside_.read(c.place, where, read.data(), stored);
      c.raw = data_view(read);
    }
    if (c.raw && narrow) {
      if (c.raw->size() != stored) throw wrong();
      return widened(c, shape);
    }
    if (c.raw) {
      if (c.raw->size() != size) throw wrong();
      Tensor out = detail::allocate(shape, dtype);
      if (size > 0) std::memcpy(detail::data_of(out).raw(), c.raw->data(), static_cast<std::size_t>(size));
      return out;
    }
    if (is_half) {  // their bits, as integers
      if (c.integers.size() != count) throw wrong();
      Tensor out = detail::allocate(shape, dtype);
      auto* p = static_cast<std::uint16_t*>(detail::data_of(out).raw());
      for (std::size_t i = 0; i < count; ++i) p[i] = static_cast<std::uint16_t>(c.integers[i]);
      return out;
    }
    if ((is_floating(dtype) ? c.reals.size() : c.integers.size()) != count) throw wrong();
    return is_floating(dtype) ? cast(Tensor::from(c.reals, shape), dtype)
                              : cast(Tensor::from(c.integers, shape), dtype);
  }

  std::string path_;
  std::uint64_t left_;
  ExternalReader outside_;
};

}  // namespace

ReadGraph read_graph(const std::string& path, std::uint64_t limit) {
  const std::string bytes = exchange::read_file(path, limit + exchange::kMetadataLimit);
  return exchange::parsing(path, [&] { return Reader(path, limit).model(bytes); });
}

}  // namespace strata::onnx
