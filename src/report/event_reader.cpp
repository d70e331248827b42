// Scalars out of event files, which may still grow or be damaged at the end.
#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "io/protobuf.h"
#include "kernels/crc32c.h"
#include "strata/board.h"
#include "strata/error.h"

namespace strata::board {

namespace {

namespace fs = std::filesystem;
using protozero::pbf_reader;

struct Scalar {
  std::string tag;
  double value = 0;
  bool is_scalar = false;
};

template <class T>
T little_endian(const char* bytes) {
  T v = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    v |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  return v;
}

// A tensorflow.TensorProto with one float32 or float64.
void read_tensor(pbf_reader tensor, Scalar& out) {
  int dtype = 0;
  std::string content;
  double listed = 0;
  bool has_listed = false;
  while (tensor.next()) {
    switch (tensor.tag()) {
      case 1:
        dtype = tensor.get_enum();
        break;
      case 4:
        content = tensor.get_bytes();
        break;
      case 5:
        for (float v : tensor.get_packed_float()) listed = v, has_listed = true;
        break;
      case 6:
        for (double v : tensor.get_packed_double()) listed = v, has_listed = true;
        break;
      default:
        tensor.skip();
    }
  }
  if (dtype == 1 && content.size() == 4)
    out.value = std::bit_cast<float>(little_endian<std::uint32_t>(content.data()));
  else if (dtype == 2 && content.size() == 8)
    out.value = std::bit_cast<double>(little_endian<std::uint64_t>(content.data()));
  else if (has_listed)
    out.value = listed;
  else
    out.is_scalar = false;
}

// A tensorflow.Summary.Value: of TensorFlow 2 (a tensor of the plugin "scalars") or 1 (a simple value).
Scalar read_value(pbf_reader value) {
  Scalar out;
  pbf_reader tensor;
  bool has_tensor = false;
  while (value.next()) {
    switch (value.tag()) {
      case 1:
        out.tag = value.get_string();
        break;
      case 2:
        out.value = value.get_float();
        out.is_scalar = true;
        break;
      case 8:
        tensor = value.get_message();
        has_tensor = true;
        break;
      case 9: {
        pbf_reader metadata = value.get_message();
        while (metadata.next(1)) {
          pbf_reader plugin = metadata.get_message();
          while (plugin.next(1)) out.is_scalar = plugin.get_string() == "scalars";
        }
        break;
      }
      default:
        value.skip();
    }
  }
  if (has_tensor && out.is_scalar) read_tensor(tensor, out);
  return out;
}

using Curves = std::map<std::pair<std::string, std::string>, std::vector<Point>>;

void read_event(std::string_view bytes, const std::string& run, Curves& curves) {
  pbf_reader event(bytes.data(), bytes.size());
  Point point;
  std::vector<Scalar> scalars;
  while (event.next()) {
    switch (event.tag()) {
      case 1:
        point.wall_time = event.get_double();
        break;
      case 2:
        point.step = event.get_int64();
        break;
      case 5: {
        pbf_reader summary = event.get_message();
        while (summary.next(1)) scalars.push_back(read_value(summary.get_message()));
        break;
      }
      default:
        event.skip();
    }
  }
  for (const Scalar& s : scalars) {
    if (!s.is_scalar) continue;
    point.value = s.value;
    curves[{s.tag, run}].push_back(point);
  }
}

// Up to the first record that is cut short or damaged.
void read_file(const fs::path& path, const std::string& run, Curves& curves) {
  std::ifstream in(path, std::ios::binary);
  char head[12];
  std::string data;
  while (in.read(head, 12)) {
    const auto length = little_endian<std::uint64_t>(head);
    if (little_endian<std::uint32_t>(head + 8) != masked_crc32c({head, 8}) || length > (std::uint64_t{1} << 31)) return;
    data.resize(static_cast<std::size_t>(length) + 4);
    if (!in.read(data.data(), static_cast<std::streamsize>(data.size()))) return;
    const std::string_view event(data.data(), static_cast<std::size_t>(length));
    if (little_endian<std::uint32_t>(data.data() + length) != masked_crc32c(event)) return;
    try {
      read_event(event, run, curves);
    } catch (const protozero::exception&) {
      return;
    }
  }
}

}  // namespace

std::vector<Curve> read_scalars(const std::string& logdir) {
  std::error_code error;
  if (!fs::is_directory(logdir, error)) throw FileError("board: there is no folder '" + logdir + "'.");
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::recursive_directory_iterator(logdir, fs::directory_options::skip_permission_denied, error))
    if (entry.path().filename().string().find("tfevents") != std::string::npos) files.push_back(entry.path());
  if (files.empty())
    throw FileError("board: '" + logdir + "' holds no event file (events.out.tfevents.*). Is it the right folder?");
  std::sort(files.begin(), files.end());
  Curves curves;
  for (const fs::path& file : files) {
    const std::string run = fs::relative(file.parent_path(), logdir).generic_string();
    read_file(file, run, curves);
  }
  std::vector<Curve> out;
  for (auto& [key, points] : curves) out.push_back({key.second, key.first, std::move(points)});
  return out;
}

}  // namespace strata::board
