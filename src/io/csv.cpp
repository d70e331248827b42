// Comma-separated values (RFC 4180).
#include <charconv>
#include <limits>

#include "core/file.h"
#include "strata/array.h"
#include "strata/directories.h"

namespace strata::utils {

namespace {

// One record after another from the text of a file.
class Records {
 public:
  Records(const std::string& text, char delimiter, const std::string& where)
      : text_(text), delimiter_(delimiter), where_(where) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // the mark of UTF-8
  }
  // False at the end. An empty line is no record.
  bool next(std::vector<std::string>& fields) {
    fields.clear();
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) skip_break();
    if (at_ >= text_.size()) return false;
    first_line_ = line_;
    while (true) {
      fields.push_back(field());
      if (at_ >= text_.size()) return true;
      if (text_[at_] != delimiter_) break;
      ++at_;
    }
    skip_break();
    return true;
  }
  std::int64_t line() const { return first_line_; }

 private:
  void skip_break() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }
  std::string field() {
    std::string out;
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r')
      out += text_[at_++];
    return out;
  }
  std::string quoted() {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        out += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        out += text_[++at_];
      } else {
        ++at_;
        const bool ends = at_ >= text_.size() || text_[at_] == delimiter_ || text_[at_] == '\n' || text_[at_] == '\r';
        if (ends) return out;
        throw FileError("'" + where_ + "', line " + std::to_string(line_) +
                        ": something follows a quoted field. Double the quotes within it.");
      }
    }
    throw FileError("'" + where_ + "', line " + std::to_string(first_line_) + ": a quote is never closed.");
  }
  const std::string& text_;
  char delimiter_;
  std::string where_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1, first_line_ = 1;
};

}  // namespace

CsvTable::CsvTable(const std::vector<std::string>& names, const std::vector<std::vector<std::string>>& columns,
                   const std::string& where)
    : names_(names), columns_(columns), where_(where) {}

const std::vector<std::string>& CsvTable::column(const std::string& name) const {
  std::string known;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == name) return columns_[i];
    known += (known.empty() ? "" : ", ") + names_[i];
  }
  throw ValueError("'" + where_ + "' has no column '" + name + "'. Its columns are: " + known + ".");
}

Tensor CsvTable::numbers_of(const std::string& name) const {
  std::vector<float> out;
  for (const std::string& text : column(name)) {
    float v = std::numeric_limits<float>::quiet_NaN();
    const std::size_t begin = text.find_first_not_of(" \t+"), end = text.find_last_not_of(" \t");
    if (begin != std::string::npos) {
      const auto result = std::from_chars(text.data() + begin, text.data() + end + 1, v);
      if (result.ec != std::errc() || result.ptr != text.data() + end + 1)
        throw ValueError("'" + where_ + "', column '" + name + "', row " + std::to_string(out.size()) + ": \"" + text +
                         "\" is no number. Read the column as text: column(\"" + name + "\").");
    }
    out.push_back(v);
  }
  return Tensor::adopt(std::move(out), {rows()});
}

Tensor CsvTable::numbers(const std::vector<std::string>& names) const {
  if (names.empty()) throw ValueError("CsvTable::numbers: no columns are named.");
  Tensors columns;
  for (const std::string& name : names) columns.push_back(numbers_of(name));
  return stack(columns, 1);
}

CsvTable read_csv(const std::string& path, const CsvOptions& options) {
  const InputFile file(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, text.data(), text.size());
  Records records(text, options.delimiter, path);
  std::vector<std::string> names, fields;
  if (options.header && !records.next(names))
    throw FileError("'" + path + "': the file is empty. Expected a line with the names of the columns.");
  std::vector<std::vector<std::string>> columns(names.size());
  while (records.next(fields)) {
    if (names.empty())
      for (std::size_t i = 0; i < fields.size(); ++i) names.push_back(std::to_string(i)), columns.emplace_back();
    if (fields.size() != names.size())
      throw FileError("'" + path + "', line " + std::to_string(records.line()) + ": found " +
                      std::to_string(fields.size()) + " fields, expected " + std::to_string(names.size()) + ".");
    for (std::size_t i = 0; i < fields.size(); ++i) columns[i].push_back(fields[i]);
  }
  return CsvTable(names, columns, path);
}

}  // namespace strata::utils
