// The table of choices of kernels, in memory and on disk. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace strata::kernels {

class ChoiceTable {
 public:
  static ChoiceTable& instance();

  // The choice for this key. Where there is none, `decide` makes it, and says by its argument whether it took timings,
  // which go to the file; every caller gets the answer of one call of `decide`.
  std::string find(const std::string& key, const std::function<std::string(bool& timed)>& decide);
  std::string to_text() const;
  void add_text(std::string_view text);  // throws ValueError

 private:
  using Entries = std::map<std::string, std::string>;
  static bool parse(std::string_view text, Entries& entries, std::string& wrong);
  void read_file();
  void write_file() const;

  mutable std::recursive_mutex mutex_;  // deciding prepares convolutions, which may ask for choices of their own
  Entries entries_, saved_;             // all; those that the file holds
  bool file_read_ = false;
};

}  // namespace strata::kernels
