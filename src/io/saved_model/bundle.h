// Tensor bundles: TensorFlow's files of variables, <prefix>.index and <prefix>.data-00000-of-00001.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "strata/tensor.h"

namespace strata::saved_model {

// Writes both files, each under its final name only when it is whole.
STRATA_API void write_bundle(const std::string& prefix, const std::vector<std::pair<std::string, Tensor>>& tensors,
                             const std::string& object_graph);

class STRATA_API BundleReader {
 public:
  // Reads the index alone. Throws FileError.
  explicit BundleReader(const std::string& prefix);

  struct Entry {
    int dtype = 0;  // DataType
    Shape shape;
    std::uint32_t shard = 0;
    std::uint64_t offset = 0, size = 0;
    std::uint32_t crc = 0;
    bool sliced = false;
  };
  const std::map<std::string, Entry>& entries() const { return entries_; }
  // Bytes that all tensors take together.
  std::uint64_t total_bytes() const;
  // Throws FileError where the data are cut or do not have their checksum.
  Tensor tensor(const std::string& key) const;
  // The only string of a scalar string tensor.
  std::string text(const std::string& key) const;

 private:
  std::string data(const Entry& entry, const std::string& key) const;
  const Entry& entry(const std::string& key) const;
  std::string shard_path(std::uint32_t shard) const;
  std::string prefix_;
  std::uint32_t shards_ = 1;
  std::map<std::string, Entry> entries_;
};

}  // namespace strata::saved_model
