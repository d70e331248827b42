#include "strata/layers/text.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/reduce.h"

namespace strata::layers {

namespace {

void check_choice(const char* where, const char* name, const std::string& value,
                  std::initializer_list<const char*> known) {
  std::string list;
  for (const char* k : known) {
    if (value == k) return;
    list += (list.empty() ? "\"" : ", \"") + std::string(k) + "\"";
  }
  throw ValueError(std::string(where) + ": " + name + " is \"" + value + "\". Use one of " + list + ".");
}

// The ASCII punctuation that Keras strips.
bool is_punctuation(char c) {
  return std::string_view("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'").find(c) != std::string_view::npos;
}

// A sequence of ids (n) of int64 in the output mode.
Tensor encoded(const Tensor& ids, std::int64_t size, const std::string& mode) {
  if (mode == "int") return ids;
  const Tensor each = one_hot(ids, size);
  if (mode == "one_hot") return each;
  return mode == "count" ? reduce_sum(each, -2) : reduce_max(each, -2);
}

}  // namespace

struct StringLookup::Table {
  std::vector<std::string> words;  // with the reserved ones in front
  std::unordered_map<std::string, std::int64_t> ids;
};

StringLookup::StringLookup(const StringLookupOptions& options) : options_(options) {
  check_choice("StringLookup", "output_mode", options.output_mode, {"int", "one_hot", "multi_hot", "count"});
  if (options.num_oov_indices != 0 && options.num_oov_indices != 1)
    throw ValueError("StringLookup: num_oov_indices is " + std::to_string(options.num_oov_indices) + ". Use 0 or 1.");
  if (options.max_tokens && *options.max_tokens < 2)
    throw ValueError("StringLookup: max_tokens is " + std::to_string(*options.max_tokens) +
                     "; it must be more than 1.");
  if (!options.vocabulary.empty()) set_vocabulary(options.vocabulary);
}

void StringLookup::set_vocabulary(const std::vector<std::string>& words) {
  auto table = std::make_shared<Table>();
  if (options_.mask_token) table->words.push_back(*options_.mask_token);
  if (options_.num_oov_indices > 0) table->words.push_back(options_.oov_token);
  table->words.insert(table->words.end(), words.begin(), words.end());
  for (std::size_t i = 0; i < table->words.size(); ++i)
    if (!table->ids.emplace(table->words[i], static_cast<std::int64_t>(i)).second)
      throw ValueError("StringLookup: the word \"" + table->words[i] + "\" is in the vocabulary twice.");
  table_ = std::move(table);
}

void StringLookup::adapt(const std::vector<std::string>& words) {
  std::map<std::string, std::int64_t> counts;
  for (const std::string& w : words)
    if (!w.empty() && w != options_.mask_token && w != options_.oov_token) ++counts[w];
  std::vector<std::pair<std::string, std::int64_t>> order(counts.begin(), counts.end());
  // The most frequent first; of equally frequent ones the last in the alphabet, as Keras has it.
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return std::pair(a.second, a.first) > std::pair(b.second, b.first); });
  if (options_.max_tokens) {
    const std::int64_t reserved = options_.num_oov_indices + (options_.mask_token ? 1 : 0);
    order.resize(
        std::min(order.size(), static_cast<std::size_t>(std::max<std::int64_t>(*options_.max_tokens - reserved, 0))));
  }
  std::vector<std::string> vocabulary;
  for (const auto& [word, count] : order) vocabulary.push_back(word);
  set_vocabulary(vocabulary);
}

std::int64_t StringLookup::operator()(const std::string& word) const {
  if (table_ == nullptr)
    throw ValueError("StringLookup: there is no vocabulary yet. Give one, or call adapt(words) first.");
  if (const auto found = table_->ids.find(word); found != table_->ids.end()) return found->second;
  if (options_.num_oov_indices == 0)
    throw ValueError("StringLookup: \"" + word +
                     "\" is not in the vocabulary. Use num_oov_indices = 1 for such words.");
  return options_.mask_token ? 1 : 0;
}

Tensor StringLookup::operator()(const std::vector<std::string>& words) const {
  std::vector<std::int64_t> ids;
  for (const std::string& w : words) ids.push_back((*this)(w));
  const auto n = static_cast<std::int64_t>(ids.size());
  return encoded(Tensor::adopt(std::move(ids), {n}), vocabulary_size(), options_.output_mode);
}

