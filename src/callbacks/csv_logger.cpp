#include <algorithm>
#include <fstream>

#include "callbacks/monitor.h"
#include "models/log_values.h"
#include "strata/callbacks.h"

namespace strata::callbacks {

namespace {
// Several values are a list in quotes, which Python's csv quotes once more.
std::string field(const Logs& logs, const std::string& key) {
  for (const auto& [name, value] : logs.entries())
    if (name == key) {
      if (value.rank() == 0) return python_number(value.item<double>());
      return "\"\"\"" + python_text(value) + "\"\"\"";
    }
  return "NA";
}
}  // namespace

struct CSVLogger::State {
  std::string path;
  CSVLoggerOptions options;
  std::ofstream file;
  std::vector<std::string> keys;
  bool has_keys = false, needs_header = true;

  void end_line() {
    file << "\r\n" << std::flush;  // as Python's csv writes lines
    if (!file) throw FileError("CSVLogger: '" + path + "' cannot be written. Is the disk full?");
  }
};

CSVLogger::CSVLogger(const std::string& filename, const CSVLoggerOptions& options) : state_(std::make_shared<State>()) {
  state_->path = filename;
  state_->options = options;
}

void CSVLogger::on_train_begin(const Logs&) {
  State& s = *state_;
  s.needs_header = true;
  if (s.options.append) {
    std::ifstream old(s.path);
    s.needs_header = !old || old.peek() == std::ifstream::traits_type::eof();
  }
  s.file = std::ofstream(s.path, s.options.append ? std::ios::app : std::ios::trunc);
  s.has_keys = false;
  if (!s.file)
    throw FileError("CSVLogger: '" + s.path +
                    "' cannot be opened for writing. Does its folder exist, and is it yours?");
}

void CSVLogger::on_epoch_end(int epoch, const Logs& logs) {
  State& s = *state_;
  const std::string& separator = s.options.separator;
  if (!s.has_keys) {
    s.keys = logs.names();
    std::sort(s.keys.begin(), s.keys.end());
    const bool validates =
        std::any_of(s.keys.begin(), s.keys.end(), [](const std::string& k) { return k.starts_with("val_"); });
    // Validation may follow in later epochs.
    const std::size_t n = s.keys.size();
    for (std::size_t i = 0; !validates && i < n; ++i) s.keys.push_back("val_" + s.keys[i]);
    s.has_keys = true;
    if (s.needs_header) {
      s.file << "epoch";
      for (const std::string& key : s.keys) s.file << separator << key;
      s.end_line();
    }
  }
  s.file << epoch;
  for (const std::string& key : s.keys) s.file << separator << field(logs, key);
  s.end_line();
}

void CSVLogger::on_train_end(const Logs&) { state_->file.close(); }

}  // namespace strata::callbacks
