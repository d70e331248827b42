/// \file
/// From words to numbers and back: TextVectorization and StringLookup. Tensors hold no text, so these are no layers of
/// a model but steps before it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/tensor.h"

namespace strata::layers {

struct StringLookupOptions {
  std::optional<std::int64_t> max_tokens = {};  ///< the most frequent ones, with the reserved words
  std::int64_t num_oov_indices = 1;             ///< 0 or 1: words that are not known are an error, or "[UNK]"
  std::optional<std::string> mask_token = {};   ///< takes index 0
  std::string oov_token = "[UNK]";
  std::vector<std::string> vocabulary = {};  ///< without reserved words; empty: adapt() finds it
  std::string output_mode = "int";           ///< or "one_hot", "multi_hot", "count"
};

/// Words as their numbers in a vocabulary, the most frequent first, as Keras orders them.
class STRATA_API StringLookup {
 public:
  explicit StringLookup(const StringLookupOptions& options = {});
  /// Takes the vocabulary from data.
  void adapt(const std::vector<std::string>& words);
  /// (n) of int64, or (n, vocabulary) of float32. Throws ValueError for an unknown word without num_oov_indices.
  Tensor operator()(const std::vector<std::string>& words) const;
  std::int64_t operator()(const std::string& word) const;
  /// The way back.
  std::vector<std::string> words(const Tensor& ids) const;
  /// With the reserved words in front.
  std::vector<std::string> get_vocabulary() const;
  std::int64_t vocabulary_size() const;

 private:
  struct Table;
  void set_vocabulary(const std::vector<std::string>& words);
  StringLookupOptions options_;
  std::shared_ptr<const Table> table_;
};

struct TextVectorizationOptions {
  std::optional<std::int64_t> max_tokens = {};
  std::string standardize = "lower_and_strip_punctuation";  ///< or "lower", "strip_punctuation", "none"
  std::string split = "whitespace";                         ///< or "character", "none"
  std::string output_mode = "int";                          ///< or "multi_hot", "count"
  std::optional<std::int64_t> output_sequence_length = {};  ///< cut or padded to it; else to the longest text
  std::vector<std::string> vocabulary = {};                 ///< without reserved words; empty: adapt() finds it
};

/// Texts as sequences of word numbers, (n, length) of int64: 0 is padding, 1 a word that is not known.
///
///     TextVectorization vectorize({.max_tokens = 1000, .output_sequence_length = 20});
///     vectorize.adapt(texts);
///     Tensor ids = vectorize(texts);  // for Embedding(1000, 16, {.mask_zero = true})
class STRATA_API TextVectorization {
 public:
  explicit TextVectorization(const TextVectorizationOptions& options = {});
  void adapt(const std::vector<std::string>& texts);
  Tensor operator()(const std::vector<std::string>& texts) const;
  std::vector<std::string> get_vocabulary() const { return lookup_.get_vocabulary(); }
  std::int64_t vocabulary_size() const { return lookup_.vocabulary_size(); }

 private:
  std::vector<std::string> tokens(const std::string& text) const;
  TextVectorizationOptions options_;
  StringLookup lookup_;
};

}  // namespace strata::layers
