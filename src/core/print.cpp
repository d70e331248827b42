// Tensors as NumPy 2 prints arrays: precision 8, threshold 1000, three items at each edge, lines of 75 characters.
#include <algorithm>
#include <cmath>
#include <ostream>

#include "core/decimal.h"
#include "core/dispatch.h"
#include "core/tensor_data.h"
#include "strata/tensor.h"

namespace strata {

namespace {

constexpr int kPrecision = 8;
constexpr std::int64_t kThreshold = 1000, kEdge = 3;
constexpr std::size_t kLineWidth = 75;

using Words = std::vector<std::string>;

// What digits are counted in: bfloat16 has no digits of its own in NumPy, and prints as its float32 value.
template <class T>
using Printed = std::conditional_t<std::is_same_v<T, BFloat16>, float, T>;

std::string padded(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// From here on NumPy 2.4 writes an exponent, in arrays; in a float64 scalar only from 1e16 on.
template <class T>
inline constexpr double kLargest = std::is_same_v<T, double>  ? 1e8
                                   : std::is_same_v<T, float> ? 1e6
                                                              : 1e3;

// The form common to all numbers of an array.
struct FloatFormat {
  bool exponential = false;
  std::size_t left = 0, right = 0;         // characters before the point, and behind it
  std::size_t fraction = 0, exponent = 0;  // exponential: digits behind the point, digits of the exponent
};

template <class T>
bool needs_exponent(const std::vector<T>& values) {
  // Compared in the elements' own type, as NumPy does.
  double least = INFINITY, greatest = 0;
  for (const T v : values) {
    const double magnitude = std::fabs(static_cast<double>(v));
    if (!std::isfinite(magnitude) || magnitude == 0) continue;
    least = std::min(least, magnitude);
    greatest = std::max(greatest, magnitude);
  }
  if (greatest == 0) return false;
  using C = Compute<T>;
  const double ratio = T(static_cast<C>(greatest) / static_cast<C>(least));
  return greatest >= kLargest<T> || least < static_cast<double>(T(C(0.0001))) || ratio > 1000;
}

std::string nonfinite(double v) { return std::isnan(v) ? "nan" : v < 0 ? "-inf" : "inf"; }

template <class T>
Words number_words(const std::vector<T>& values) {
  FloatFormat f;
  f.exponential = needs_exponent(values);
  Words words;
  bool any_nonfinite = false, any_negative_infinity = false;
  for (const T v : values) {
    const double exact = static_cast<double>(v);
    if (!std::isfinite(exact)) {
      any_nonfinite = true;
      any_negative_infinity = any_negative_infinity || (std::isinf(exact) && exact < 0);
      words.push_back(nonfinite(exact));
      continue;
    }
    const Decimal d = shortest_decimal(v);
    words.push_back(f.exponential ? scientific(d, exact, kPrecision) : positional(d, exact, kPrecision));
    const std::string& word = words.back();
    const std::size_t point = word.find('.'), e = std::min(word.find('e'), word.size());
    f.left = std::max(f.left, point);
    f.fraction = std::max(f.fraction, e - point - 1);
    if (f.exponential) f.exponent = std::max(f.exponent, word.size() - e - 2);
  }
  f.right = f.exponential ? f.fraction + f.exponent + 2 : f.fraction;
  if (any_nonfinite) {
    const std::size_t longest = any_negative_infinity ? 4 : 3;
    f.left = std::max(f.left, longest - std::min(longest, f.right + 1));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string& word = words[i];
    if (!std::isfinite(static_cast<double>(values[i]))) {
      word = padded(word, f.left + f.right + 1);
      continue;
    }
    const std::size_t point = word.find('.');
    if (f.exponential) {
      // NumPy fills up with digits of the exact value here, not with zeros.
      if (word.find('e') - point - 1 < f.fraction)
        word = scientific(static_cast<double>(values[i]), static_cast<int>(f.fraction));
      const std::size_t e = word.find('e');
      word.insert(e + 2, f.exponent - (word.size() - e - 2), '0');
    } else {
      word.append(f.right - (word.size() - point - 1), ' ');
    }
    word.insert(0, f.left - point, ' ');
  }
  return words;
}

template <class T>
Words integer_words(const std::vector<T>& values) {
  Words words;
  std::size_t width = 0;
  for (const T v : values) {
    words.push_back(std::to_string(v));
    width = std::max(width, words.back().size());
  }
  for (std::string& word : words) word = padded(word, width);
  return words;
}

template <class T>
Words words_of(const std::vector<T>& values) {
  if constexpr (std::is_same_v<T, char>) {
    Words words;
    for (const char v : values) words.emplace_back(v ? " True" : "False");
    return words;
  } else if constexpr (std::is_integral_v<T>) {
    return integer_words(values);
  } else {
    return number_words(values);
  }
}

// A scalar alone is printed as Python prints a number: "1.0", "1e-05".
std::string scalar_word(double exact, const Decimal& d, double largest) {
  const double magnitude = std::fabs(exact);
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < largest)) {
    const std::string text = positional(d, exact, 400);
    return text.back() == '.' ? text + "0" : text;
  }
  std::string text = scientific(d, exact, 400);
  const std::size_t e = text.find('e');
  return text[e - 1] == '.' ? text.erase(e - 1, 1) : text;
}

template <class T>
std::string scalar_text(T v) {
  if constexpr (std::is_same_v<T, bool>) {
    return v ? "True" : "False";
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(v);
  } else {
    const Printed<T> p = v;
    const double exact = static_cast<double>(p);
    const double largest = std::is_same_v<T, double> ? 1e16 : kLargest<Printed<T>>;
    return std::isfinite(exact) ? scalar_word(exact, shortest_decimal(p), largest) : nonfinite(exact);
  }
}

// Lays words out in nested brackets. Words come in the order of the elements that are shown.
class Layout {
 public:
  Layout(const Shape& shape, bool summarize) : shape_(shape), summarize_(summarize) {}

