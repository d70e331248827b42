// einsum: operands are multiplied from left to right, each pair by one batched matmul or one broadcast product.
#include <algorithm>
#include <cctype>
#include <set>

#include "ops/array_util.h"
#include "strata/array.h"
#include "strata/linalg.h"
#include "strata/math.h"
#include "strata/reduce.h"

namespace strata {
namespace {

// One character an axis. The axes of "..." get characters of their own, counted from the last.
using Labels = std::string;
constexpr char kEllipsisLabel = '\x01';

struct Term {
  Tensor value;
  Labels labels;
  std::size_t find(char label) const { return labels.find(label); }
  bool has(char label) const { return find(label) != Labels::npos; }
  std::int64_t dim(char label) const { return value.shape().at(static_cast<std::int64_t>(find(label))); }
};

class Einsum {
 public:
  Einsum(const std::string& equation, const Tensors& operands) : equation_(equation) {
    parse(operands);
    check_sizes();
  }

  Tensor run() {
    for (std::size_t i = 0; i < terms_.size(); ++i) sum_private(i);
    Term result = terms_[0];
    for (std::size_t i = 1; i < terms_.size(); ++i) result = multiply(result, terms_[i], needed_after(i));
    return ordered(result, output_).value;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw ValueError("einsum: equation '" + equation_ + "': " + why);
  }

  void parse(const Tensors& operands) {
    std::string text;
    for (char c : equation_)
      if (!std::isspace(static_cast<unsigned char>(c))) text += c;
    const std::size_t arrow = text.find("->");
    const std::string left = text.substr(0, arrow);
    std::vector<std::string> parts(1);
    for (char c : left) {
      if (c == ',')
        parts.emplace_back();
      else
        parts.back() += c;
    }
    if (parts.size() != operands.size())
      fail("it names " + std::to_string(parts.size()) + " operands, but received " + std::to_string(operands.size()) +
           ".");
    for (std::size_t i = 0; i < parts.size(); ++i)
      terms_.push_back(without_repeats({operands[i], expand(parts[i], operands[i].rank())}));
    output_ = arrow == std::string::npos ? implicit_output(left) : explicit_output(text.substr(arrow + 2));
  }

  // Letters, with the axes that "..." stands for where the operand has `rank` axes (or as many as any operand has,
  // where it has none).
  Labels expand(const std::string& part, std::int64_t rank) {
    const std::size_t dots = part.find("...");
    std::string letters = part;
    if (dots != std::string::npos) letters.erase(dots, 3);
    for (char c : letters)
      if (!std::isalpha(static_cast<unsigned char>(c)))
        fail(std::string("'") + c + "' in '" + part + "' is no letter. Use letters, ',', '->' and '...'.");
    const std::int64_t missing = rank - static_cast<std::int64_t>(letters.size());
    if (missing < 0 || (missing > 0 && dots == std::string::npos))
      fail("'" + part + "' names " + std::to_string(letters.size()) + " axes of an operand with " +
           std::to_string(rank) + ".");
    if (dots == std::string::npos) return letters;
    ellipsis_axes_ = std::max(ellipsis_axes_, missing);
    return letters.insert(dots, ellipsis(missing));
  }
  static Labels ellipsis(std::int64_t axes) {
    Labels out;
    for (std::int64_t i = axes; i-- > 0;) out += static_cast<char>(kEllipsisLabel + i);
    return out;
  }

  Labels explicit_output(const std::string& part) {
    std::int64_t letters = 0;
    for (char c : part) letters += c != '.';
    const bool dots = part.find("...") != std::string::npos;
    const Labels out = expand(part, letters + (dots ? ellipsis_axes_ : 0));
    for (char c : out) {
      if (std::count(out.begin(), out.end(), c) > 1) fail(std::string("the output names '") + c + "' twice.");
      if (std::none_of(terms_.begin(), terms_.end(), [&](const Term& t) { return t.has(c); }))
        fail(std::string("the output names '") + c + "', which no operand has.");
    }
    return out;
  }
  Labels implicit_output(const std::string& left) const {
    Labels out = ellipsis(ellipsis_axes_);
    for (char c : std::set<char>(left.begin(), left.end()))
      if (std::isalpha(static_cast<unsigned char>(c)) && std::count(left.begin(), left.end(), c) == 1) out += c;
    return out;
  }

  // A letter that occurs twice takes the diagonal of its two axes.
  Term without_repeats(Term t) const {
    for (std::size_t i = 0; i < t.labels.size(); ++i) {
      const std::size_t j = t.labels.find(t.labels[i], i + 1);
      if (j == Labels::npos) continue;
      const char label = t.labels[i];
      if (array::certainly_differ(t.value.shape()[i], t.value.shape()[j]))
        fail(std::string("'") + label + "' names axes of sizes " + std::to_string(t.value.shape()[i]) + " and " +
             std::to_string(t.value.shape()[j]) + " of one operand.");
      t.value = diagonal(t.value, {.axis1 = static_cast<std::int64_t>(i), .axis2 = static_cast<std::int64_t>(j)});
      t.labels.erase(j, 1).erase(i, 1);
      t.labels += label;
      return without_repeats(t);
    }
    return t;
  }

