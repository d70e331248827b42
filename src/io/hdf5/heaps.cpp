// Fractal heaps with the B-trees of version 2 that index them, and the global heap of variable-length data.
#include "io/hdf5/format.h"

namespace strata::hdf5 {

namespace {

constexpr int kDeepest = 32;
constexpr std::size_t kMostRecords = 1 << 22;

std::size_t bytes_for(std::uint64_t v) {
  std::size_t n = 1;
  while (v > 0xff) {
    v >>= 8;
    ++n;
  }
  return n;
}

class FractalHeap {
 public:
  FractalHeap(const FileData& file, std::uint64_t address) : file_(file) {
    Cursor c = file.at(address, "a fractal heap");
    const std::size_t o = file.offset_size, l = file.length_size;
    c.expect("FRHP");
    if (c.u8() != 0) c.fail("its version is not 0");
    id_size_ = c.u16();
    if (c.u16() != 0) c.unsupported("filtered fractal heaps");
    has_checksums_ = (c.u8() & 2) != 0;
    const std::uint64_t most = c.u32();
    c.skip(l + o + l + o + 8 * l);
    width_ = c.u16();
    start_ = c.uint(l);
    largest_ = c.uint(l);
    const std::uint16_t bits = c.u16();
    c.skip(2);
    root_ = c.address(o);
    root_rows_ = c.u16();
    if (bits > 64 || width_ == 0 || start_ == 0 || largest_ < start_) c.fail("its sizes are impossible");
    offset_bytes_ = (bits + 7u) / 8u;
    length_bytes_ = bytes_for(std::min(largest_, most));
    for (std::uint64_t size = start_; size < largest_ && direct_rows_ < 64; size *= 2) ++direct_rows_;
    direct_rows_ += 2;
  }

  Bytes object(Bytes id) const {
    Cursor c(id, file_.name, "a fractal heap");
    const std::uint8_t flags = c.u8();
    const int kind = (flags >> 4) & 3;
    if (kind == 2) return c.take((flags & 0x0f) + 1u);
    if (kind == 1) c.unsupported("huge objects of fractal heaps");
    const std::uint64_t offset = c.uint(offset_bytes_), length = c.uint(length_bytes_);
    if (root_rows_ == 0) return in_block(root_, 0, start_, offset, length);
    return in_indirect(root_, 0, root_rows_, offset, length, 0);
  }
  std::size_t id_size() const { return id_size_; }

 private:
  std::uint64_t row_size(std::size_t row) const { return row < 2 ? start_ : start_ << (row - 1); }

  // A direct block: offsets count from its own first byte.
  Bytes in_block(std::uint64_t address, std::uint64_t from, std::uint64_t size, std::uint64_t offset,
                 std::uint64_t length) const {
    Cursor c = file_.at(address, "a block of a fractal heap");
    const Bytes block = c.take(size);
    Cursor head(block, file_.name, "a block of a fractal heap");
    head.expect("FHDB");
    const std::uint64_t at = offset - from;
    if (at > size || length > size - at) c.fail("an object lies outside of its block");
    return block.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(length));
  }

  Bytes in_indirect(std::uint64_t address, std::uint64_t from, std::size_t rows, std::uint64_t offset,
                    std::uint64_t length, int depth) const {
    Cursor c = file_.at(address, "a block of a fractal heap");
    if (depth > kDeepest || rows > 64) c.fail("it nests too deep");
    c.expect("FHIB");
    c.skip(1 + file_.offset_size + offset_bytes_);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::uint64_t size = row_size(row);
      for (std::size_t i = 0; i < width_; ++i, from += size) {
        const std::uint64_t child = c.address(file_.offset_size);
        if (offset < from || offset - from >= size) continue;
        if (row < direct_rows_) return in_block(child, from, size, offset, length);
        return in_indirect(child, from, rows_within(size), offset, length, depth + 1);
      }
    }
    c.fail("an object lies outside of it");
  }
  // How many rows an indirect block of this size has.
  std::size_t rows_within(std::uint64_t size) const {
    std::size_t rows = 0;
    for (std::uint64_t total = 0; total < size && rows < 64; ++rows) total += row_size(rows) * width_;
    return rows;
  }

