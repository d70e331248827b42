// Comparisons, logic, bits, classification of numbers, and where.
#include <cmath>

#include "ops/math_binary.h"
#include "strata/array.h"
#include "strata/math.h"

namespace strata {

namespace {

// Def has: name, and f(a, b) that gives a bool.
template <class Def>
struct CompareOp final : OpBase<CompareOp<Def>> {
  std::string_view name() const override { return Def::name; }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype != in[1].dtype)
      throw DTypeError(std::string(Def::name) + ": operands have dtypes " + to_string(in[0].dtype) + " and " +
                       to_string(in[1].dtype) + ". Cast one of them.");
    return {{detail::broadcast_shapes(Def::name, in[0].shape, in[1].shape), DType::boolean}};
  }
  void run(RunContext& c) const override {
    const auto layout = kernels::binary_layout(c.out_shape(), c.in_shape(0), c.in_shape(1));
    dispatch_all(c.in[0].dtype(), [&]<class T>() {
      kernels::map_binary(layout, c.src<T>(0), c.src<T>(1), c.dst<bool>(), 1,
                          [](T a, T b) { return Def::f(static_cast<Compute<T>>(a), static_cast<Compute<T>>(b)); });
    });
  }
};

template <class Def>
Tensor compare(const std::pair<Tensor, Tensor>& operands) {
  static const OpPtr op = std::make_shared<CompareOp<Def>>();
  return apply1(op, {operands.first, operands.second});
}

// Def has: name, and f(a, b) on integers.
template <class Def>
struct BitOp final : OpBase<BitOp<Def>> {
  std::string_view name() const override { return Def::name; }
  Specs infer(const Specs& in) const override {
    for (const Spec& s : in)
      if (is_floating(s.dtype) || s.dtype != in[0].dtype)
        throw DTypeError(std::string(Def::name) + ": operands must be integers or bool of one dtype, not " +
                         describe(in) + ".");
    return {{detail::broadcast_shapes(Def::name, in[0].shape, in[1].shape), in[0].dtype}};
  }
  void run(RunContext& c) const override {
    const auto layout = kernels::binary_layout(c.out_shape(), c.in_shape(0), c.in_shape(1));
    auto loop = [&]<class T>() {
      kernels::map_binary(layout, c.src<T>(0), c.src<T>(1), c.dst<T>(), 1,
                          [](T a, T b) { return static_cast<T>(Def::f(a, b)); });
    };
    switch (c.in[0].dtype()) {
      case DType::boolean:
        return loop.template operator()<bool>();
      case DType::uint8:
        return loop.template operator()<std::uint8_t>();
      case DType::int32:
        return loop.template operator()<std::int32_t>();
      default:
        return loop.template operator()<std::int64_t>();
    }
  }
};

template <class Def>
Tensor bits(const std::pair<Tensor, Tensor>& operands) {
  static const OpPtr op = std::make_shared<BitOp<Def>>();
  return apply1(op, {operands.first, operands.second});
}

// Def has: name, and f(v) of a floating value.
template <class Def>
struct ClassifyOp final : OpBase<ClassifyOp<Def>> {
  std::string_view name() const override { return Def::name; }
  Specs infer(const Specs& in) const override { return {{in[0].shape, DType::boolean}}; }
  void run(RunContext& c) const override {
    dispatch_floating(Def::name, c.in[0].dtype(), [&]<class T>() {
      kernels::map_unary(c.src<T>(0), c.dst<bool>(), c.in[0].size(), 2,
                         [](T v) { return Def::f(static_cast<Compute<T>>(v)); });
    });
  }
};

template <class Def>
Tensor classify(const Tensor& x) {
  static const OpPtr op = std::make_shared<ClassifyOp<Def>>();
  return apply1(op, {detail::as_floating(x)});
}

struct LogicalNot final : OpBase<LogicalNot> {
  std::string_view name() const override { return "logical_not"; }
  Specs infer(const Specs& in) const override { return {{in[0].shape, DType::boolean}}; }
  void run(RunContext& c) const override {
    kernels::map_unary(c.src<bool>(0), c.dst<bool>(), c.in[0].size(), 1, [](bool v) { return !v; });
  }
};

