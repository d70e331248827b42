#include "models/checkpoint_file.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "strata/error.h"

namespace strata {

namespace {

using nlohmann::json;

constexpr const char* kManifest = "manifest";
constexpr const char* kFormat = "strata.checkpoint";
constexpr int kVersion = 1;

std::string shard_name(std::size_t i) { return fmt::format("shard-{:05}.npz", i); }
std::string key_of(std::size_t part, std::size_t value) { return fmt::format("{:03}/{:06}", part, value); }

Tensor bytes_of_text(const std::string& text) {
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  const auto n = static_cast<std::int64_t>(bytes.size());
  return Tensor::adopt(std::move(bytes), {n});
}

// What the manifest says, checked against the tensors that the shards hold.
CheckpointContents assembled(const json& manifest, std::map<std::string, Tensor>& tensors) {
  CheckpointContents out;
  out.kernel_choices = manifest.at("kernel_choices").get<std::string>();
  const json& parts = manifest.at("parts");
  for (std::size_t p = 0; p < parts.size(); ++p) {
    CheckpointPart part{parts[p].at("name").get<std::string>(), {}};
    const json& names = parts[p].at("tensors");
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto found = tensors.find(key_of(p, i));
      if (found == tensors.end()) throw FileError("the tensor '" + names[i].get<std::string>() + "' is missing");
      part.values.emplace_back(names[i].get<std::string>(), found->second);
    }
    out.parts.push_back(std::move(part));
  }
  return out;
}

}  // namespace

void write_checkpoint(const std::string& path, const CheckpointContents& contents, std::int64_t shard_bytes) {
  std::vector<NamedTensors> shards(1);
  std::int64_t used = 0;
  json parts = json::array();
  for (std::size_t p = 0; p < contents.parts.size(); ++p) {
    json names = json::array();
    const auto& values = contents.parts[p].values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bytes = static_cast<std::int64_t>(values[i].second.bytes());
      if (used > 0 && used + bytes > shard_bytes) {
        shards.emplace_back();
        used = 0;
      }
      used += bytes;
      names.push_back(values[i].first);
      shards.back().emplace_back(key_of(p, i), values[i].second);
    }
    parts.push_back({{"name", contents.parts[p].name}, {"tensors", names}});
  }
  const json manifest = {{"format", kFormat},
                         {"version", kVersion},
                         {"shards", shards.size()},
                         {"parts", parts},
                         {"kernel_choices", contents.kernel_choices}};
  shards[0].insert(shards[0].begin(), {kManifest, bytes_of_text(manifest.dump(1))});
  std::vector<std::string> owned;
  for (std::size_t i = 0; i < 99999 && (i < shards.size() || i < 64); ++i) owned.push_back(shard_name(i));
  AtomicFolder folder(path, owned);
  for (std::size_t i = 0; i < shards.size(); ++i) save_npz(folder.path(shard_name(i)), shards[i]);
  folder.commit();
}

CheckpointContents read_checkpoint(const std::string& path) {
  const auto load = [&](std::size_t i) { return load_npz(path + "/" + shard_name(i)); };
  const NamedTensors first = load(0);
  try {
    if (first.empty() || first[0].first != kManifest || first[0].second.dtype() != DType::uint8)
      throw FileError("there is no manifest");
    const auto bytes = first[0].second.to_vector<std::uint8_t>();
    const json manifest = json::parse(bytes.begin(), bytes.end());
    if (manifest.at("format") != kFormat) throw FileError("the manifest is not one of strata");
    if (const int version = manifest.at("version"); version != kVersion)
      throw FileError(fmt::format("it has version {}, this strata reads version {}", version, kVersion));
    const auto count = manifest.at("shards").get<std::size_t>();
    std::map<std::string, Tensor> tensors(first.begin(), first.end());
    for (std::size_t i = 1; i < count; ++i)
      for (const auto& [key, value] : load(i)) tensors.emplace(key, value);
    return assembled(manifest, tensors);
  } catch (const json::exception& e) {
    throw FileError("'" + path + "' is no checkpoint, or damaged: " + e.what() + ".");
  } catch (const FileError& e) {
    if (std::string(e.what()).starts_with("'")) throw;  // of a shard, which it names
    throw FileError("'" + path + "' is no checkpoint, or damaged: " + e.what() + ".");
  }
}

}  // namespace strata