  const FileData& file_;
  std::size_t id_size_, width_ = 0, offset_bytes_ = 0, length_bytes_ = 0, direct_rows_ = 0, root_rows_ = 0;
  std::uint64_t start_ = 0, largest_ = 0, root_ = 0;
  bool has_checksums_ = false;
};

// Walks all records of a B-tree of version 2.
class Tree2 {
 public:
  Tree2(const FileData& file, std::uint64_t address) : file_(file) {
    Cursor c = file.at(address, "a B-tree");
    c.expect("BTHD");
    c.skip(2);
    node_size_ = c.u32();
    record_size_ = c.u16();
    const std::uint16_t depth = c.u16();
    c.skip(2);
    const std::uint64_t root = c.address(file.offset_size);
    const std::uint16_t count = c.u16();
    if (depth > kDeepest || record_size_ == 0 || node_size_ < 16) c.fail("its sizes are impossible");
    measure(depth);
    if (root != kUndefined) read(root, depth, count);
  }
  std::vector<Bytes> records;

 private:
  // Counts of records take as many bytes as the largest of the level below needs.
  void measure(std::size_t depth) {
    const std::uint64_t room = node_size_ - 10;
    most_ = {room / record_size_};
    totals_ = {most_[0]};
    for (std::size_t level = 1; level <= depth; ++level) {
      const std::size_t pointer = pointer_size(level);
      most_.push_back(room <= pointer ? 0 : (room - pointer) / (record_size_ + pointer));
      const std::uint64_t below = totals_.back();
      totals_.push_back(std::min<std::uint64_t>((most_.back() + 1) * std::min<std::uint64_t>(below, 1u << 31),
                                                std::uint64_t{1} << 40));
    }
  }
  std::size_t pointer_size(std::size_t level) const {
    return file_.offset_size + bytes_for(most_[level - 1]) + (level > 1 ? bytes_for(totals_[level - 1]) : 0);
  }

  void read(std::uint64_t address, std::size_t level, std::uint64_t count) {
    Cursor c = file_.at(address, node_size_, "a B-tree");
    visited_.add(address, c);
    c.expect(level == 0 ? "BTLF" : "BTIN");
    c.skip(2);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (records.size() >= kMostRecords) c.fail("it has too many records");
      records.push_back(c.take(record_size_));
    }
    if (level == 0) return;
    for (std::uint64_t i = 0; i <= count; ++i) {
      const std::uint64_t child = c.address(file_.offset_size);
      const std::uint64_t n = c.uint(bytes_for(most_[level - 1]));
      if (level > 1) c.skip(bytes_for(totals_[level - 1]));
      read(child, level - 1, n);
    }
  }

  const FileData& file_;
  std::uint64_t node_size_ = 0, record_size_ = 0;
  std::vector<std::uint64_t> most_, totals_;
  Visited visited_;
};

}  // namespace

std::vector<Bytes> read_heap_objects(const FileData& file, std::uint64_t heap, std::uint64_t tree, std::size_t id_at) {
  const FractalHeap objects(file, heap);
  const Tree2 index(file, tree);
  std::vector<Bytes> out;
  for (const Bytes& record : index.records) {
    Cursor c(record, file.name, "a B-tree");
    c.skip(id_at);
    out.push_back(objects.object(c.take(std::min<std::size_t>(objects.id_size(), c.remaining()))));
  }
  return out;
}

std::string read_global(const FileData& file, Cursor& reference) {
  const std::uint32_t length = reference.u32();
  const std::uint64_t collection = reference.address(file.offset_size);
  const std::uint32_t wanted = reference.u32();
  if (length == 0) return {};
  Cursor head = file.at(collection, "a global heap");
  head.expect("GCOL");
  head.skip(4);
  const std::uint64_t size = head.uint(file.length_size);
  Cursor c = file.at(collection, size, "a global heap");
  c.skip(8 + file.length_size);
  while (c.remaining() >= 8 + file.length_size) {
    const std::uint16_t index = c.u16();
    c.skip(6);
    const std::uint64_t bytes = c.uint(file.length_size);
    if (index == 0) break;  // the free space, which is last
    if (index == wanted) {
      if (length > bytes) c.fail("a string is longer than its place");
      return c.text(length);
    }
    c.skip(bytes);
    c.skip(std::min<std::uint64_t>((8 - bytes % 8) % 8, c.remaining()));
  }
  c.fail("a string is missing");
}

}  // namespace strata::hdf5
