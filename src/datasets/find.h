// Where a data set is: the places in which load_data looks, in order.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "datasets/bytes.h"
#include "datasets/download.h"
#include "strata/datasets.h"
#include "strata/error.h"

namespace strata::datasets::detail {

// Files of a data set that were found, by their name in the data set's own terms.
class STRATA_API Files {
 public:
  // A directory, whose files may have ".gz" behind their names.
  static Files in_directory(const std::filesystem::path& directory) { return Files(directory); }
  // The wanted members of an archive, read now.
  static Files in_archive(const std::filesystem::path& archive, const std::vector<std::string>& wanted);

  bool has(const std::string& name) const;
  // Throws FileError that names what is missing.
  NamedBytes read(const std::string& name) const;

 private:
  explicit Files(std::filesystem::path place) : place_(std::move(place)) {}
  std::filesystem::path path_of(const std::string& name) const;
  std::filesystem::path place_;
  bool is_archive_ = false;
  std::vector<std::pair<std::string, NamedBytes>> members_;
};

// One published form of a data set, e.g. the binary version of CIFAR-10.
struct Form {
  std::vector<std::string> files;        // all are needed
  std::vector<std::string> directories;  // sub-directories that may hold them
  bool here_too = true;                  // they may also lie in the directory that was given itself
  std::vector<std::string> archives;     // names of archives with them
};

struct DataSet {
  std::string function;  // "datasets::mnist::load_data"
  std::string title;     // "MNIST"
  std::vector<Form> forms;
  std::vector<Remote> remotes;  // what to download
  std::string directory;        // sub-directory of the cache for it
  bool unpack = false;          // the download is an archive of forms[0]
};

struct Found {
  std::size_t form;
  Files files;
};

// Throws what is being handled, a FileError, again with the name of the function in front.
[[noreturn]] void rethrow_for(const DataSet& dataset, const FileError& error);

// Looks in the places that datasets.h lists. Throws FileError that tells what was tried.
STRATA_API Found find(const DataSet& dataset, const std::string& path, bool download);

}  // namespace strata::datasets::detail
