// The file of an Artifact: a zip archive of a description, the golden sample and a SavedModel.
#pragma once

#include <string>
#include <vector>

#include "core/zip.h"
#include "strata/artifact.h"

namespace strata {

constexpr const char* kArtifactJson = "artifact.json";
constexpr const char* kArtifactSample = "sample.png";

// What artifact.json says.
struct ArtifactDescription {
  Preprocessing preprocessing;
  std::vector<std::string> class_names;
  bool from_logits = false;
  std::string description, version;  // of the strata that wrote it
};
std::string to_json(const ArtifactDescription& about);

// The other entries but the picture: the outcome of the sample, and the SavedModel.
const std::vector<std::string>& artifact_files();

class ArtifactReader {
 public:
  // Throws FileError where it is no such file.
  explicit ArtifactReader(const std::string& path);
  ArtifactDescription description() const;
  // The bytes of a small entry, such as the picture.
  std::string text(const std::string& name) const;
  // Writes an entry as a file.
  void extract(const std::string& name, const std::string& to) const;

 private:
  const ZipEntry& entry(const std::string& name) const;
  InputFile file_;
  ZipReader zip_;
};

}  // namespace strata
