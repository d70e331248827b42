#include "core/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "kernels/crc32.h"
#include "strata/error.h"

namespace strata {

namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kLocator64Size = 20, kEnd64Size = 56;
constexpr std::uint16_t kZip64Extra = 1, kStored = 0, kDeflated = 8, kUtf8 = 1 << 11, kEncrypted = 1;
constexpr std::uint32_t kIn64 = 0xffffffffu;  // the value is in the zip64 part instead
constexpr std::uint16_t kIn64Short = 0xffffu;
// Deflate makes nothing smaller than this: a claim beyond it is a bomb.
constexpr std::uint64_t kBestRatio = 1032;

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T out = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out = static_cast<T>(out | static_cast<T>(static_cast<unsigned char>(bytes.at(at + i))) << (8 * i));
  return out;
}

class Record {
 public:
  template <class T>
  Record& put(T v) {
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes_ += static_cast<char>(v >> (8 * i) & 0xff);
    return *this;
  }
  Record& put(const std::string& text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Takes the 64-bit values of an entry from its extra fields, in the order in which the directory left them out.
bool read_zip64(const std::string& extra, ZipEntry& entry) {
  bool wanted = entry.uncompressed == kIn64 || entry.compressed == kIn64 || entry.offset == kIn64;
  std::size_t at = 0;
  while (wanted && at + 4 <= extra.size()) {
    const auto id = number_at<std::uint16_t>(extra, at), size = number_at<std::uint16_t>(extra, at + 2);
    at += 4;
    if (at + size > extra.size()) return false;
    if (id == kZip64Extra) {
      std::size_t value = at;
      for (std::uint64_t* field : {&entry.uncompressed, &entry.compressed, &entry.offset}) {
        if (*field != kIn64) continue;
        if (value + 8 > at + size) return false;
        *field = number_at<std::uint64_t>(extra, value);
        value += 8;
      }
      wanted = false;
    }
    at += size;
  }
  return !wanted;
}

class StoredEntry final : public ZipReader::Entry {
 public:
  StoredEntry(const InputFile& file, const ZipEntry& entry, std::uint64_t offset)
      : source_(file, offset, entry.uncompressed), entry_(entry) {}
  std::uint64_t remaining() const override { return source_.remaining(); }
  std::string where() const override { return source_.where() + ", entry '" + entry_.name + "'"; }
  void read(void* out, std::size_t bytes) override {
    if (bytes > remaining())
      throw FileError(where() + ": found " + std::to_string(remaining()) + " bytes, expected " + std::to_string(bytes) +
                      ".");
    source_.read(out, bytes);
    crc_ = strata::crc32(crc_, out, bytes);
  }
  void finish() override {
    std::vector<char> rest(static_cast<std::size_t>(std::min<std::uint64_t>(remaining(), 1 << 16)));
    while (remaining() > 0)
      read(rest.data(), static_cast<std::size_t>(std::min<std::uint64_t>(remaining(), rest.size())));
    if (crc_ != entry_.crc) throw FileError(where() + ": the checksum is wrong. The file is damaged.");
  }

 private:
  FileSource source_;
  const ZipEntry& entry_;
  std::uint32_t crc_ = 0;
};

class DeflatedEntry final : public ZipReader::Entry {
 public:
  DeflatedEntry(const InputFile& file, const ZipEntry& entry, std::uint64_t offset)
      : source_(file, offset, entry.compressed), entry_(entry), remaining_(entry.uncompressed), input_(1 << 16) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw FileError(where() + ": zlib has no memory.");
  }
  ~DeflatedEntry() override { inflateEnd(&stream_); }
  DeflatedEntry(const DeflatedEntry&) = delete;
  DeflatedEntry& operator=(const DeflatedEntry&) = delete;
  std::uint64_t remaining() const override { return remaining_; }
  std::string where() const override { return source_.where() + ", entry '" + entry_.name + "'"; }
  void read(void* out, std::size_t bytes) override {
    if (bytes > remaining_)
      throw FileError(where() + ": found " + std::to_string(remaining_) + " bytes, expected " + std::to_string(bytes) +
                      ".");
    char* to = static_cast<char*>(out);
    for (std::size_t left = bytes; left > 0;) {
      const auto piece = static_cast<uInt>(std::min<std::size_t>(left, 1 << 30));
      inflate_to(to, piece);
      to += piece;
      left -= piece;
    }
    crc_ = strata::crc32(crc_, out, bytes);
    remaining_ -= bytes;
  }
  void finish() override {
    std::vector<char> rest(1 << 16);
    while (remaining_ > 0)
      read(rest.data(), static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, rest.size())));
    if (crc_ != entry_.crc) throw FileError(where() + ": the checksum is wrong. The file is damaged.");
  }

 private:
  void inflate_to(char* out, uInt bytes) {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = bytes;
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0 && source_.remaining() > 0) {
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(source_.remaining(), input_.size()));
        source_.read(input_.data(), piece);
        stream_.next_in = input_.data();
        stream_.avail_in = static_cast<uInt>(piece);
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (stream_.avail_out == 0) return;
      if (result != Z_OK)
        throw FileError(where() + ": the compressed data are damaged, or end " + std::to_string(stream_.avail_out) +
                        " bytes before the " + std::to_string(entry_.uncompressed) + " that were expected.");
    }
  }

  FileSource source_;
  const ZipEntry& entry_;
  std::uint64_t remaining_;
  std::vector<Bytef> input_;
  z_stream stream_ = {};
  std::uint32_t crc_ = 0;
};