  bool skips(std::size_t axis) const { return summarize_ && shape_[axis] > 2 * kEdge; }

  // The offsets of the elements that are shown, in order.
  std::vector<std::int64_t> shown() const {
    std::vector<std::int64_t> offsets = {0};
    for (std::size_t axis = 0; axis < shape_.size(); ++axis) {
      const std::int64_t n = shape_[axis];
      std::vector<std::int64_t> inner;
      for (const std::int64_t outer : offsets)
        for (std::int64_t i = 0; i < n; ++i) {
          if (skips(axis) && i == kEdge) i = n - kEdge;
          inner.push_back(outer * n + i);
        }
      offsets = std::move(inner);
    }
    return offsets;
  }

  std::string lay_out(const Words& words) {
    next_ = words.data();
    return block(0, " ", kLineWidth);
  }

 private:
  std::string block(std::size_t axis, const std::string& indent, std::size_t width) {
    std::string out = axis + 1 == shape_.size() ? row(axis, indent, width) : rows(axis, indent, width);
    out.replace(0, indent.size(), 1, '[');
    return out.append(1, ']');
  }

  std::string rows(std::size_t axis, const std::string& indent, std::size_t width) {
    const std::string separator(shape_.size() - axis - 1, '\n');
    std::string out;
    const std::int64_t n = shape_[axis];
    for (std::int64_t i = 0; i < n; ++i) {
      if (i > 0) out += separator;
      if (skips(axis) && i == kEdge) {
        out += indent + "..." + separator;
        i = n - kEdge;
      }
      out += indent + block(axis + 1, indent + " ", width - 1);
    }
    return out;
  }

  std::string row(std::size_t axis, const std::string& indent, std::size_t width) {
    std::string done, line = indent;
    auto extend = [&](const std::string& word) {
      // A line that holds nothing yet would not get shorter by a break.
      if (line.size() + word.size() > width - 1 && line.size() > indent.size()) {
        line.erase(line.find_last_not_of(' ') + 1);
        done += line + "\n";
        line = indent;
      }
      line += word;
    };
    const std::int64_t n = shape_[axis];
    for (std::int64_t i = 0; i < n; ++i) {
      if (i > 0) line += " ";
      if (skips(axis) && i == kEdge) {
        extend("...");
        line += " ";
        i = n - kEdge;
      }
      extend(*next_++);
    }
    return done + line;
  }

  const Shape& shape_;
  bool summarize_;
  const std::string* next_ = nullptr;
};

template <class T>
std::string elements_text(const T* values, const Shape& shape) {
  if (shape.empty()) return scalar_text(values[0]);
  const std::int64_t size = shape.num_elements();
  if (size == 0) return "[]";
  using Kept = std::conditional_t<std::is_same_v<T, bool>, char, Printed<T>>;  // std::vector<bool> has no elements
  Layout layout(shape, size > kThreshold);
  std::vector<Kept> shown;
  for (const std::int64_t offset : layout.shown()) shown.push_back(values[offset]);
  return layout.lay_out(words_of(shown));
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "Tensor(undefined)";
  const detail::TensorData& d = detail::data_of(tensor);
  const std::string header = "Tensor(shape=" + to_string(d.shape) + ", dtype=" + to_string(d.dtype);
  if (!d.is_eager()) return header + ", symbolic)";
  return header + ")\n" +
         dispatch_all(d.dtype, [&]<class T>() { return elements_text(static_cast<const T*>(d.raw()), d.shape); });
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace strata
