// The embedding projector: tab separated rows, and the file that names them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/atomic_file.h"
#include "strata/image.h"
#include "strata/tensorboard.h"

namespace strata::projector {

namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path.string());
  file.write(text.data(), text.size());
  file.commit();
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string rows_text(const Tensor& rows) {
  const std::vector<double> values = rows.to_vector<double>();
  const auto width = static_cast<std::size_t>(rows.shape()[1]);
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i)
    out += fmt::format("{:.7g}{}", values[i], (i + 1) % width == 0 ? '\n' : '\t');
  return out;
}

void check_count(std::size_t got, std::int64_t n, const std::string& where, const std::string& what) {
  if (static_cast<std::int64_t>(got) != n)
    throw ShapeError(fmt::format("{}: {} {} are given for {} rows.", where, got, what, n));
}

// One column alone has no head, as the projector wants it.
std::string metadata_text(const EmbeddingOptions& o, std::int64_t n, const std::string& where) {
  std::vector<std::pair<std::string, std::vector<std::string>>> columns;
  if (!o.labels.empty()) columns.emplace_back("label", o.labels);
  columns.insert(columns.end(), o.columns.begin(), o.columns.end());
  if (columns.empty()) return {};
  std::string out;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    check_count(columns[c].second.size(), n, where, "labels");
    if (columns.size() > 1) out += one_line(columns[c].first) + (c + 1 == columns.size() ? "\n" : "\t");
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    for (std::size_t c = 0; c < columns.size(); ++c)
      out += one_line(columns[c].second[i]) + (c + 1 == columns.size() ? "\n" : "\t");
  return out;
}

// All pictures in one square one, row by row.
Tensor sprite_of(const Tensor& images, const std::string& where) {
  const Shape s = images.shape();
  if (s.size() != 4 || (s[3] != 1 && s[3] != 3 && s[3] != 4))
    throw ShapeError(where + ": images have shape " + to_string(s) +
                     ", but (n, height, width, channels) with 1, 3 or 4 channels was expected.");
  const auto side = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(s[0]))));
  if (side * std::max(s[1], s[2]) > 8192)
    throw ShapeError(
        fmt::format("{}: {} images of {} x {} make a sprite above the projector's 8192 pixels a side. "
                    "Give fewer or smaller ones.",
                    where, s[0], s[1], s[2]));
  const bool is_bytes = images.dtype() == DType::uint8;
  const std::vector<float> values = images.to_vector<float>();
  std::vector<std::uint8_t> out(static_cast<std::size_t>(side * s[1] * side * s[2] * s[3]), 0);
  std::size_t from = 0;
  for (std::int64_t i = 0; i < s[0]; ++i)
    for (std::int64_t y = 0; y < s[1]; ++y)
      for (std::int64_t x = 0; x < s[2] * s[3]; ++x) {
        const std::int64_t row = i / side * s[1] + y, column = i % side * s[2] * s[3] + x;
        const float v = is_bytes ? values[from] : std::clamp(values[from], 0.f, 1.f) * 255;
        ++from;
        out[static_cast<std::size_t>(row * side * s[2] * s[3] + column)] = static_cast<std::uint8_t>(std::lround(v));
      }
  return Tensor::adopt(std::move(out), {side * s[1], side * s[2], s[3]});
}

bool holds_events(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().find("tfevents") != std::string::npos) return true;
  return false;
}

// The entries of a projector_config.pbtxt but the one of this name.
std::string other_entries(const fs::path& path, const std::string& name) {
  std::ifstream in(path);
  std::string line, entry, out;
  int depth = 0;
  while (std::getline(in, line)) {
    if (line.starts_with("embeddings"))
      depth = 1, entry.clear();
    else if (depth > 0 && line.find('{') != std::string::npos)
      ++depth;
    if (depth == 0) continue;
    entry += line + "\n";
    if (line.find('}') != std::string::npos && --depth == 0 &&
        entry.find("tensor_name: \"" + name + "\"") == std::string::npos)
      out += entry;
  }
  return out;
}

}  // namespace

void add_embedding(const std::string& logdir, const std::string& name, const Tensor& rows,
                   const EmbeddingOptions& options) {
  const std::string where = "projector::add_embedding '" + name + "'";
  if (!rows.defined() || rows.rank() != 2 || rows.shape()[0] == 0)
    throw ShapeError(where + ": the rows have shape " + (rows.defined() ? to_string(rows.shape()) : "none") +
                     ", but (n, dimensions) was expected. Use reshape or flatten first.");
  if (name.empty() || name.find_first_of("/\\\"\n") != std::string::npos)
    throw ValueError(where + ": the name becomes the name of files; leave out slashes and quotes.");
  const fs::path folder(logdir);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw FileError(where + ": cannot make '" + logdir + "': " + error.message() + ".");
  const std::string metadata = metadata_text(options, rows.shape()[0], where);
  write_text(folder / (name + ".tsv"), rows_text(rows));
  std::string entry = fmt::format("embeddings {{\n  tensor_name: \"{}\"\n  tensor_path: \"{}.tsv\"\n", name, name);
  if (!metadata.empty()) {
    write_text(folder / (name + "_metadata.tsv"), metadata);
    entry += fmt::format("  metadata_path: \"{}_metadata.tsv\"\n", name);
  }
  if (options.images.defined()) {
    check_count(static_cast<std::size_t>(options.images.shape().empty() ? 0 : options.images.shape()[0]),
                rows.shape()[0], where, "images");
    write_text(folder / (name + "_sprite.png"), utils::encode_png(Image(sprite_of(options.images, where))));
    entry += fmt::format(
        "  sprite {{\n    image_path: \"{}_sprite.png\"\n    single_image_dim: {}\n    single_image_dim: {}\n  }}\n",
        name, options.images.shape()[2], options.images.shape()[1]);
  }
  if (!holds_events(folder)) summary::create_file_writer(logdir).close();  // TensorBoard looks into runs alone
  const fs::path config = folder / "projector_config.pbtxt";
  write_text(config, other_entries(config, name) + entry + "}\n");
}

}  // namespace strata::projector
