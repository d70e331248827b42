#include "io/onnx/external_data.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "io/exchange/parsing.h"
#include "strata/error.h"

namespace strata::onnx {

namespace fs = std::filesystem;

void ExternalPlace::set(const std::string& key, const std::string& value, const std::string& where) {
  auto number = [&] {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error != std::errc() || end != value.data() + value.size())
      throw FileError(where + ": the " + key + " of its data is '" + value + "', expected a number of bytes.");
    return n;
  };
  if (key == "location") location = value;
  if (key == "offset") offset = number();
  if (key == "length") length = number();
}

const InputFile& ExternalReader::file(const std::string& location, const std::string& where) {
  std::unique_ptr<InputFile>& known = files_[location];
  if (known != nullptr) return *known;
  const std::string wrong = where + ": its data lie in '" + location + "', ";
  const fs::path relative(location), folder = fs::absolute(fs::path(model_path_)).parent_path();
  const bool leaves = relative.empty() || relative.is_absolute() || location.find('\0') != std::string::npos ||
                      std::find(relative.begin(), relative.end(), "..") != relative.end();
  if (leaves) throw FileError(wrong + "which is no path below the folder of the model.");
  std::error_code error;
  const fs::path home = fs::canonical(folder, error), real = error ? fs::path() : fs::canonical(home / relative, error);
  if (error || !fs::is_regular_file(real, error))
    throw FileError(wrong + "which is no file in the folder of the model. Put both files into one folder.");
  if (std::mismatch(home.begin(), home.end(), real.begin(), real.end()).first != home.end())
    throw FileError(wrong + "a link that leads out of the folder of the model.");
  known = std::make_unique<InputFile>(real.string());
  return *known;
}

void ExternalReader::read(const ExternalPlace& place, const std::string& where, void* out, std::uint64_t size) {
  const InputFile& from = file(place.location, where);
  if (place.length && *place.length != size)
    throw FileError(where + ": its data do not have the size of its shape: " + std::to_string(*place.length) +
                    " bytes in '" + place.location + "', expected " + std::to_string(size) + ".");
  if (place.offset > from.size() || size > from.size() - place.offset)
    throw FileError(where + ": its data lie behind the end of '" + place.location + "' (" + std::to_string(size) +
                    " bytes at " + std::to_string(place.offset) + " of " + std::to_string(from.size()) + ").");
  if (size > 0) from.read_at(place.offset, out, static_cast<std::size_t>(size));
}

ExternalWriter::ExternalWriter(const std::string& model_path, bool wanted)
    : folder_(fs::path(model_path).parent_path()) {
  const std::string stem = fs::path(model_path).filename().string();
  const std::string names[] = {stem + ".data", stem + ".2.data"};
  std::error_code error;
  if (fs::is_regular_file(model_path, error) && std::any_of(std::begin(names), std::end(names), [&](const auto& n) {
        return fs::exists(folder_ / fs::path(n), error);
      })) {
    // The model names its second file in plain text.
    const std::string bytes = exchange::read_file(model_path, std::uint64_t{1} << 32);
    for (const std::string& n : names)
      if (bytes.find(n) != std::string::npos) old_ = n;
  }
  if (!wanted) return;
  location_ = old_ == names[0] ? names[1] : names[0];
  file_ = std::make_unique<AtomicFile>((fs::path(folder_) / location_).string());
}

ExternalPlace ExternalWriter::add(std::string_view bytes) {
  constexpr std::uint64_t kPage = 4096;
  static constexpr char kZeros[kPage] = {};
  const std::uint64_t rest = file_->position() % kPage;
  if (rest > 0) file_->write(kZeros, static_cast<std::size_t>(kPage - rest));
  const ExternalPlace place = {location_, file_->position(), bytes.size()};
  file_->write(bytes.data(), bytes.size());
  return place;
}

void ExternalWriter::commit() {
  if (is_wanted()) file_->commit();
}

void ExternalWriter::remove_old() {
  std::error_code ignored;  // it is of no use to anybody, and does no harm
  if (!old_.empty()) fs::remove(fs::path(folder_) / old_, ignored);
}

}  // namespace strata::onnx
