/// \file
/// Input pipelines: data::from_tensor_slices(x, y).shuffle(1024).batch(64).prefetch(2), in the manner of tf.data.
#pragma once

#include <concepts>
#include <cstdint>
#include <iterator>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/data_source.h"
#include "strata/enumerate.h"
#include "strata/tensor.h"

namespace strata::data {

/// A data set of elements with any number of components: what Dataset<...> is to those that need not know the number.
/// Its elements are lists of tensors.
class STRATA_API AnyDataset {
 public:
  explicit AnyDataset(detail::SourcePtr source);
  AnyDataset(const AnyDataset&);
  AnyDataset& operator=(const AnyDataset&) &;
  ~AnyDataset();

  /// The number of elements, or INFINITE_CARDINALITY or UNKNOWN_CARDINALITY.
  std::int64_t cardinality() const;
  /// The number of elements. Throws ValueError where it is infinite or unknown.
  std::int64_t size() const;
  /// One for each component. Of a function's results it is that of the first element, which is computed for it.
  std::vector<TensorSpec> element_spec() const;
  /// Starts a pass, independent of all others.
  std::unique_ptr<detail::Iterator> make_iterator() const;
  const detail::SourcePtr& source() const { return source_; }

 private:
  detail::SourcePtr source_;
};

/// A sequence of elements, each of sizeof...(T) tensors, made while it is walked:
///
///     auto dataset = data::from_tensor_slices(x, y).shuffle(1024, {.seed = 7}).batch(64).prefetch(2);
///     for (auto& [bx, by] : dataset) step(bx, by);
///
/// A handle: copies are cheap, and each method gives a new data set. An element is a std::tuple of tensors, or the
/// tensor itself where there is one component. Each `for` is a new pass; passes do not disturb each other, in other
/// threads too. Errors in functions of the user name the element.
template <class... T>
class Dataset : public AnyDataset {
  static_assert(sizeof...(T) > 0 && (std::same_as<T, Tensor> && ...), "the components of a data set are tensors");
  static constexpr std::size_t N = sizeof...(T);

 public:
  using value_type = std::conditional_t<N == 1, Tensor, std::tuple<T...>>;
  using AnyDataset::AnyDataset;

  /// Reads on in a pass; copies share it.
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = typename Dataset::value_type;
    using difference_type = std::ptrdiff_t;
    using reference = value_type&;
    using pointer = value_type*;
    iterator() = default;
    explicit iterator(std::unique_ptr<detail::Iterator> run) : state_(std::make_shared<State>()) {
      state_->run = std::move(run);
      ++*this;
    }
    reference operator*() const { return state_->value; }
    pointer operator->() const { return &state_->value; }
    iterator& operator++() {
      Tensors element;
      if (!state_->run->next(element))
        state_.reset();
      else
        set(element, std::make_index_sequence<N>());
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& a, const iterator& b) { return a.state_ == b.state_; }

   private:
    struct State {
      std::unique_ptr<detail::Iterator> run;
      value_type value;
    };
    template <std::size_t... I>
    void set(const Tensors& element, std::index_sequence<I...>) {
      state_->value = value_type(element[I]...);
    }
    std::shared_ptr<State> state_;
  };

  iterator begin() const { return iterator(make_iterator()); }
  iterator end() const { return {}; }