// condition, a, b of one shape; b where the condition is false.
struct Where final : OpBase<Where> {
  std::string_view name() const override { return "where"; }
  Specs infer(const Specs& in) const override {
    if (in[0].dtype != DType::boolean)
      throw DTypeError("where: the condition has dtype " + to_string(in[0].dtype) +
                       ", expected bool. Compare first: where(x > 0, a, b).");
    if (in[1].dtype != in[2].dtype)
      throw DTypeError("where: the choices have dtypes " + to_string(in[1].dtype) + " and " + to_string(in[2].dtype) +
                       ".");
    const Shape choices = detail::broadcast_shapes("where", in[1].shape, in[2].shape);
    return {{detail::broadcast_shapes("where", in[0].shape, choices), in[1].dtype}};
  }
  void run(RunContext& c) const override {
    const Shape& out = c.out_shape();
    // Dense copies of what is stretched keep the loop simple; mostly all three have one shape.
    const Tensor condition = dense(c.in[0], out);
    const Tensor a = dense(c.in[1], out), b = dense(c.in[2], out);
    const bool* p = detail::elements<bool>(condition);
    dispatch_all(a.dtype(), [&]<class T>() {
      const T *x = detail::elements<T>(a), *y = detail::elements<T>(b);
      T* dst = c.dst<T>();
      kernels::parallel_for(out.num_elements(), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) dst[i] = p[i] ? x[i] : y[i];
      });
    });
  }
  bool is_differentiable() const override { return true; }
  Tensors grad(const GradContext& c) const override {
    const Tensor dy = c.grad(), zero = zeros_like(dy);
    return {Tensor(), c.needed(1) ? sum_to_like(where(c.input(0), dy, zero), c.input(1)) : Tensor(),
            c.needed(2) ? sum_to_like(where(c.input(0), zero, dy), c.input(2)) : Tensor()};
  }

 private:
  static Tensor dense(const Tensor& t, const Shape& shape) {
    if (t.shape() == shape) return t;
    Tensor out = detail::allocate(shape, t.dtype());
    const auto layout = kernels::binary_layout(shape, t.shape(), t.shape());
    dispatch_all(t.dtype(), [&]<class T>() {
      kernels::map_binary(layout, detail::elements<T>(t), detail::elements<T>(t), detail::mutable_elements<T>(out), 1,
                          [](T v, T) { return v; });
    });
    return out;
  }
};

Tensor truth(const Tensor& x) { return x.dtype() == DType::boolean ? x : cast(x, DType::boolean); }

struct EqualDef {
  static constexpr const char* name = "equal";
  template <class T>
  static auto f(T a, T b) {
    return a == b;
  }
};
struct NotEqualDef {
  static constexpr const char* name = "not_equal";
  template <class T>
  static auto f(T a, T b) {
    return a != b;
  }
};
struct LessDef {
  static constexpr const char* name = "less";
  template <class T>
  static auto f(T a, T b) {
    return a < b;
  }
};
struct LessEqualDef {
  static constexpr const char* name = "less_equal";
  template <class T>
  static auto f(T a, T b) {
    return a <= b;
  }
};
struct GreaterDef {
  static constexpr const char* name = "greater";
  template <class T>
  static auto f(T a, T b) {
    return a > b;
  }
};
struct GreaterEqualDef {
  static constexpr const char* name = "greater_equal";
  template <class T>
  static auto f(T a, T b) {
    return a >= b;
  }
};
struct LogicalAndDef {
  static constexpr const char* name = "logical_and";
  template <class T>
  static auto f(T a, T b) {
    return a && b;
  }
};
struct LogicalOrDef {
  static constexpr const char* name = "logical_or";
  template <class T>
  static auto f(T a, T b) {
    return a || b;
  }
};
struct LogicalXorDef {
  static constexpr const char* name = "logical_xor";
  template <class T>
  static auto f(T a, T b) {
    return a != b;
  }
};
struct BitwiseAndDef {
  static constexpr const char* name = "bitwise_and";
  template <class T>
  static auto f(T a, T b) {
    return a & b;
  }
};
struct BitwiseOrDef {
  static constexpr const char* name = "bitwise_or";
  template <class T>
  static auto f(T a, T b) {
    return a | b;
  }
};
struct BitwiseXorDef {
  static constexpr const char* name = "bitwise_xor";
  template <class T>
  static auto f(T a, T b) {
    return a ^ b;
  }
};
struct IsnanDef {
  static constexpr const char* name = "isnan";
  template <class T>
  static bool f(T v) {
    return std::isnan(v);
  }
};
struct IsinfDef {
  static constexpr const char* name = "isinf";
  template <class T>
  static bool f(T v) {
    return std::isinf(v);
  }
};
struct IsfiniteDef {
  static constexpr const char* name = "isfinite";
  template <class T>
  static bool f(T v) {
    return std::isfinite(v);
  }
};

}  // namespace

