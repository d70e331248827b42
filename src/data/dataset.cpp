#include <algorithm>

#include "data/source.h"
#include "strata/data.h"

namespace strata::data {

AnyDataset::AnyDataset(detail::SourcePtr source) : source_(std::move(source)) {}
AnyDataset::AnyDataset(const AnyDataset&) = default;
AnyDataset& AnyDataset::operator=(const AnyDataset&) & = default;
AnyDataset::~AnyDataset() = default;

std::int64_t AnyDataset::cardinality() const { return source_->cardinality(); }

std::int64_t AnyDataset::size() const {
  const std::int64_t n = cardinality();
  if (n == INFINITE_CARDINALITY)
    throw ValueError("Dataset::size: the data set is endless. Bound it by take(n), or give repeat() a count.");
  if (n == UNKNOWN_CARDINALITY)
    throw ValueError(
        "Dataset::size: the number of elements is unknown until they have been made (after filter, unbatch and "
        "from_generator). Count them in a loop.");
  return n;
}

std::vector<TensorSpec> AnyDataset::element_spec() const { return source_->specs(); }

std::unique_ptr<detail::Iterator> AnyDataset::make_iterator() const { return source_->iterate(); }

namespace detail {

Iterator::~Iterator() = default;
Function::~Function() = default;
Generator::~Generator() = default;
Source::~Source() = default;
IndexStream::~IndexStream() = default;

std::vector<TensorSpec> Source::specs() const {
  Tensors element;
  if (!iterate()->next(element))
    throw ValueError(
        "Dataset::element_spec: the data set is empty, so the function in it was never called and its results are "
        "unknown.");
  std::vector<TensorSpec> out;
  for (const Tensor& t : element) out.push_back({t.shape(), t.dtype()});
  return out;
}

std::int64_t times(std::int64_t cardinality, std::int64_t count) {
  if (cardinality == 0 || count == 0) return 0;
  if (count < 0 || cardinality == INFINITE_CARDINALITY) return INFINITE_CARDINALITY;
  if (cardinality < 0) return UNKNOWN_CARDINALITY;
  std::int64_t out = 0;
  return __builtin_mul_overflow(cardinality, count, &out) ? INFINITE_CARDINALITY : out;
}

std::int64_t smaller(std::int64_t a, std::int64_t b) {
  if (a == INFINITE_CARDINALITY) return b;
  if (b == INFINITE_CARDINALITY) return a;
  if (a < 0 || b < 0) return a == 0 || b == 0 ? 0 : UNKNOWN_CARDINALITY;
  return std::min(a, b);
}

std::int64_t plus(std::int64_t a, std::int64_t b) {
  if (a == INFINITE_CARDINALITY || b == INFINITE_CARDINALITY) return INFINITE_CARDINALITY;
  std::int64_t out = 0;
  if (a < 0 || b < 0) return UNKNOWN_CARDINALITY;
  return __builtin_add_overflow(a, b, &out) ? INFINITE_CARDINALITY : out;
}

void rethrow_with(const std::string& where) {
  try {
    throw;
  } catch (const ShapeError& e) {
    throw ShapeError(where + e.what());
  } catch (const DTypeError& e) {
    throw DTypeError(where + e.what());
  } catch (const IndexError& e) {
    throw IndexError(where + e.what());
  } catch (const FileError& e) {
    throw FileError(where + e.what());
  } catch (const ValueError& e) {
    throw ValueError(where + e.what());
  } catch (const SymbolicError& e) {
    throw SymbolicError(where + e.what());
  } catch (const GradientError& e) {
    throw GradientError(where + e.what());
  } catch (const std::exception& e) {
    std::throw_with_nested(Error(where + e.what()));
  }
}

const strata::detail::TensorData& eager_data(const Tensor& tensor, const char* where) {
  if (!tensor.defined())
    throw ValueError(std::string(where) + ": a tensor is undefined (Tensor{}). Give it a value first.");
  if (tensor.is_symbolic())
    throw SymbolicError(std::string(where) + ": a tensor of shape " + to_string(tensor.shape()) +
                        " is symbolic and has no elements. Make data sets of values, outside function().");
  return *tensor.impl();
}

}  // namespace detail
}  // namespace strata::data
