#include "io/saved_model/parse.h"

#include <cstring>
#include <optional>

#include "core/tensor_data.h"
#include "io/protobuf.h"
#include "io/saved_model/proto.h"
#include "strata/array.h"

namespace strata::saved_model {

Shape read_shape(protozero::data_view bytes, const std::string& where) {
  Shape out;
  protozero::pbf_reader in(bytes);
  while (in.next()) {
    if (in.tag() == ShapeField::dim) {
      protozero::pbf_reader dim = in.get_message();
      std::int64_t size = 0;
      while (dim.next()) {
        if (dim.tag() == ShapeField::size)
          size = dim.get_int64();
        else
          dim.skip();
      }
      if (size < -1) throw FileError(where + ": a dimension is " + std::to_string(size) + ".");
      if (out.size() == Shape::kMaxRank)
        throw FileError(where + ": a tensor has more than " + std::to_string(Shape::kMaxRank) + " dimensions.");
      out.push_back(size == -1 ? None : size);
    } else if (in.tag() == ShapeField::unknown_rank && in.get_bool()) {
      throw ValueError(where + ": the number of dimensions of a tensor is not known, which is not supported.");
    } else if (in.tag() != ShapeField::unknown_rank) {
      in.skip();
    }
  }
  return out;
}

namespace {

// Values that were written one by one; the last fills up the rest.
class Values {
 public:
  void take(protozero::pbf_reader& in) {
    using protozero::pbf_wire_type;
    const bool packed = in.wire_type() == pbf_wire_type::length_delimited;
    switch (in.tag()) {
      case TensorField::float_val:
        return add_all(
            in, packed, [](auto& r) { return r.get_packed_float(); }, [](auto& r) { return r.get_float(); });
      case TensorField::double_val:
        return add_all(
            in, packed, [](auto& r) { return r.get_packed_double(); }, [](auto& r) { return r.get_double(); });
      case TensorField::bool_val:
        return add_all(
            in, packed, [](auto& r) { return r.get_packed_bool(); }, [](auto& r) { return r.get_bool(); });
      case TensorField::int64_val:
        return add_integers(
            in, packed, [](auto& r) { return r.get_packed_int64(); }, [](auto& r) { return r.get_int64(); });
      default:  // int_val, half_val
        return add_integers(
            in, packed, [](auto& r) { return r.get_packed_int32(); }, [](auto& r) { return r.get_int32(); });
    }
  }
  bool empty() const { return reals_.empty() && integers_.empty(); }

  Tensor fill(const Shape& shape, DType dtype, const std::string& where) const {
    const auto count = static_cast<std::size_t>(shape.num_elements());
    if (std::max(reals_.size(), integers_.size()) > count)
      throw FileError(where + ": a tensor has more values than elements.");
    if (dtype == DType::float16 || dtype == DType::bfloat16) {  // half_val holds their bits
      Tensor out = detail::allocate(shape, dtype);
      auto* p = static_cast<std::uint16_t*>(detail::data_of(out).raw());
      for (std::size_t i = 0; i < count; ++i)
        p[i] = static_cast<std::uint16_t>(integers_.empty() ? 0 : integers_[std::min(i, integers_.size() - 1)]);
      return out;
    }
    if (is_floating(dtype) || dtype == DType::boolean) return cast(spread(reals_, shape, count), dtype);
    return cast(spread(integers_, shape, count), dtype);
  }

 private:
  template <class T>
  static Tensor spread(const std::vector<T>& values, const Shape& shape, std::size_t count) {
    std::vector<T> all(count, values.empty() ? T(0) : values.back());
    std::copy(values.begin(), values.end(), all.begin());
    return Tensor::adopt(std::move(all), shape);
  }
  template <class P, class S>
  void add_all(protozero::pbf_reader& in, bool packed, P get_packed, S get_single) {
    if (!packed) return reals_.push_back(static_cast<double>(get_single(in)));
    for (const auto v : get_packed(in)) reals_.push_back(static_cast<double>(v));
  }
  template <class P, class S>
  void add_integers(protozero::pbf_reader& in, bool packed, P get_packed, S get_single) {
    if (!packed) return integers_.push_back(get_single(in));
    for (const auto v : get_packed(in)) integers_.push_back(v);
  }
  std::vector<double> reals_;
  std::vector<std::int64_t> integers_;
};

}  // namespace

Tensor read_tensor(protozero::data_view bytes, const std::string& where, std::uint64_t limit) {
  protozero::pbf_reader in(bytes);
  std::int64_t type = 0;
  Shape shape;
  std::optional<protozero::data_view> content;
  Values values;
  while (in.next()) switch (in.tag()) {
      case TensorField::dtype:
        type = in.get_enum();
        break;
      case TensorField::shape:
        shape = read_shape(in.get_view(), where);
        break;
      case TensorField::content:
        content = in.get_view();
        break;
      case TensorField::float_val:
      case TensorField::double_val:
      case TensorField::int_val:
      case TensorField::int64_val:
      case TensorField::bool_val:
      case TensorField::half_val:
        values.take(in);
        break;
      default:
        in.skip();
    }
  const DType dtype = dtype_of_type(type, where);
  if (!shape.is_known()) throw FileError(where + ": the shape of a constant is not known.");
  const std::uint64_t size = checked_bytes(shape, dtype, where);
  if (size > limit)
    throw FileError(where + ": a constant of " + std::to_string(size) + " bytes is beyond the limit of " +
                    std::to_string(limit) + ".");
  if (!content || content->size() == 0) return values.fill(shape, dtype, where);
  if (content->size() != size)
    throw FileError(where + ": a constant of shape " + to_string(shape) + " has " + std::to_string(content->size()) +
                    " bytes, expected " + std::to_string(size) + ".");
  Tensor out = detail::allocate(shape, dtype);
  if (size > 0) std::memcpy(detail::data_of(out).raw(), content->data(), static_cast<std::size_t>(size));
  return out;
}

}  // namespace strata::saved_model
