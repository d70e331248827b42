#include "datasets/pickle.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "strata/error.h"

namespace strata::datasets::detail {

namespace {

// A value of the pickle. Containers refer to their items by number, so that nothing is owned twice or in a circle.
struct Value {
  enum class Kind { none, mark, integer, text, global, list, tuple, dict, object };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  std::string_view text;   // of strings, bytes and names: within the file
  std::vector<int> items;  // of a dict: key, value, key, value, ...; of an object: function, arguments, state
};
using Kind = Value::Kind;

constexpr std::size_t kMaxValues = 4000000;

// What a numpy array of protocol 2 is made of. Other names are refused.
bool is_known_global(std::string_view name) {
  for (const char* known : {"numpy.core.multiarray\n_reconstruct", "numpy._core.multiarray\n_reconstruct",
                            "numpy\nndarray", "numpy\ndtype"})
    if (name == known) return true;
  return false;
}

class Reader {
 public:
  explicit Reader(const NamedBytes& file)
      : file_(file), text_(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()) {}

  int run() {
    while (true) {
      const auto code = static_cast<std::uint8_t>(take(1)[0]);
      if (code == '.') return pop();
      if (!push_simple(code) && !push_container(code) && !use_memo(code)) step_object(code);
      if (values_.size() > kMaxValues) fail("holds too many values");
    }
  }
  const Value& value(int number) const { return values_[static_cast<std::size_t>(number)]; }
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError("'" + file_.name + "' is no pickle of CIFAR's Python version: it " + what + " (byte " +
                    std::to_string(at_) + " of " + std::to_string(text_.size()) + ").");
  }

