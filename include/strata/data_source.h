/// \file
/// What the templates of data.h stand on: sources and passes without types.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/structure.h"
#include "strata/tensor.h"

namespace strata::data {

/// For `prefetch` and `num_parallel_calls`: strata chooses.
inline constexpr std::int64_t AUTOTUNE = -1;
/// What cardinality() says of an endless data set, and of one whose number of elements only running it can tell.
inline constexpr std::int64_t INFINITE_CARDINALITY = -1, UNKNOWN_CARDINALITY = -2;

struct ShuffleOptions {
  std::optional<std::int64_t> seed = {};  ///< without it, from utils::set_random_seed where that was called
  bool reshuffle_each_iteration = true;   ///< a new order for each pass, itself determined by the seed
};
struct BatchOptions {
  bool drop_remainder = false;  ///< leave out a last batch that is not full
};
struct MapOptions {
  std::int64_t num_parallel_calls = 1;  ///< threads that call the function; the order of the elements stays
};
struct PaddedBatchOptions {
  std::vector<Shape> padded_shapes =
      {};                       ///< one for each component; None, and those left out: the largest of the batch
  Tensors padding_values = {};  ///< one for each component; those left out are 0
  bool drop_remainder = false;
};
struct SampleOptions {
  std::vector<double> weights = {};  ///< how often each is asked; empty: all alike
  std::optional<std::int64_t> seed = {};
  bool stop_on_empty_dataset = false;      ///< else the others go on until all are empty
  bool rerandomize_each_iteration = true;  ///< a new order in each pass
};
struct WindowOptions {
  std::optional<std::int64_t> shift = {};  ///< from the start of a window to the next one; its size without it
  std::int64_t stride = 1;                 ///< from element to element within a window
  bool drop_remainder = false;             ///< leave out windows that are not full
};
struct InterleaveOptions {
  std::int64_t cycle_length = 2;  ///< how many data sets are read in turns
  std::int64_t block_length = 1;  ///< elements of one before it is the next one's turn
};
/// Shape and element type of one component of an element; the batch dimension of `batch` is None.
struct TensorSpec {
  Shape shape;
  DType dtype = DType::float32;
  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

namespace detail {

/// One pass over a data set; not shared between threads.
class STRATA_API Iterator {
 public:
  virtual ~Iterator();
  /// The components of the next element; false at the end.
  virtual bool next(Tensors& element) = 0;
};

/// A callable of the user, on the components of an element.
class STRATA_API Function {
 public:
  virtual ~Function();
  virtual Tensors call(const Tensors& element) const = 0;
};
using FunctionPtr = std::shared_ptr<const Function>;

class Source;
using SourcePtr = std::shared_ptr<const Source>;

/// A callable of the user that gives a data set.
class STRATA_API SourceFunction {
 public:
  virtual ~SourceFunction();
  virtual SourcePtr call(const Tensors& element) const = 0;
};
using SourceFunctionPtr = std::shared_ptr<const SourceFunction>;

/// A function that makes the elements one after another, made anew for each pass.
class STRATA_API Generator {
 public:
  virtual ~Generator();
  virtual std::unique_ptr<Iterator> start() const = 0;
};

STRATA_API SourcePtr slices(const Tensors& tensors);
STRATA_API SourcePtr whole(const Tensors& tensors);
STRATA_API SourcePtr range(std::int64_t start, std::int64_t stop, std::int64_t step);
STRATA_API SourcePtr generated(std::shared_ptr<const Generator> generator);
STRATA_API SourcePtr shuffle(const SourcePtr& in, std::int64_t buffer_size, const ShuffleOptions& options);
STRATA_API SourcePtr batch(const SourcePtr& in, std::int64_t batch_size, const BatchOptions& options);
STRATA_API SourcePtr unbatch(const SourcePtr& in);
STRATA_API SourcePtr map(const SourcePtr& in, FunctionPtr function, const MapOptions& options);
STRATA_API SourcePtr filter(const SourcePtr& in, FunctionPtr predicate);
STRATA_API SourcePtr take_while(const SourcePtr& in, FunctionPtr predicate);
STRATA_API SourcePtr prefetch(const SourcePtr& in, std::int64_t buffer_size);
STRATA_API SourcePtr cache(const SourcePtr& in, const std::string& path = {});
STRATA_API SourcePtr padded_batch(const SourcePtr& in, std::int64_t batch_size, const PaddedBatchOptions& options);
STRATA_API SourcePtr window(const SourcePtr& in, std::int64_t size, const WindowOptions& options);
STRATA_API SourcePtr interleave(const SourcePtr& in, SourceFunctionPtr function, const InterleaveOptions& options);
STRATA_API SourcePtr repeat(const SourcePtr& in, std::int64_t count);
STRATA_API SourcePtr take(const SourcePtr& in, std::int64_t count);
STRATA_API SourcePtr skip(const SourcePtr& in, std::int64_t count);
STRATA_API SourcePtr shard(const SourcePtr& in, std::int64_t num_shards, std::int64_t index);
STRATA_API SourcePtr concatenate(const SourcePtr& a, const SourcePtr& b);
STRATA_API SourcePtr zip(const SourcePtr& a, const SourcePtr& b);
STRATA_API SourcePtr sample(const std::vector<SourcePtr>& from, const SampleOptions& options);

/// The tensors in what a user's function returns: a tensor (or a number), or a pair, tuple or array of them.
template <class R>
struct Element {
  static_assert(std::convertible_to<const R&, Tensor>,
                "a function of a data set returns a tensor, or a pair, tuple or array of tensors");
  using Types = std::tuple<Tensor>;
  static Tensors flat(const R& r) { return {Tensor(r)}; }
};
template <class R>
requires strata::detail::IsTupleLike<R>::value struct Element<R> {
  template <std::size_t>
  using Each = Tensor;
  template <std::size_t... I>
  static std::tuple<Each<I>...> types(std::index_sequence<I...>);
  using Types = decltype(types(std::make_index_sequence<std::tuple_size_v<R>>()));
  static Tensors flat(const R& r) {
    return std::apply([](const auto&... v) { return Tensors{Tensor(v)...}; }, r);
  }
};

template <std::size_t... I, class F>
decltype(auto) call_with(F& f, const Tensors& element, std::index_sequence<I...>) {
  return f(element[I]...);
}
template <class F, std::size_t N>
using ResultOf = std::remove_cvref_t<decltype(call_with(std::declval<const F&>(), std::declval<const Tensors&>(),
                                                        std::make_index_sequence<N>()))>;

template <class F, std::size_t N>
class Callable final : public Function {
 public:
  explicit Callable(const F& f) : f_(f) {}
  Tensors call(const Tensors& element) const override {
    return Element<ResultOf<F, N>>::flat(call_with(f_, element, std::make_index_sequence<N>()));
  }

 private:
  F f_;
};

template <class F, std::size_t N>
class CallableSource final : public SourceFunction {
 public:
  explicit CallableSource(const F& f) : f_(f) {}
  SourcePtr call(const Tensors& element) const override {
    return call_with(f_, element, std::make_index_sequence<N>()).source();
  }

 private:
  F f_;
};

template <class Make>
class CallableGenerator final : public Generator {
  using Next = std::invoke_result_t<const Make&>;
  struct Run final : Iterator {
    explicit Run(Next n) : f(std::move(n)) {}
    bool next(Tensors& element) override {
      auto value = f();
      if (!value) return false;
      element = Element<std::remove_cvref_t<decltype(*value)>>::flat(*value);
      return true;
    }
    Next f;
  };

 public:
  explicit CallableGenerator(const Make& make) : make_(make) {}
  std::unique_ptr<Iterator> start() const override { return std::make_unique<Run>(make_()); }

 private:
  Make make_;
};

template <class Types>
struct DatasetFor;

}  // namespace detail

}  // namespace strata::data