  /// Elements in random order. Slices of tensors in memory are shuffled perfectly whatever `buffer_size`, since it
  /// costs nothing; other elements by a buffer of that size, as in tf.data. A `buffer_size` of 1 changes nothing.
  Dataset shuffle(std::int64_t buffer_size, const ShuffleOptions& options = {}) const {
    return Dataset(detail::shuffle(source(), buffer_size, options));
  }
  /// Stacks so many elements along a new first dimension; the last batch may be smaller. Throws ShapeError where
  /// elements of one batch differ in shape.
  Dataset batch(std::int64_t batch_size, const BatchOptions& options = {}) const {
    return Dataset(detail::batch(source(), batch_size, options));
  }
  /// TensorFlow's second argument.
  Dataset batch(std::int64_t batch_size, std::same_as<bool> auto drop_remainder) const {
    return batch(batch_size, BatchOptions{.drop_remainder = drop_remainder});
  }
  /// The rows of each element: undoes batch.
  Dataset unbatch() const { return Dataset(detail::unbatch(source())); }
  /// `f(component...)` of each element; it returns a tensor, or a pair, tuple or array of them.
  template <class F>
  requires std::invocable<const F&, const T&...>
  auto map(const F& f, const MapOptions& options = {}) const {
    using Out = typename detail::DatasetFor<typename detail::Element<detail::ResultOf<F, N>>::Types>::type;
    return Out(detail::map(source(), std::make_shared<detail::Callable<F, N>>(f), options));
  }
  /// The elements for which `f(component...)` is true; it returns a bool or a bool tensor of one element.
  template <class F>
  requires std::invocable<const F&, const T&...> Dataset filter(const F& f)
  const { return Dataset(detail::filter(source(), std::make_shared<detail::Callable<F, N>>(f))); }
  /// The elements before the first one for which `f(component...)` is false.
  template <class F>
  requires std::invocable<const F&, const T&...> Dataset take_while(const F& f)
  const { return Dataset(detail::take_while(source(), std::make_shared<detail::Callable<F, N>>(f))); }
  /// `state = f(state, component...)` over a whole pass, which runs now.
  template <class S, class F>
  S reduce(S state, const F& f) const {
    for (const value_type& element : *this) {
      if constexpr (N == 1)
        state = f(state, element);
      else
        state = std::apply([&](const auto&... component) { return f(state, component...); }, element);
    }
    return state;
  }
  /// `f(dataset)`, for functions that put several stages together.
  template <class F>
  auto apply(const F& f) const {
    return f(*this);
  }
  /// A thread prepares up to `buffer_size` elements ahead. Small batches of rows in memory are made when asked for.
  Dataset prefetch(std::int64_t buffer_size) const { return Dataset(detail::prefetch(source(), buffer_size)); }
  /// Keeps the elements of the first complete pass for the later ones: in memory, or in the file of this name, which is
  /// read element by element, and used again where it exists. Throws FileError.
  Dataset cache(const std::string& filename = {}) const { return Dataset(detail::cache(source(), filename)); }
  /// Batches of elements whose shapes differ: smaller ones are padded at the end, by default to the largest of the
  /// batch and with zeros.
  Dataset padded_batch(std::int64_t batch_size, const PaddedBatchOptions& options = {}) const {
    return Dataset(detail::padded_batch(source(), batch_size, options));
  }
  /// Batches of another size: the same rows, divided anew.
  Dataset rebatch(std::int64_t batch_size, const BatchOptions& options = {}) const {
    return unbatch().batch(batch_size, options);
  }
  /// Overlapping runs of `size` elements, each stacked as batch() does it: what tf.data's window and a batch of each
  /// window give.
  Dataset window(std::int64_t size, const WindowOptions& options = {}) const {
    return Dataset(detail::window(source(), size, options));
  }
  /// The elements of the data sets that `f(component...)` gives, taken in turns from `cycle_length` of them.
  template <class F>
  requires std::invocable<const F&, const T&...>
  auto interleave(const F& f, const InterleaveOptions& options = {}) const {
    using Out = detail::ResultOf<F, N>;
    return Out(detail::interleave(source(), std::make_shared<detail::CallableSource<F, N>>(f), options));
  }
  /// The same, one data set after another.
  template <class F>
  requires std::invocable<const F&, const T&...>
  auto flat_map(const F& f) const { return interleave(f, {.cycle_length = 1}); }
  /// `count` passes one after another; without it, endless.
  Dataset repeat(std::int64_t count = -1) const { return Dataset(detail::repeat(source(), count)); }
  /// The first `count` elements; -1 takes all.
  Dataset take(std::int64_t count) const { return Dataset(detail::take(source(), count)); }
  /// All but the first `count` elements; -1 skips all.
  Dataset skip(std::int64_t count) const { return Dataset(detail::skip(source(), count)); }
  /// Every `num_shards`-th element, from `index` on.
  Dataset shard(std::int64_t num_shards, std::int64_t index) const {
    return Dataset(detail::shard(source(), num_shards, index));
  }
  Dataset concatenate(const Dataset& other) const { return Dataset(detail::concatenate(source(), other.source())); }
  /// For `for (auto [i, element] : dataset.enumerate())`.
  Enumerated<Dataset> enumerate(std::int64_t start = 0) const { return {*this, start}; }
};

namespace detail {
template <class>
using TensorFor = Tensor;
template <class... U>
struct DatasetFor<std::tuple<U...>> {
  using type = Dataset<U...>;
};
}  // namespace detail

/// The rows of tensors: element i is {x[i], y[i], ...}. The tensors are shared, not copied. Throws ShapeError where the
/// numbers of rows differ.
template <class... X>
requires(sizeof...(X) > 0 &&
         (std::convertible_to<const X&, Tensor> && ...)) auto from_tensor_slices(const X&... tensors) {
  return Dataset<detail::TensorFor<X>...>(detail::slices({Tensor(tensors)...}));
}

/// The same for a pair or tuple of tensors: `from_tensor_slices(std::pair(x, y))`.
template <class X>
requires(strata::detail::IsTupleLike<X>::value) auto from_tensor_slices(const X& tensors) {
  return std::apply([](const auto&... t) { return from_tensor_slices(t...); }, tensors);
}

/// One element: these tensors.
template <class... X>
requires(sizeof...(X) > 0 && (std::convertible_to<const X&, Tensor> && ...)) auto from_tensors(const X&... tensors) {
  return Dataset<detail::TensorFor<X>...>(detail::whole({Tensor(tensors)...}));
}

/// Elements made by the user. `make()` is called for each pass and returns a function that returns the next element (a
/// tensor, or a pair, tuple or array of them) as a std::optional, empty at the end.
///
///     auto squares = data::from_generator([] {
///       return [i = 0]() mutable { return ++i < 9 ? std::optional<Tensor>(i * i) : std::nullopt; };
///     });
template <class Make>
auto from_generator(const Make& make) {
  using Value = std::remove_cvref_t<decltype(*make()())>;
  using Out = typename detail::DatasetFor<typename detail::Element<Value>::Types>::type;
  return Out(detail::generated(std::make_shared<detail::CallableGenerator<Make>>(make)));
}

/// int64 scalars start, start + step, ... before stop.
inline Dataset<Tensor> range(std::int64_t start, std::int64_t stop, std::int64_t step = 1) {
  return Dataset<Tensor>(detail::range(start, stop, step));
}
inline Dataset<Tensor> range(std::int64_t stop) { return range(0, stop); }

/// Elements of several data sets, drawn at random by their weights.
template <class... T>
Dataset<T...> sample_from_datasets(const std::vector<Dataset<T...>>& datasets, const SampleOptions& options = {}) {
  std::vector<detail::SourcePtr> sources;
  for (const auto& dataset : datasets) sources.push_back(dataset.source());
  return Dataset<T...>(detail::sample(sources, options));
}

/// The components of an element of `a`, then those of an element of `b`; as long as the shorter.
template <class... A, class... B>
Dataset<A..., B...> zip(const Dataset<A...>& a, const Dataset<B...>& b) {
  return Dataset<A..., B...>(detail::zip(a.source(), b.source()));
}

}  // namespace strata::data