class Deflater {
 public:
  Deflater() {
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error("zlib has no memory.");
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void add(std::string_view part) {
    while (!part.empty()) {
      const std::string_view piece = part.substr(0, std::size_t{1} << 30);
      run(piece, Z_NO_FLUSH);
      part.remove_prefix(piece.size());
    }
  }
  std::string finish() {
    run({}, Z_FINISH);
    return std::move(out_);
  }

 private:
  void run(std::string_view in, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
      stream_.avail_out = static_cast<uInt>(piece_.size());
      deflate(&stream_, flush);
      out_.append(piece_.data(), piece_.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_ = {};
  std::vector<char> piece_ = std::vector<char>(1 << 16);
  std::string out_;
};

}  // namespace

void ZipReader::fail(const std::string& what) const {
  throw FileError("'" + file_.path() + "': " + what + " The file is no zip archive, or damaged.");
}

ZipReader::ZipReader(const InputFile& file) : file_(file) {
  // The end record is the last thing but a comment of up to 65535 bytes.
  if (file.size() < kEndSize) fail("found " + std::to_string(file.size()) + " bytes, too few for an archive.");
  const std::uint64_t tail_size = std::min<std::uint64_t>(file.size(), kEndSize + 0xffff);
  std::string tail(static_cast<std::size_t>(tail_size), '\0');
  file.read_at(file.size() - tail_size, tail.data(), tail.size());
  std::size_t at = tail.size() - kEndSize;
  while (number_at<std::uint32_t>(tail, at) != kEnd ||
         number_at<std::uint16_t>(tail, at + 20) != tail.size() - at - kEndSize) {
    if (at == 0) fail("has no end record.");
    --at;
  }
  std::uint64_t count = number_at<std::uint16_t>(tail, at + 10), bytes = number_at<std::uint32_t>(tail, at + 12),
                offset = number_at<std::uint32_t>(tail, at + 16);
  if (count == kIn64Short || bytes == kIn64 || offset == kIn64) {
    const std::uint64_t end = file.size() - tail_size + at;
    std::string record(kEnd64Size, '\0');
    if (at < kLocator64Size || number_at<std::uint32_t>(tail, at - kLocator64Size) != kLocator64)
      fail("has no zip64 locator.");
    const auto where = number_at<std::uint64_t>(tail, at - kLocator64Size + 8);
    if (end < kEnd64Size || where > end - kEnd64Size) fail("has no zip64 end record.");
    file.read_at(where, record.data(), record.size());
    if (number_at<std::uint32_t>(record, 0) != kEnd64) fail("has no zip64 end record.");
    count = number_at<std::uint64_t>(record, 32);
    bytes = number_at<std::uint64_t>(record, 40);
    offset = number_at<std::uint64_t>(record, 48);
  }
  read_directory(offset, bytes, count);
}

void ZipReader::read_directory(std::uint64_t offset, std::uint64_t bytes, std::uint64_t count) {
  if (offset > file_.size() || bytes > file_.size() - offset || count > bytes / kCentralSize)
    fail("its directory (" + std::to_string(count) + " entries, " + std::to_string(bytes) + " bytes from byte " +
         std::to_string(offset) + ") does not fit into the " + std::to_string(file_.size()) + " bytes of the file.");
  std::string directory(static_cast<std::size_t>(bytes), '\0');
  file_.read_at(offset, directory.data(), directory.size());
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (directory.size() - at < kCentralSize || number_at<std::uint32_t>(directory, at) != kCentral)
      fail("entry " + std::to_string(i) + " of its directory is damaged.");
    const auto flags = number_at<std::uint16_t>(directory, at + 8);
    const std::size_t name = number_at<std::uint16_t>(directory, at + 28),
                      extra = number_at<std::uint16_t>(directory, at + 30),
                      comment = number_at<std::uint16_t>(directory, at + 32);
    if (directory.size() - at - kCentralSize < name + extra + comment)
      fail("entry " + std::to_string(i) + " of its directory is damaged.");
    ZipEntry entry;
    entry.method = number_at<std::uint16_t>(directory, at + 10);
    entry.crc = number_at<std::uint32_t>(directory, at + 16);
    entry.compressed = number_at<std::uint32_t>(directory, at + 20);
    entry.uncompressed = number_at<std::uint32_t>(directory, at + 24);
    entry.offset = number_at<std::uint32_t>(directory, at + 42);
    entry.name = directory.substr(at + kCentralSize, name);
    if (!read_zip64(directory.substr(at + kCentralSize + name, extra), entry))
      fail("entry '" + entry.name + "' has no zip64 sizes.");
    if (flags & kEncrypted) fail("entry '" + entry.name + "' is encrypted, which is not supported.");
    entries_.push_back(entry);
    at += kCentralSize + name + extra + comment;
  }
}

std::uint64_t ZipReader::position_of(const ZipEntry& entry) const {
  const std::string what = "entry '" + entry.name + "' ";
  if (entry.offset > file_.size() || file_.size() - entry.offset < kLocalSize) fail(what + "lies outside the file.");
  std::string local(kLocalSize, '\0');
  file_.read_at(entry.offset, local.data(), local.size());
  if (number_at<std::uint32_t>(local, 0) != kLocal) fail(what + "has no header.");
  const std::uint64_t offset =
      entry.offset + kLocalSize + number_at<std::uint16_t>(local, 26) + number_at<std::uint16_t>(local, 28);
  if (offset > file_.size() || entry.compressed > file_.size() - offset)
    fail(what + "ends behind the end of the file.");
  if (entry.method == kStored && entry.compressed != entry.uncompressed) fail(what + "is stored, but has two sizes.");
  return offset;
}

std::unique_ptr<ZipReader::Entry> ZipReader::open(const ZipEntry& entry) const {
  const std::string what = "entry '" + entry.name + "' ";
  const std::uint64_t offset = position_of(entry);
  if (entry.method == kStored) return std::make_unique<StoredEntry>(file_, entry, offset);
  if (entry.method != kDeflated)
    fail(what + "is compressed by method " + std::to_string(entry.method) + "; expected 0 (stored) or 8 (deflated).");
  if (entry.uncompressed / kBestRatio > entry.compressed)
    fail(what + "claims to unpack " + std::to_string(entry.compressed) + " bytes to " +
         std::to_string(entry.uncompressed) + ".");
  return std::make_unique<DeflatedEntry>(file_, entry, offset);
}

void ZipWriter::write_header(const ZipEntry& entry, bool wide) {
  Record r;
  r.put(kLocal).put<std::uint16_t>(wide ? 45 : 20).put(kUtf8).put(entry.method);
  r.put<std::uint16_t>(0).put<std::uint16_t>(0x21);  // the first of January 1980: equal contents make equal files
  r.put(entry.crc);
  r.put(wide ? kIn64 : static_cast<std::uint32_t>(entry.compressed));
  r.put(wide ? kIn64 : static_cast<std::uint32_t>(entry.uncompressed));
  r.put(static_cast<std::uint16_t>(entry.name.size())).put<std::uint16_t>(wide ? 20 : 0).put(entry.name);
  if (wide) r.put(kZip64Extra).put<std::uint16_t>(16).put(entry.uncompressed).put(entry.compressed);
  file_.write_at(entry.offset, r.bytes().data(), r.bytes().size());
}

void ZipWriter::add(const std::string& name, std::string_view head, std::string_view body, bool compressed) {
  ZipEntry entry;
  entry.name = name;
  entry.offset = file_.position();
  entry.uncompressed = entry.compressed = head.size() + body.size();
  std::string packed;
  if (compressed) {
    entry.crc = strata::crc32(strata::crc32(0, head.data(), head.size()), body.data(), body.size());
    Deflater deflater;
    deflater.add(head);
    deflater.add(body);
    packed = deflater.finish();
    entry.method = kDeflated;
    entry.compressed = packed.size();
  }
  const bool wide = entry.uncompressed >= limit_ || entry.compressed >= limit_;
  write_header(entry, wide);
  if (compressed) {
    file_.write(packed.data(), packed.size());
  } else {
    constexpr std::size_t kPiece = std::size_t{256} << 10;  // is in the cache when it is written
    for (std::string_view part : {head, body})
      for (; !part.empty(); part.remove_prefix(std::min(kPiece, part.size()))) {
        const std::string_view piece = part.substr(0, kPiece);
        entry.crc = strata::crc32(entry.crc, piece.data(), piece.size());
        file_.write(piece.data(), piece.size());
      }
    write_header(entry, wide);
  }
  entries_.push_back(entry);
}

void ZipWriter::begin(const std::string& name, std::uint64_t most) {
  ZipEntry entry;
  entry.name = name;
  entry.offset = file_.position();
  wide_ = most >= limit_;
  write_header(entry, wide_);
  start_ = file_.position();
  entries_.push_back(entry);
}

void ZipWriter::end() {
  ZipEntry& entry = entries_.back();
  std::vector<char> part(std::size_t{1} << 20);
  for (std::uint64_t at = start_; at < file_.position();) {
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), file_.position() - at));
    file_.read_at(at, part.data(), bytes);
    entry.crc = strata::crc32(entry.crc, part.data(), bytes);
    at += bytes;
  }
  entry.compressed = entry.uncompressed = file_.position() - start_;
  if (!wide_ && entry.uncompressed >= limit_) throw Error("zip: an entry has more bytes than begin() was told.");
  write_header(entry, wide_);
}