std::vector<std::string> StringLookup::words(const Tensor& ids) const {
  const std::vector<std::string> all = get_vocabulary();
  std::vector<std::string> out;
  for (const std::int64_t id : ids.to_vector<std::int64_t>()) {
    if (id < 0 || id >= static_cast<std::int64_t>(all.size()))
      throw IndexError("StringLookup: there is no word " + std::to_string(id) + " among " + std::to_string(all.size()) +
                       ".");
    out.push_back(all[static_cast<std::size_t>(id)]);
  }
  return out;
}

std::vector<std::string> StringLookup::get_vocabulary() const {
  return table_ == nullptr ? std::vector<std::string>() : table_->words;
}
std::int64_t StringLookup::vocabulary_size() const {
  return table_ == nullptr ? 0 : static_cast<std::int64_t>(table_->words.size());
}

namespace {
StringLookupOptions lookup_options(const TextVectorizationOptions& o) {
  StringLookupOptions out = {.max_tokens = o.max_tokens, .vocabulary = o.vocabulary};
  if (o.output_mode == "int") out.mask_token = "";
  return out;
}
}  // namespace

TextVectorization::TextVectorization(const TextVectorizationOptions& options)
    : options_(options), lookup_(lookup_options(options)) {
  check_choice("TextVectorization", "standardize", options.standardize,
               {"lower_and_strip_punctuation", "lower", "strip_punctuation", "none"});
  check_choice("TextVectorization", "split", options.split, {"whitespace", "character", "none"});
  check_choice("TextVectorization", "output_mode", options.output_mode, {"int", "multi_hot", "count"});
  if (options.output_sequence_length && (*options.output_sequence_length < 1 || options.output_mode != "int"))
    throw ValueError("TextVectorization: output_sequence_length must be positive, and is for output_mode \"int\".");
}

std::vector<std::string> TextVectorization::tokens(const std::string& text) const {
  std::string clean;
  const bool lower = options_.standardize.starts_with("lower");
  const bool strip = options_.standardize.ends_with("strip_punctuation");
  for (const char c : text) {
    if (strip && is_punctuation(c)) continue;
    clean += lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (options_.split == "none") return {clean};
  std::vector<std::string> out;
  bool in_word = false;
  for (const char c : clean) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // of a character in UTF-8
    if (options_.split == "character") {
      if (!continues || out.empty()) out.emplace_back();
      out.back() += c;
      continue;
    }
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space && !in_word) out.emplace_back();
    if (!space) out.back() += c;
    in_word = !space;
  }
  return out;
}

void TextVectorization::adapt(const std::vector<std::string>& texts) {
  std::vector<std::string> words;
  for (const std::string& text : texts)
    for (std::string& word : tokens(text)) words.push_back(std::move(word));
  lookup_.adapt(words);
}

Tensor TextVectorization::operator()(const std::vector<std::string>& texts) const {
  std::vector<std::vector<std::int64_t>> rows;
  std::size_t longest = 0;
  for (const std::string& text : texts) {
    auto& row = rows.emplace_back();
    for (const std::string& word : tokens(text)) row.push_back(lookup_(word));
    longest = std::max(longest, row.size());
  }
  const auto n = static_cast<std::int64_t>(rows.size());
  if (options_.output_mode != "int") {
    Tensors out;
    for (auto& row : rows) {
      const auto length = static_cast<std::int64_t>(row.size());
      out.push_back(length == 0
                        ? zeros({vocabulary_size()})
                        : encoded(Tensor::adopt(std::move(row), {length}), vocabulary_size(), options_.output_mode));
    }
    return n == 0 ? zeros({0, vocabulary_size()}) : stack(out, 0);
  }
  const std::int64_t length = options_.output_sequence_length.value_or(static_cast<std::int64_t>(longest));
  std::vector<std::int64_t> ids;
  for (auto& row : rows) {
    row.resize(static_cast<std::size_t>(length), 0);
    ids.insert(ids.end(), row.begin(), row.end());
  }
  return Tensor::adopt(std::move(ids), {n, length});
}

}  // namespace strata::layers
