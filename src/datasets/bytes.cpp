#include "datasets/bytes.h"

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "strata/error.h"

namespace strata::datasets::detail {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxMembers = 100000;

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error))
    throw FileError("'" + path.string() + "' " + (fs::exists(path, error) ? "is not a file." : "does not exist."));
  File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) throw FileError("cannot open '" + path.string() + "': " + std::strerror(errno) + ".");
  return file;
}

[[noreturn]] void too_large(const std::string& name) {
  throw FileError("'" + name + "' holds more than " + std::to_string(kMaxFileBytes >> 20) +
                  " MiB, which no file of this data set does.");
}

Bytes read_plain(const fs::path& path) {
  const File file = open_file(path);
  const std::uintmax_t size = fs::file_size(path);
  if (size > kMaxFileBytes) too_large(path.string());
  Bytes bytes(static_cast<std::size_t>(size));
  const std::size_t got = bytes.empty() ? 0 : std::fread(bytes.data(), 1, bytes.size(), file.get());
  if (got != bytes.size())
    throw FileError("'" + path.string() + "': " + std::to_string(got) + " of " + std::to_string(bytes.size()) +
                    " bytes could be read: " + std::strerror(errno) + ".");
  return bytes;
}

bool is_gzip(const Bytes& bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

Bytes gunzip(const Bytes& packed, const std::string& name) {
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw FileError("'" + name + "': zlib does not start.");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());  // at most kMaxFileBytes
  Bytes out(std::min(kMaxFileBytes, packed.size() * 4 + 4096));
  std::size_t done = 0;
  while (true) {
    if (done == out.size()) {
      if (done >= kMaxFileBytes) too_large(name);
      out.resize(std::min(kMaxFileBytes, out.size() * 2));
    }
    stream.next_out = out.data() + done;
    stream.avail_out = static_cast<uInt>(out.size() - done);
    const int status = inflate(&stream, Z_NO_FLUSH);
    done = out.size() - stream.avail_out;
    if (status == Z_STREAM_END) {
      if (stream.avail_in < 2 || stream.next_in[0] != 0x1f || stream.next_in[1] != 0x8b) break;
      inflateReset(&stream);  // another member follows
    } else if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
      throw FileError("'" + name + "' is cut short: its gzip data ends after " + std::to_string(packed.size()) +
                      " bytes, in the middle (" + std::to_string(done) + " bytes unpacked). Get the file again.");
    } else if (status != Z_OK) {
      throw FileError("'" + name + "' is damaged: its gzip data is wrong after " + std::to_string(done) +
                      " unpacked bytes (" + (stream.msg != nullptr ? stream.msg : "no reason given") +
                      "). Get the file again.");
    }
  }
  out.resize(done);
  return out;
}

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};

Bytes read_member(archive* a, const std::string& name) {
  Bytes bytes;
  constexpr std::size_t kStep = std::size_t{1} << 20;
  while (true) {
    const std::size_t done = bytes.size();
    if (done >= kMaxFileBytes) too_large(name);
    bytes.resize(done + kStep);
    const la_ssize_t got = archive_read_data(a, bytes.data() + done, kStep);
    bytes.resize(done + static_cast<std::size_t>(std::max<la_ssize_t>(got, 0)));
    if (got < 0) {
      const char* reason = archive_error_string(a);
      throw FileError("'" + name + "' cannot be read from its archive, which is cut short or damaged (" +
                      (reason != nullptr ? reason : "no reason given") + "). Get the archive again.");
    }
    if (got == 0) return bytes;
  }
}

}  // namespace

NamedBytes read_file(const fs::path& path) {
  Bytes bytes = read_plain(path);
  if (is_gzip(bytes)) bytes = gunzip(bytes, path.string());
  return {path.string(), std::move(bytes)};
}

std::vector<std::pair<std::string, NamedBytes>> read_archive(const fs::path& path,
                                                             const std::vector<std::string>& wanted) {
  open_file(path);  // for its errors
  const std::unique_ptr<archive, FreeArchive> a(archive_read_new());
  archive_read_support_filter_gzip(a.get());
  archive_read_support_filter_bzip2(a.get());
  archive_read_support_filter_xz(a.get());
  archive_read_support_filter_zstd(a.get());
  archive_read_support_format_tar(a.get());
  archive_read_support_format_zip(a.get());
  const auto fail = [&]() -> std::string {
    const char* reason = archive_error_string(a.get());
    return "'" + path.string() + "' is no readable archive, or cut short or damaged (" +
           (reason != nullptr ? reason : "no reason given") + ").";
  };
  if (archive_read_open_filename(a.get(), path.c_str(), std::size_t{1} << 18) != ARCHIVE_OK) throw FileError(fail());
  std::vector<std::pair<std::string, NamedBytes>> out;
  for (int members = 0; members < kMaxMembers && out.size() < wanted.size(); ++members) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(a.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) throw FileError(fail());
    const char* member = archive_entry_pathname(entry);
    if (member == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string base = fs::path(member).filename().string();
    const bool known = std::any_of(out.begin(), out.end(), [&](const auto& o) { return o.first == base; });
    if (known || std::find(wanted.begin(), wanted.end(), base) == wanted.end()) continue;
    const std::string name = path.string() + ":" + member;
    Bytes bytes = read_member(a.get(), name);
    if (is_gzip(bytes)) bytes = gunzip(bytes, name);
    out.emplace_back(base, NamedBytes{name, std::move(bytes)});
  }
  return out;
}

bool has_archive_name(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const char* end : {".zip", ".npz", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"})
    if (name.ends_with(end)) return true;
  return false;
}

std::string sha256_of_file(const fs::path& path) {
  const File file = open_file(path);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  Bytes block(std::size_t{1} << 20);
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), file.get()))
    EVP_DigestUpdate(digest.get(), block.data(), n);
  if (std::ferror(file.get()) != 0) throw FileError("cannot read '" + path.string() + "'.");
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(digest.get(), value, &length);
  std::string out;
  char digits[3];
  for (unsigned int i = 0; i < length; ++i) {
    std::snprintf(digits, sizeof(digits), "%02x", value[i]);
    out += digits;
  }
  return out;
}

}  // namespace strata::datasets::detail
