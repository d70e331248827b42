#include "io/artifact_file.h"

#include <algorithm>
#include <filesystem>

#include "serialization/json.h"
#include "strata/error.h"
#include "strata/version.h"

namespace strata {

namespace {

constexpr const char* kFormat = "strata.artifact";
constexpr int kVersion = 1;
constexpr std::uint64_t kMostText = std::uint64_t{256} << 20;
constexpr std::uint64_t kMostBytes = std::uint64_t{8} << 30;

Config to_config(const Preprocessing& p) {
  return {{"target_size", p.target_size},
          {"color_mode", p.color_mode},
          {"interpolation", p.interpolation},
          {"keep_aspect_ratio", p.keep_aspect_ratio},
          {"exif_orientation", p.exif_orientation},
          {"scale", p.scale},
          {"mean", p.mean},
          {"std", p.std}};
}

Preprocessing preprocessing_of(const Config& c) {
  Preprocessing out;
  out.target_size = c.get<std::vector<std::int64_t>>("target_size");
  out.color_mode = c.get<std::string>("color_mode");
  out.interpolation = c.get<std::string>("interpolation");
  out.keep_aspect_ratio = c.get<bool>("keep_aspect_ratio");
  out.exif_orientation = c.get<bool>("exif_orientation");
  out.scale = c.get<double>("scale");
  out.mean = c.get<std::vector<double>>("mean");
  out.std = c.get<std::vector<double>>("std");
  constexpr std::int64_t kMostPixels = 1 << 14;  // of a side; more is a damaged file
  if (out.target_size.size() != 2 || std::any_of(out.target_size.begin(), out.target_size.end(),
                                                 [](std::int64_t n) { return n < 1 || n > kMostPixels; }))
    throw ValueError("target_size is not {height, width}");
  return out;
}

}  // namespace

std::string to_json(const ArtifactDescription& about) {
  return Config{{"format", kFormat},
                {"version", kVersion},
                {"strata_version", version()},
                {"description", about.description},
                {"class_names", about.class_names},
                {"from_logits", about.from_logits},
                {"preprocessing", to_config(about.preprocessing)}}
      .to_json();
}

const std::vector<std::string>& artifact_files() {
  static const std::vector<std::string> names = {"sample.npy", "model/saved_model.pb",
                                                 "model/variables/variables.index",
                                                 "model/variables/variables.data-00000-of-00001"};
  return names;
}

ArtifactReader::ArtifactReader(const std::string& path) : file_(path), zip_(file_) {}

const ZipEntry& ArtifactReader::entry(const std::string& name) const {
  for (const ZipEntry& e : zip_.entries())
    if (e.name == name) return e;
  throw FileError("'" + file_.path() + "': the archive has no '" + name +
                  "'. It is none that Artifact::save wrote, or is damaged.");
}

std::string ArtifactReader::text(const std::string& name) const {
  const ZipEntry& e = entry(name);
  const auto source = zip_.open(e);
  if (e.uncompressed > kMostText)
    throw FileError("'" + file_.path() + "': '" + name + "' declares " + std::to_string(e.uncompressed) + " bytes.");
  std::string out(static_cast<std::size_t>(e.uncompressed), '\0');
  source->read(out.data(), out.size());
  source->finish();
  return out;
}

void ArtifactReader::extract(const std::string& name, const std::string& to) const {
  constexpr std::uint64_t kPiece = 1 << 20;
  const ZipEntry& e = entry(name);
  const auto source = zip_.open(e);
  if (e.uncompressed > kMostBytes)
    throw FileError("'" + file_.path() + "': '" + name + "' declares " + std::to_string(e.uncompressed) + " bytes.");
  std::filesystem::create_directories(std::filesystem::path(to).parent_path());
  AtomicFile out(to);
  std::string piece;
  while (source->remaining() > 0) {
    piece.resize(static_cast<std::size_t>(std::min(source->remaining(), kPiece)));
    source->read(piece.data(), piece.size());
    out.write(piece.data(), piece.size());
  }
  source->finish();
  out.commit();
}

ArtifactDescription ArtifactReader::description() const {
  const std::string where = "'" + file_.path() + "', " + kArtifactJson;
  const Config::Value value = parse_config_json(text(kArtifactJson), where);
  try {
    const Config& c = value.as_map();
    if (c.get<std::string>("format") != kFormat || c.get<int>("version") != kVersion)
      throw ValueError("it is of another format or version than this strata reads");
    ArtifactDescription out;
    out.preprocessing = preprocessing_of(c.get<Config>("preprocessing"));
    out.class_names = c.get<std::vector<std::string>>("class_names");
    out.from_logits = c.get<bool>("from_logits");
    out.description = c.get<std::string>("description");
    out.version = c.get<std::string>("strata_version");
    return out;
  } catch (const FileError&) {
    throw;
  } catch (const ValueError& e) {
    throw FileError(where + ": " + e.what());
  }
}

bool is_artifact(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  try {
    const InputFile file(path);
    char head[2] = {};
    if (file.size() < 2) return false;
    file.read_at(0, head, 2);
    if (head[0] != 'P' || head[1] != 'K') return false;
    const ZipReader zip(file);
    return std::any_of(zip.entries().begin(), zip.entries().end(),
                       [](const ZipEntry& e) { return e.name == kArtifactJson; });
  } catch (const FileError&) {
    return false;
  }
}

}  // namespace strata
