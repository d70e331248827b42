// The superblock and the messages of object headers, versions 1 and 2.
#include <algorithm>

#include "io/hdf5/format.h"
#include "io/mapped_file.h"

namespace strata::hdf5 {

namespace {

constexpr char kSignature[] = "\x89HDF\r\n\x1a\n";
constexpr std::size_t kMostMessages = 1 << 20;

void check_sizes(const Cursor& c, std::size_t offset_size, std::size_t length_size) {
  auto fits = [](std::size_t n) { return n == 2 || n == 4 || n == 8; };
  if (!fits(offset_size) || !fits(length_size)) c.fail("addresses or lengths have a size that HDF5 does not have");
}

std::uint64_t find_signature(Bytes bytes) {
  for (std::uint64_t at = 0; at + 8 <= bytes.size(); at = at == 0 ? 512 : at * 2)
    if (std::memcmp(bytes.data() + at, kSignature, 8) == 0) return at;
  return kUndefined;
}

void read_superblock(FileData& file, Bytes all) {
  const std::uint64_t start = find_signature(all);
  if (start == kUndefined)
    throw FileError("'" + file.name +
                    "' is not an HDF5 file: its first bytes are others. Is it a .keras archive, or "
                    "was the download cut?");
  Cursor c(all.subspan(static_cast<std::size_t>(start) + 8), file.name, "the superblock");
  const int version = c.u8();
  if (version > 3) c.unsupported("superblock of version " + std::to_string(version));
  if (version <= 1) c.skip(4);
  file.offset_size = c.u8();
  file.length_size = c.u8();
  check_sizes(c, file.offset_size, file.length_size);
  if (version <= 1)
    c.skip(version == 0 ? 9 : 13);
  else
    c.skip(1);
  const std::uint64_t base = c.address(file.offset_size);
  c.skip(file.offset_size);
  c.skip(file.offset_size);  // the end of the file, by which cut files are not told: what is missing is found when read
  if (version <= 1) c.skip(2 * file.offset_size);  // driver information, and the name of the root
  file.root = c.address(file.offset_size);
  const std::uint64_t from = base == kUndefined ? start : std::max(base, start == 0 ? base : start);
  if (from > all.size()) c.fail("the base address lies outside of the file");
  file.bytes = all.subspan(static_cast<std::size_t>(from));
}

class HeaderReader {
 public:
  explicit HeaderReader(const FileData& file) : file_(file) {}

  std::vector<Message> read(std::uint64_t header) {
    Cursor c = file_.at(header, "an object header");
    visited_.add(header, c);
    if (c.remaining() >= 4 && std::memcmp(c.take(4).data(), "OHDR", 4) == 0)
      read_version2(c);
    else
      read_version1(header);
    for (std::size_t i = 0; i < continuations_.size(); ++i) read_continuation(continuations_[i]);
    return messages_;
  }

 private:
  struct Block {
    std::uint64_t address, size;
  };

  void read_version1(std::uint64_t header) {
    Cursor c = file_.at(header, "an object header");
    if (c.u8() != 1) c.fail("its version is not 1");
    c.skip(1);
    left_ = c.u16();
    c.skip(4);
    const std::uint64_t size = c.u32();
    c.skip(4);
    Cursor block(c.take(size), file_.name, "an object header");
    read_messages1(block);
  }
  void read_messages1(Cursor& c) {
    while (left_ > 0 && c.remaining() >= 8) {
      --left_;
      const std::uint16_t type = c.u16();
      const std::uint16_t size = c.u16();
      const std::uint8_t flags = c.u8();
      c.skip(3);
      add(type, flags, c.take(size), c);
    }
  }

  void read_version2(Cursor& c) {
    if (c.u8() != 2) c.fail("its version is not 2");
    flags_ = c.u8();
    is_version2_ = true;
    if (flags_ & 0x20) c.skip(16);
    if (flags_ & 0x10) c.skip(4);
    const std::uint64_t size = c.uint(std::size_t{1} << (flags_ & 3));
    Cursor block(c.take(size), file_.name, "an object header");
    read_messages2(block);
  }
  void read_messages2(Cursor& c) {
    const std::size_t head = flags_ & 0x04 ? 6 : 4;
    while (c.remaining() >= head) {
      const std::uint8_t type = c.u8();
      const std::uint16_t size = c.u16();
      const std::uint8_t flags = c.u8();
      if (flags_ & 0x04) c.skip(2);
      if (type == 0 && size > c.remaining()) return;  // the gap at the end of a block
      add(type, flags, c.take(size), c);
    }
  }

  void read_continuation(const Block& block) {
    Cursor c = file_.at(block.address, block.size, "a continued object header");
    visited_.add(block.address, c);
    if (!is_version2_) return read_messages1(c);
    if (block.size < 8) c.fail("it is too short");
    c.expect("OCHK");
    Cursor inner(c.take(block.size - 8), file_.name, "a continued object header");
    read_messages2(inner);
  }

  void add(std::uint16_t type, std::uint8_t flags, Bytes data, const Cursor& where) {
    if (messages_.size() >= kMostMessages) where.fail("it has too many messages");
    if (type == 0x0010) {
      Cursor c(data, file_.name, "a continued object header");
      const std::uint64_t address = c.address(file_.offset_size);
      continuations_.push_back({address, c.uint(file_.length_size)});
      return;
    }
    // A shared message lies elsewhere: types with a name of their own, which Keras does not write.
    if ((flags & 0x02) && (type == 0x0001 || type == 0x0003 || type == 0x000B || type == 0x000C))
      where.unsupported("shared object header messages");
    messages_.push_back({type, data});
  }

  const FileData& file_;
  std::vector<Message> messages_;
  std::vector<Block> continuations_;
  Visited visited_;
  std::size_t left_ = 0;
  std::uint8_t flags_ = 0;
  bool is_version2_ = false;
};

}  // namespace

Cursor FileData::at(std::uint64_t address, const char* part) const {
  if (address == kUndefined || address > bytes.size())
    Cursor({}, name, part).fail("its address lies outside of the file");
  return {bytes.subspan(static_cast<std::size_t>(address)), name, part};
}

Cursor FileData::at(std::uint64_t address, std::uint64_t size, const char* part) const {
  return {at(address, part).take(size), name, part};
}

std::vector<Message> read_messages(const FileData& file, std::uint64_t header) {
  return HeaderReader(file).read(header);
}

bool has_signature(const void* bytes, std::size_t size) { return size >= 8 && std::memcmp(bytes, kSignature, 8) == 0; }

Object open_bytes(const void* bytes, std::size_t size, std::shared_ptr<const void> owner, const std::string& name,
                  const Limits& limits) {
  auto file = std::make_shared<FileData>();
  file->name = name;
  file->limits = limits;
  file->owner = std::move(owner);
  read_superblock(*file, {static_cast<const unsigned char*>(bytes), size});
  return Object(file, file->root, "/");
}

Object open_file(const std::string& path, const Limits& limits) {
  const auto mapping = map_file(path);
  return open_bytes(mapping->bytes(), mapping->size(), mapping, path, limits);
}

}  // namespace strata::hdf5