void ZipWriter::finish() {
  const std::uint64_t start = file_.position();
  for (const ZipEntry& e : entries_) {
    const bool wide = e.uncompressed >= limit_ || e.compressed >= limit_ || e.offset >= limit_;
    Record r;
    r.put(kCentral).put<std::uint16_t>(3 << 8 | 45).put<std::uint16_t>(wide ? 45 : 20).put(kUtf8).put(e.method);
    r.put<std::uint16_t>(0).put<std::uint16_t>(0x21).put(e.crc);
    r.put(wide ? kIn64 : static_cast<std::uint32_t>(e.compressed));
    r.put(wide ? kIn64 : static_cast<std::uint32_t>(e.uncompressed));
    r.put(static_cast<std::uint16_t>(e.name.size())).put<std::uint16_t>(wide ? 28 : 0).put<std::uint16_t>(0);
    r.put<std::uint16_t>(0).put<std::uint16_t>(0).put<std::uint32_t>(0100644u << 16);
    r.put(wide ? kIn64 : static_cast<std::uint32_t>(e.offset)).put(e.name);
    if (wide) r.put(kZip64Extra).put<std::uint16_t>(24).put(e.uncompressed).put(e.compressed).put(e.offset);
    file_.write(r.bytes().data(), r.bytes().size());
  }
  const std::uint64_t bytes = file_.position() - start, count = entries_.size();
  const bool wide = start >= limit_ || bytes >= limit_ || count >= kIn64Short;
  Record r;
  if (wide) {
    const std::uint64_t end = file_.position();
    r.put(kEnd64).put<std::uint64_t>(kEnd64Size - 12).put<std::uint16_t>(3 << 8 | 45).put<std::uint16_t>(45);
    r.put<std::uint32_t>(0).put<std::uint32_t>(0).put(count).put(count).put(bytes).put(start);
    r.put(kLocator64).put<std::uint32_t>(0).put(end).put<std::uint32_t>(1);
  }
  r.put(kEnd).put<std::uint32_t>(0);
  for (int i = 0; i < 2; ++i) r.put(wide ? kIn64Short : static_cast<std::uint16_t>(count));
  r.put(wide ? kIn64 : static_cast<std::uint32_t>(bytes)).put(wide ? kIn64 : static_cast<std::uint32_t>(start));
  r.put<std::uint16_t>(0);
  file_.write(r.bytes().data(), r.bytes().size());
}

}  // namespace strata
