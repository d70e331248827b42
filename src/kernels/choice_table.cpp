#include "kernels/choice_table.h"

#include <cstdlib>
#include <filesystem>

#include "core/file.h"
#include "strata/error.h"

namespace strata::kernels {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBetween = " = ";
constexpr std::uint64_t kLargestFile = 16u << 20;

// Empty where there is to be none.
std::string file_path() {
  if (const char* named = std::getenv("STRATA_KERNEL_CACHE")) return named;
  const char *base = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (base != nullptr && *base != '\0') return (fs::path(base) / "strata" / "kernels.txt").string();
  if (home != nullptr && *home != '\0') return (fs::path(home) / ".cache" / "strata" / "kernels.txt").string();
  return {};
}

std::string read_all(const std::string& path) {
  const InputFile file(path);
  std::string text(file.size() <= kLargestFile ? file.size() : 0, '\0');
  file.read_at(0, text.data(), text.size());
  return text;
}

}  // namespace

ChoiceTable& ChoiceTable::instance() {
  static ChoiceTable& only = *new ChoiceTable;  // never destroyed: static objects of programs may still compute
  return only;
}

std::string ChoiceTable::find(const std::string& key, const std::function<std::string(bool& timed)>& decide) {
  const std::lock_guard lock(mutex_);
  if (!file_read_) read_file();
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second;
  bool timed = false;
  const std::string made = decide(timed);
  entries_[key] = made;
  if (timed) {
    saved_[key] = made;
    write_file();
  }
  return made;
}

std::string ChoiceTable::to_text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [key, name] : entries_) text.append(key).append(kBetween).append(name).append("\n");
  return text;
}

void ChoiceTable::add_text(std::string_view text) {
  Entries given;
  std::string wrong;
  if (!parse(text, given, wrong))
    throw ValueError("kernels::import_choices: a line is '" + wrong +
                     "'. Expected lines of the form 'conv ... = implementation', as export_choices() gives them.");
  const std::lock_guard lock(mutex_);
  if (!file_read_) read_file();
  for (const auto& [key, name] : given) entries_[key] = name;
}

bool ChoiceTable::parse(std::string_view text, Entries& entries, std::string& wrong) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const std::size_t at = line.find(kBetween);
    if (at == std::string_view::npos || !line.starts_with("conv ") || at + kBetween.size() == line.size()) {
      wrong = line.substr(0, 200);
      return false;
    }
    entries[std::string(line.substr(0, at))] = line.substr(at + kBetween.size());
  }
  return true;
}

void ChoiceTable::read_file() {
  file_read_ = true;
  const std::string path = file_path();
  std::error_code error;
  if (path.empty() || !fs::exists(path, error)) return;
  try {
    Entries found;
    std::string wrong;
    if (!parse(read_all(path), found, wrong)) return;  // damaged: it is written anew at the next choice
    saved_ = found;
    entries_.merge(found);
  } catch (const Error&) {
    // A cache that cannot be read is as good as none.
  }
}

void ChoiceTable::write_file() const {
  const std::string path = file_path();
  if (path.empty()) return;
  try {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    AtomicFile file(path);
    for (const auto& [key, name] : saved_) {
      const std::string line = key + std::string(kBetween) + name + "\n";
      file.write(line.data(), line.size());
    }
    file.commit();
  } catch (const Error&) {
    // A full or read-only disk costs the next process a few timings, nothing else.
  }
}

}  // namespace strata::kernels