Tensor equal(const Tensor& a, const Tensor& b) { return compare<EqualDef>(detail::promote_operands(a, b)); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return compare<NotEqualDef>(detail::promote_operands(a, b)); }
Tensor less(const Tensor& a, const Tensor& b) { return compare<LessDef>(detail::promote_operands(a, b)); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return compare<LessEqualDef>(detail::promote_operands(a, b)); }
Tensor greater(const Tensor& a, const Tensor& b) { return compare<GreaterDef>(detail::promote_operands(a, b)); }
Tensor greater_equal(const Tensor& a, const Tensor& b) {
  return compare<GreaterEqualDef>(detail::promote_operands(a, b));
}
Tensor logical_and(const Tensor& a, const Tensor& b) { return bits<LogicalAndDef>({truth(a), truth(b)}); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return bits<LogicalOrDef>({truth(a), truth(b)}); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return bits<LogicalXorDef>({truth(a), truth(b)}); }
Tensor bitwise_and(const Tensor& a, const Tensor& b) { return bits<BitwiseAndDef>(detail::promote_operands(a, b)); }
Tensor bitwise_or(const Tensor& a, const Tensor& b) { return bits<BitwiseOrDef>(detail::promote_operands(a, b)); }
Tensor bitwise_xor(const Tensor& a, const Tensor& b) { return bits<BitwiseXorDef>(detail::promote_operands(a, b)); }
Tensor isnan(const Tensor& x) { return classify<IsnanDef>(x); }
Tensor isinf(const Tensor& x) { return classify<IsinfDef>(x); }
Tensor isfinite(const Tensor& x) { return classify<IsfiniteDef>(x); }

Tensor logical_not(const Tensor& a) {
  static const OpPtr op = std::make_shared<LogicalNot>();
  return apply1(op, {truth(a)});
}
Tensor bitwise_not(const Tensor& a) {
  return a.dtype() == DType::boolean ? logical_not(a)
                                     : bitwise_xor(a, cast(a.dtype() == DType::uint8 ? 255 : -1, a.dtype()));
}
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  static const OpPtr op = std::make_shared<Where>();
  const auto [x, y] = detail::promote_operands(a, b);
  return apply1(op, {truth(condition), x, y});
}

void register_compare(Registry& r) {
  r.add<CompareOp<EqualDef>>();
  r.add<CompareOp<NotEqualDef>>();
  r.add<CompareOp<LessDef>>();
  r.add<CompareOp<LessEqualDef>>();
  r.add<CompareOp<GreaterDef>>();
  r.add<CompareOp<GreaterEqualDef>>();
  r.add<BitOp<LogicalAndDef>>();
  r.add<BitOp<LogicalOrDef>>();
  r.add<BitOp<LogicalXorDef>>();
  r.add<BitOp<BitwiseAndDef>>();
  r.add<BitOp<BitwiseOrDef>>();
  r.add<BitOp<BitwiseXorDef>>();
  r.add<ClassifyOp<IsnanDef>>();
  r.add<ClassifyOp<IsinfDef>>();
  r.add<ClassifyOp<IsfiniteDef>>();
  r.add<LogicalNot>();
  r.add<Where>();
}

}  // namespace strata
