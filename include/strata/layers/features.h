/// \file
/// Layers that prepare features: Normalization, CategoryEncoding, Discretization; and MixUp, CutMix on labelled
/// batches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/layers/augmentation.h"

namespace strata {
namespace data {
class AnyDataset;
}

namespace layers {

struct NormalizationOptions {
  std::vector<std::int64_t> axis = {-1};  ///< that keep a mean of their own; empty: one of all
  std::optional<Tensor> mean = {}, variance = {};
  bool invert = false;  ///< from normalized values back
  std::string name = {}, dtype = {};
};

/// (x - mean) / sqrt(variance), of given numbers or of those that adapt() finds.
class STRATA_API Normalization final : public CustomLayer<Normalization> {
 public:
  explicit Normalization(const NormalizationOptions& options = {});
  void build(const Shape& input) const;
  /// Takes mean and variance from data, or from the first component of a data set of batches.
  void adapt(const Tensor& data) const;
  void adapt(const data::AnyDataset& batches) const;
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Normalization from_config(const Config& config);

 private:
  Shape kept(const Shape& input) const;
  std::vector<std::int64_t> reduced(std::size_t rank) const;
  NormalizationOptions options_;
  Variable mean_, variance_, count_;
};

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";  ///< or "one_hot", "count"
  std::string name = {}, dtype = {};
};

/// Integers in [0, num_tokens) as vectors: 1 for each that occurs in the last axis, how often it does, or one vector
/// for each integer.
class STRATA_API CategoryEncoding final : public CustomLayer<CategoryEncoding> {
 public:
  explicit CategoryEncoding(std::int64_t num_tokens, const CategoryEncodingOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static CategoryEncoding from_config(const Config& config);

 private:
  std::int64_t num_tokens_;
  CategoryEncodingOptions options_;
};

struct DiscretizationOptions {
  std::string output_mode = "int";  ///< or "one_hot", "multi_hot", "count", as CategoryEncoding has them
  std::string name = {}, dtype = {};
};

/// The number (int32) of the interval between ascending boundaries: below the first is 0; or these numbers encoded.
class STRATA_API Discretization final : public CustomLayer<Discretization> {
 public:
  explicit Discretization(const std::vector<double>& bin_boundaries, const DiscretizationOptions& options = {});
  Tensor call(const Tensor& x) const;
  Config get_config() const;
  static Discretization from_config(const Config& config);

 private:
  std::vector<double> boundaries_;
  DiscretizationOptions options_;
};

struct MixUpOptions {
  double alpha = 0.2;  ///< both parameters of the beta distribution of the weights
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// Each picture mixed with another of the batch, and its one-hot label, too (Zhang et al. 2017, arXiv:1710.09412):
/// `auto [x, y] = MixUp()(images, labels, training = true).as<2>();`
class STRATA_API MixUp final : public CustomLayer<MixUp> {
 public:
  explicit MixUp(const MixUpOptions& options = {});
  Outputs call(const Tensor& images, const std::optional<Tensor>& labels, bool training) const;
  Config get_config() const;
  static MixUp from_config(const Config& config);

 private:
  MixUpOptions options_;
  SeedSequence seeds_;
};

struct CutMixOptions {
  Factor factor = 1.0;  ///< the range of the beta distribution's parameter
  std::optional<std::int64_t> seed = {};
  std::string name = {}, dtype = {};
};

/// A rectangle of each picture from another of the batch, the labels mixed by its area (Yun et al. 2019,
/// arXiv:1905.04899). Called as MixUp.
class STRATA_API CutMix final : public CustomLayer<CutMix> {
 public:
  explicit CutMix(const CutMixOptions& options = {});
  Outputs call(const Tensor& images, const std::optional<Tensor>& labels, bool training) const;
  Config get_config() const;
  static CutMix from_config(const Config& config);

 private:
  CutMixOptions options_;
  SeedSequence seeds_;
};

}  // namespace layers
}  // namespace strata

namespace strata {
extern template class Custom<layers::Normalization, Layer>;
extern template class Custom<layers::CategoryEncoding, Layer>;
extern template class Custom<layers::Discretization, Layer>;
extern template class Custom<layers::MixUp, Layer>;
extern template class Custom<layers::CutMix, Layer>;
}  // namespace strata