  // Letters have one size everywhere; axes of "..." may also have size 1 and are then left out.
  void check_sizes() {
    for (Term& t : terms_) {
      for (char c : Labels(t.labels)) {
        std::int64_t size = t.dim(c);
        for (const Term& other : terms_) {
          if (!other.has(c)) continue;
          const std::int64_t another = other.dim(c);
          const bool stretches = !std::isalpha(static_cast<unsigned char>(c)) && (size == 1 || another == 1);
          if (array::certainly_differ(size, another) && !stretches)
            fail((std::isalpha(static_cast<unsigned char>(c)) ? std::string("'") + c + "'" : std::string("'...'")) +
                 " has sizes " + std::to_string(size) + " and " + std::to_string(another) + ".");
          if (stretches && size == 1 && another != 1) size = None;
        }
        if (size == None && t.dim(c) == 1) {
          t.value = squeeze(t.value, static_cast<std::int64_t>(t.find(c)));
          t.labels.erase(t.find(c), 1);
        }
      }
    }
  }

  Labels needed_after(std::size_t i) const {
    Labels out = output_;
    for (std::size_t k = i + 1; k < terms_.size(); ++k) out += terms_[k].labels;
    return out;
  }

  // Sums the axes of term i that nothing else uses.
  void sum_private(std::size_t i) {
    Term& t = terms_[i];
    Ints axes;
    Labels kept;
    for (char c : t.labels) {
      bool used = output_.find(c) != Labels::npos;
      for (std::size_t k = 0; k < terms_.size(); ++k) used |= k != i && terms_[k].has(c);
      if (used)
        kept += c;
      else
        axes.push_back(static_cast<std::int64_t>(t.find(c)));
    }
    if (axes.empty()) return;
    t.value = reduce_sum(t.value, axes);
    t.labels = kept;
  }

  static Term ordered(const Term& t, const Labels& order) {
    if (t.labels == order) return t;
    Ints perm;
    for (char c : order) perm.push_back(static_cast<std::int64_t>(t.find(c)));
    return {transpose(t.value, perm), order};
  }

  // A shape with at most one dimension to compute; where more are unknown, they are read from the terms at run time.
  static Tensor reshaped(const Tensor& x, const Labels& batch, const std::vector<Labels>& groups,
                         const std::vector<const Term*>& sources) {
    auto dimension = [&](char c) -> std::int64_t {
      for (const Term* t : sources)
        if (t->has(c) && t->dim(c) != None) return t->dim(c);
      return None;
    };
    Shape target;
    std::size_t open = 0;
    for (char c : batch) target.push_back(dimension(c));
    for (const Labels& group : groups) {
      std::int64_t n = 1;
      for (char c : group) n = n == None || dimension(c) == None ? None : n * dimension(c);
      target.push_back(n == None ? -1 : n);
      open += n == None;
    }
    if (open <= 1) return reshape(x, target);
    auto size_of_label = [&](char c) {
      for (const Term* t : sources)
        if (t->has(c)) return shape(t->value)[static_cast<std::int64_t>(t->find(c))];
      return constant(1, int32);
    };
    Tensors sizes;
    for (char c : batch) sizes.push_back(size_of_label(c));
    for (const Labels& group : groups) {
      Tensor n = constant(1, int32);
      for (char c : group) n = n * size_of_label(c);
      sizes.push_back(n);
    }
    return reshape(x, stack(sizes));
  }

  static std::vector<Labels> singles(const Labels& labels) {
    std::vector<Labels> out;
    for (char c : labels) out.emplace_back(1, c);
    return out;
  }

  static Term multiply(const Term& a, const Term& b, const Labels& needed) {
    Labels batch, summed, left, right;
    for (char c : a.labels) {
      const bool kept = needed.find(c) != Labels::npos;
      (b.has(c) ? (kept ? batch : summed) : left) += c;
    }
    for (char c : b.labels)
      if (!a.has(c)) right += c;
    if (summed.empty()) return spread(a, b, batch, left, right);
    const std::vector<const Term*> sources = {&a, &b};
    const Tensor x = reshaped(ordered(a, batch + left + summed).value, batch, {left, summed}, sources);
    const Tensor y = reshaped(ordered(b, batch + summed + right).value, batch, {summed, right}, sources);
    std::vector<Labels> groups = singles(left);
    for (const Labels& g : singles(right)) groups.push_back(g);
    return {reshaped(matmul(x, y), batch, groups, sources), batch + left + right};
  }

  // Nothing is summed: a broadcast product.
  static Term spread(const Term& a, const Term& b, const Labels& batch, const Labels& left, const Labels& right) {
    Tensor x = ordered(a, batch + left).value, y = ordered(b, batch + right).value;
    for (std::size_t i = 0; i < right.size(); ++i) x = expand_dims(x, -1);
    for (std::size_t i = 0; i < left.size(); ++i) y = expand_dims(y, static_cast<std::int64_t>(batch.size()));
    return {strata::multiply(x, y), batch + left + right};
  }

  std::string equation_;
  std::vector<Term> terms_;
  Labels output_;
  std::int64_t ellipsis_axes_ = 0;
};

}  // namespace

Tensor einsum(const std::string& equation, const Tensors& operands) {
  if (operands.empty()) throw ValueError("einsum: equation '" + equation + "': received no operands.");
  check_defined("einsum", operands);
  return Einsum(equation, operands).run();
}

}  // namespace strata
