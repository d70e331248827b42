#include "datasets/find.h"

#include <algorithm>
#include <cstdlib>

#include "core/atomic_file.h"

namespace strata::datasets::detail {

namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

bool is_directory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// `explicitly`: the user named this directory for this data set.
std::optional<Found> find_in_directory(const DataSet& dataset, const fs::path& directory, bool explicitly) {
  std::error_code error;
  for (std::size_t i = 0; i < dataset.forms.size(); ++i) {
    const Form& form = dataset.forms[i];
    std::vector<fs::path> places;
    for (const std::string& sub : form.directories) places.push_back(directory / sub);
    if (form.here_too || explicitly) places.push_back(directory);
    for (const fs::path& place : places) {
      const Files files = Files::in_directory(place);
      // One file is enough to know that they are meant: what is missing of the others is an error then.
      if (std::any_of(form.files.begin(), form.files.end(), [&](const std::string& f) { return files.has(f); }))
        return Found{i, files};
    }
    for (const std::string& name : form.archives)
      if (fs::is_regular_file(directory / name, error))
        return Found{i, Files::in_archive(directory / name, form.files)};
  }
  return std::nullopt;
}

Found find_in_archive(const DataSet& dataset, const fs::path& path) {
  for (std::size_t i = 0; i < dataset.forms.size(); ++i) {
    std::vector<std::string> wanted = dataset.forms[i].files;
    const Files files = Files::in_archive(path, wanted);
    if (std::any_of(wanted.begin(), wanted.end(), [&](const std::string& f) { return files.has(f); }))
      return {i, files};
  }
  throw FileError(dataset.function + ": the archive '" + path.string() + "' holds none of the files of " +
                  dataset.title + " (" + joined(dataset.forms[0].files) + ").");
}

Found find_at(const DataSet& dataset, const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    if (has_archive_name(path)) return find_in_archive(dataset, path);
    throw FileError(dataset.function + ": path '" + path.string() +
                    "' is a file, but no archive (.zip, .tar.gz, ...). Give the directory that holds the files of " +
                    dataset.title + ".");
  }
  if (!fs::exists(path, error)) throw FileError(dataset.function + ": path '" + path.string() + "' does not exist.");
  if (auto found = find_in_directory(dataset, path, true)) return *found;
  std::string archives;
  for (const Form& form : dataset.forms)
    for (const std::string& name : form.archives) archives += (archives.empty() ? "" : ", ") + name;
  throw FileError(dataset.function + ": no " + dataset.title + " in path '" + path.string() +
                  "'. It must hold the files " + joined(dataset.forms[0].files) + ", or one of the archives " +
                  archives + ".");
}

// What the cache keeps instead of a downloaded archive: its files, which load faster.
void unpack(const Form& form, const fs::path& archive, const fs::path& directory) {
  AtomicFolder folder(directory.string());
  for (const auto& [name, content] : read_archive(archive, form.files)) {
    AtomicFile file(folder.path(name));
    file.write(content.bytes.data(), content.bytes.size());
    file.commit();
  }
  folder.commit();
  std::error_code error;
  fs::remove(archive, error);
}

Found download_all(const DataSet& dataset, const fs::path& cache) {
  const fs::path directory = cache / dataset.directory;
  if (dataset.unpack)
    unpack(dataset.forms[0], download(dataset.remotes[0], cache), directory);
  else
    for (const Remote& remote : dataset.remotes) download(remote, directory);
  return {0, Files::in_directory(directory)};
}

std::string cache_directory() {
  if (const char* base = environment("XDG_CACHE_HOME")) return (fs::path(base) / "strata" / "datasets").string();
  if (const char* home = environment("HOME")) return (fs::path(home) / ".cache" / "strata" / "datasets").string();
  return {};
}

}  // namespace

Files Files::in_archive(const fs::path& archive, const std::vector<std::string>& wanted) {
  std::vector<std::string> names = wanted;
  for (const std::string& w : wanted) names.push_back(w + ".gz");
  Files files(archive);
  files.is_archive_ = true;
  files.members_ = read_archive(archive, names);
  for (auto& [name, content] : files.members_)
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return files;
}

fs::path Files::path_of(const std::string& name) const {
  std::error_code error;
  std::vector<std::string> spellings = {name, name + ".gz"};
  // MNIST's files are also passed around as train-images.idx3-ubyte.
  if (const std::size_t at = name.find("-idx"); at != std::string::npos) {
    std::string other = name;
    other[at] = '.';
    spellings.insert(spellings.end(), {other, other + ".gz"});
  }
  for (const std::string& s : spellings)
    if (fs::is_regular_file(place_ / s, error)) return place_ / s;
  return {};
}

bool Files::has(const std::string& name) const {
  if (!is_archive_) return !path_of(name).empty();
  return std::any_of(members_.begin(), members_.end(), [&](const auto& m) { return m.first == name; });
}

NamedBytes Files::read(const std::string& name) const {
  if (!is_archive_) {
    const fs::path path = path_of(name);
    if (path.empty())
      throw FileError("'" + (place_ / name).string() +
                      "' is missing (with or without .gz), though other files of the "
                      "data set are there.");
    return read_file(path);
  }
  for (const auto& [member, content] : members_)
    if (member == name) return content;
  throw FileError("the archive '" + place_.string() + "' lacks the file " + name + ".");
}

void rethrow_for(const DataSet& dataset, const FileError& error) {
  const std::string text = error.what();
  throw FileError(text.starts_with(dataset.function) ? text : dataset.function + ": " + text);
}

Found find(const DataSet& dataset, const std::string& path, bool may_download) {
  if (!path.empty()) return find_at(dataset, path);
  std::string tried;
  if (const char* place = environment("STRATA_DATA_DIR")) {
    if (auto found = find_in_directory(dataset, place, false)) return *found;
    tried += "\n  STRATA_DATA_DIR: '" + std::string(place) + "' " +
             (is_directory(place) ? "does not hold it" : "is no directory");
  } else {
    tried += "\n  STRATA_DATA_DIR: not set";
  }
  const std::string cache = cache_directory();
  if (!cache.empty()) {
    if (auto found = find_in_directory(dataset, cache, false)) return *found;
    tried += "\n  cache: '" + cache + "' " + (is_directory(cache) ? "does not hold it" : "does not exist");
  } else {
    tried += "\n  cache: neither XDG_CACHE_HOME nor HOME is set";
  }
  if (!may_download) {
    tried += "\n  download: not wanted (download = false)";
  } else if (environment("STRATA_OFFLINE") != nullptr) {
    tried += "\n  download: not allowed (STRATA_OFFLINE is set)";
  } else if (cache.empty()) {
    tried += "\n  download: there is no cache to put it in";
  } else {
    try {
      return download_all(dataset, cache);
    } catch (const std::exception& e) {
      tried += std::string("\n  download: ") + e.what();
    }
  }
  throw FileError(dataset.function + ": " + dataset.title + " was not found. Tried:" + tried +
                  "\nGive {.path = \"DIRECTORY\"}, or set STRATA_DATA_DIR to a directory, that holds " +
                  joined(dataset.forms[0].files) + ".");
}

}  // namespace strata::datasets::detail