 private:
  std::string_view take(std::size_t count) {
    if (count > text_.size() - at_) fail("is cut short");
    at_ += count;
    return text_.substr(at_ - count, count);
  }
  std::string_view line() {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) fail("is cut short");
    const std::string_view out = text_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t v = 0;
    const std::string_view t = take(bytes);
    for (std::size_t i = 0; i < bytes; ++i) v |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(t[i])) << (8 * i);
    return v;
  }
  int push(Value v) {
    values_.push_back(std::move(v));
    stack_.push_back(static_cast<int>(values_.size()) - 1);
    return stack_.back();
  }
  int pop() {
    if (stack_.empty() || value(stack_.back()).kind == Kind::mark) fail("takes a value that is not there");
    const int out = stack_.back();
    stack_.pop_back();
    return out;
  }
  Value& top(Kind kind) {
    if (stack_.empty() || value(stack_.back()).kind != kind) fail("has another structure");
    return values_[static_cast<std::size_t>(stack_.back())];
  }
  // The values above the last mark, which goes too.
  std::vector<int> pop_to_mark() {
    std::size_t i = stack_.size();
    while (i > 0 && value(stack_[i - 1]).kind != Kind::mark) --i;
    if (i == 0) fail("misses a mark");
    std::vector<int> out(stack_.begin() + static_cast<std::ptrdiff_t>(i), stack_.end());
    stack_.resize(i - 1);
    return out;
  }
  void push_integer(std::int64_t v) { push({Kind::integer, v, {}, {}}); }
  void push_text(std::uint64_t length) { push({Kind::text, 0, take(static_cast<std::size_t>(length)), {}}); }

  bool push_simple(std::uint8_t code) {
    switch (code) {
      case 0x80:
        take(1);
        return true;  // PROTO
      case 0x95:
        take(8);
        return true;  // FRAME
      case '(':
        push({Kind::mark, 0, {}, {}});
        return true;
      case 'N':
        push({});
        return true;
      case 0x88:
        push_integer(1);
        return true;
      case 0x89:
        push_integer(0);
        return true;
      case 'K':
        push_integer(static_cast<std::int64_t>(number(1)));
        return true;
      case 'M':
        push_integer(static_cast<std::int64_t>(number(2)));
        return true;
      case 'J':
        push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(number(4))));
        return true;
      case 'U':  // SHORT_BINSTRING
      case 'C':  // SHORT_BINBYTES
      case 0x8c:
        push_text(number(1));
        return true;  // SHORT_BINUNICODE
      case 'T':       // BINSTRING
      case 'B':       // BINBYTES
      case 'X':
        push_text(number(4));
        return true;  // BINUNICODE
      case 0x8e:
        push_text(number(8));
        return true;  // BINBYTES8
      default:
        return false;
    }
  }

  bool push_container(std::uint8_t code) {
    switch (code) {
      case ']':
        push({Kind::list, 0, {}, {}});
        return true;
      case '}':
        push({Kind::dict, 0, {}, {}});
        return true;
      case ')':
        push({Kind::tuple, 0, {}, {}});
        return true;
      case 't': {
        std::vector<int> items = pop_to_mark();
        push({Kind::tuple, 0, {}, std::move(items)});
        return true;
      }
      case 0x85:
      case 0x86:
      case 0x87: {
        std::vector<int> items(static_cast<std::size_t>(code - 0x84));
        for (std::size_t i = items.size(); i-- > 0;) items[i] = pop();
        push({Kind::tuple, 0, {}, std::move(items)});
        return true;
      }
      case 'a':
        add(Kind::list, {pop()});
        return true;
      case 'e':
        add(Kind::list, pop_to_mark());
        return true;
      case 's': {
        const int v = pop(), key = pop();
        add(Kind::dict, {key, v});
        return true;
      }
      case 'u':
        add(Kind::dict, pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void add(Kind kind, const std::vector<int>& items) {
    if (kind == Kind::dict && items.size() % 2 != 0) fail("has a key without a value");
    Value& to = top(kind);
    to.items.insert(to.items.end(), items.begin(), items.end());
  }

  bool use_memo(std::uint8_t code) {
    switch (code) {
      case 'q':
        remember(number(1));
        return true;
      case 'r':
        remember(number(4));
        return true;
      case 0x94:
        remember(memo_.size());
        return true;
      case 'h':
        recall(number(1));
        return true;
      case 'j':
        recall(number(4));
        return true;
      default:
        return false;
    }
  }
  void remember(std::uint64_t key) {
    if (stack_.empty()) fail("remembers nothing");
    memo_[key] = stack_.back();
  }
  void recall(std::uint64_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) fail("recalls what it never remembered");
    stack_.push_back(it->second);
  }

  void step_object(std::uint8_t code) {
    if (code == 'c') {
      const std::size_t begin = at_;
      const std::string_view module = line(), name = line();
      const std::string_view both = text_.substr(begin, module.size() + 1 + name.size());
      if (!is_known_global(both))
        fail("refers to '" + std::string(module) + "." + std::string(name) + "', which strata does not run");
      push({Kind::global, 0, both, {}});
    } else if (code == 'R') {
      const int arguments = pop(), function = pop();
      if (value(function).kind != Kind::global || value(arguments).kind != Kind::tuple) fail("has another structure");
      push({Kind::object, 0, {}, {function, arguments}});
    } else if (code == 'b') {
      const int state = pop();
      top(Kind::object).items.push_back(state);
    } else {
      fail("uses operation " + std::to_string(code) + ", which that version does not need");
    }
  }

  const NamedBytes& file_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Value> values_;
  std::vector<int> stack_;
  std::map<std::uint64_t, int> memo_;
};

// An array is _reconstruct(ndarray, (0,), 'b') with the state (version, shape, dtype, is_fortran, bytes).
PickledArray array_of(const Reader& r, const Value& object) {
  const auto item = [&](const Value& v, std::size_t i, Kind kind) -> const Value& {
    if (i >= v.items.size() || r.value(v.items[i]).kind != kind) r.fail("has an array of another structure");
    return r.value(v.items[i]);
  };
  if (!item(object, 0, Kind::global).text.ends_with("_reconstruct")) r.fail("has no array under 'data'");
  const Value& state = item(object, 2, Kind::tuple);
  const Value& shape = item(state, 1, Kind::tuple);
  const Value& dtype = item(state, 2, Kind::object);
  if (item(dtype, 0, Kind::global).text != "numpy\ndtype" ||
      item(item(dtype, 1, Kind::tuple), 0, Kind::text).text != "u1")
    r.fail("has an array of another type than unsigned bytes");
  if (item(state, 3, Kind::integer).integer != 0) r.fail("has an array in Fortran order");
  PickledArray out{{}, item(state, 4, Kind::text).text};
  for (std::size_t i = 0; i < shape.items.size(); ++i) out.shape.push_back(item(shape, i, Kind::integer).integer);
  return out;
}

}  // namespace

PickledBatch read_pickled_batch(const NamedBytes& file) {
  Reader r(file);
  const Value& dict = r.value(r.run());
  if (dict.kind != Kind::dict) r.fail("is no dictionary");
  PickledBatch out;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const Value &key = r.value(dict.items[i]), &v = r.value(dict.items[i + 1]);
    if (key.kind != Kind::text) r.fail("has a key that is no string");
    if (key.text == "data" && v.kind == Kind::object) {
      out.data = array_of(r, v);
    } else if (v.kind == Kind::list &&
               std::all_of(v.items.begin(), v.items.end(), [&](int n) { return r.value(n).kind == Kind::integer; })) {
      std::vector<std::int64_t> integers;
      for (const int n : v.items) integers.push_back(r.value(n).integer);
      out.integer_lists.emplace_back(std::string(key.text), std::move(integers));
    }
  }
  return out;
}

}  // namespace strata::datasets::detail
