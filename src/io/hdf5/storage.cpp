// Where the elements of a data set are: contiguous, compact, or in chunks that pass through filters.
#include <zlib.h>

#include <algorithm>

#include "io/hdf5/format.h"

namespace strata::hdf5 {

namespace {

struct Filter {
  std::uint16_t id;
  std::vector<std::uint32_t> values;
};

std::vector<Filter> read_filters(const FileData& file, Bytes message) {
  Cursor c(message, file.name, "the filters of a data set");
  const int version = c.u8();
  const int count = c.u8();
  if (version == 1)
    c.skip(6);
  else if (version != 2)
    c.fail("their version is unknown");
  std::vector<Filter> out;
  for (int i = 0; i < count; ++i) {
    Filter f;
    f.id = c.u16();
    const std::uint16_t name = version == 1 || f.id >= 256 ? c.u16() : 0;
    c.skip(2);
    const std::uint16_t values = c.u16();
    c.skip(version == 1 ? (name + 7u) / 8u * 8u : name);
    for (int v = 0; v < values; ++v) f.values.push_back(c.u32());
    if (version == 1 && values % 2 == 1) c.skip(4);
    if (f.id < 1 || f.id > 3) c.unsupported("filter " + std::to_string(f.id) + " (deflate and shuffle are read)");
    out.push_back(f);
  }
  return out;
}

std::vector<unsigned char> unshuffled(Bytes src, std::size_t element) {
  std::vector<unsigned char> out(src.begin(), src.end());
  if (element < 2) return out;
  const std::size_t n = src.size() / element;
  for (std::size_t b = 0; b < element; ++b)
    for (std::size_t i = 0; i < n; ++i) out[i * element + b] = src[b * n + i];
  return out;
}

// The element that stands where nothing was written; nothing for zeros.
Bytes fill_value(const FileData& file, const std::vector<Message>& messages, std::size_t element) {
  const Message *newer = find_message(messages, 0x0005), *older = find_message(messages, 0x0004);
  if (newer == nullptr && older == nullptr) return {};
  Cursor c(newer != nullptr ? newer->data : older->data, file.name, "the fill value of a data set");
  if (newer != nullptr) {
    const int version = c.u8();
    if (version < 1 || version > 3) c.unsupported("fill values of version " + std::to_string(version));
    const int flags = version == 3 ? c.u8() : 0;
    if (version < 3) c.skip(2);
    const bool defined = version == 3 ? (flags & 0x20) != 0 : c.u8() != 0 || version == 1;
    if (!defined) return {};
  }
  const std::uint32_t size = c.u32();
  if (size == 0) return {};
  if (size != element) c.fail("it has another size than the elements");
  return c.take(size);
}

// Elements before any of them is read from the file.
std::vector<unsigned char> unwritten(const FileData& file, const std::vector<Message>& messages, std::size_t element,
                                     std::uint64_t bytes) {
  std::vector<unsigned char> out(static_cast<std::size_t>(bytes));
  const Bytes fill = fill_value(file, messages, element);
  if (std::any_of(fill.begin(), fill.end(), [](unsigned char b) { return b != 0; }))
    for (std::size_t i = 0; i + element <= out.size(); i += element) std::copy(fill.begin(), fill.end(), &out[i]);
  return out;
}

class ChunkReader {
 public:
  ChunkReader(const FileData& file, const std::vector<Message>& messages, const Shape& shape, std::size_t element,
              const std::string& path)
      : file_(file), shape_(shape), element_(element) {
    if (const Message* m = find_message(messages, 0x000B)) filters_ = read_filters(file, m->data);
    out_ = unwritten(file, messages, element, checked_bytes(file, shape, element, path));
  }

  void set_chunk(const std::vector<std::uint64_t>& dims, const Cursor& where) {
    chunk_ = dims;
    std::uint64_t bytes = element_;
    for (const std::uint64_t d : dims) {
      if (d == 0 || d > file_.limits.bytes / bytes) where.fail("chunks of an impossible size");
      bytes *= d;
    }
    chunk_bytes_ = bytes;
    if (dims.size() != shape_.size()) where.fail("chunks of another rank");
  }

  // Version 1 B-trees, under the keys of which chunks lie.
  void read_tree(std::uint64_t address, int level) {
    Cursor c = file_.at(address, "a B-tree of chunks");
    visited_.add(address, c);
    c.expect("TREE");
    if (c.u8() != 1) c.fail("it is of another kind");
    const int own = c.u8();
    if (level >= 0 && own != level - 1) c.fail("its levels do not follow each other");
    const std::uint16_t entries = c.u16();
    c.skip(2 * file_.offset_size);
    for (std::uint16_t i = 0; i < entries; ++i) {
      const std::uint32_t bytes = c.u32(), mask = c.u32();
      std::vector<std::uint64_t> offset;
      for (std::size_t d = 0; d < shape_.size(); ++d) offset.push_back(c.uint(8));
      c.skip(8);
      const std::uint64_t child = c.address(file_.offset_size);
      if (own > 0)
        read_tree(child, own);
      else
        place(child, bytes, mask, offset, c);
    }
  }

  // A chunk that is stored without filters or with them, as it comes.
  void place(std::uint64_t address, std::uint64_t bytes, std::uint32_t mask, const std::vector<std::uint64_t>& offset,
             const Cursor& where) {
    if (address == kUndefined) return;  // never written
    visited_.add(address, where);
    const Bytes stored = file_.at(address, bytes, "a chunk").take(bytes);
    std::vector<unsigned char> buffer;
    Bytes plain = stored;
    for (std::size_t i = filters_.size(); i-- > 0;) {
      if (mask & (1u << i)) continue;
      const Filter& f = filters_[i];
      if (f.id == 1) buffer = inflated(plain, where);
      if (f.id == 2) {
        if (!f.values.empty() && f.values[0] != element_)
          where.fail("it is shuffled by another size than its elements'");
        buffer = unshuffled(plain, element_);
      }
      if (f.id == 3) {
        if (plain.size() < 4) where.fail("a chunk is shorter than its checksum");
        buffer.assign(plain.begin(), plain.end() - 4);
      }
      plain = buffer;
    }
    if (plain.size() < chunk_bytes_) where.fail("a chunk is too short");
    copy_chunk(plain.data(), offset, where);
  }

  // The chunks one after another, without an index.
  void read_implicit(std::uint64_t address, const Cursor& where) {
    std::vector<std::uint64_t> offset(shape_.size(), 0);
    for_each_chunk([&](const std::vector<std::uint64_t>& at) {
      place(address, chunk_bytes_, ~0u, at, where);
      address += chunk_bytes_;
    });
  }

  // A fixed array of addresses, in one piece.
  void read_fixed_array(std::uint64_t address) {
    Cursor head = file_.at(address, "an array of chunks");
    head.expect("FAHD");
    head.skip(1);
    const bool filtered = head.u8() == 1;
    const std::size_t entry = head.u8();
    const int page_bits = head.u8();
    const std::uint64_t count = head.uint(file_.length_size);
    const std::uint64_t data = head.address(file_.offset_size);
    if (data == kUndefined) return;
    if (page_bits < 64 && count > (std::uint64_t{1} << page_bits)) head.unsupported("arrays of chunks in pages");
    Cursor c = file_.at(data, "an array of chunks");
    c.expect("FADB");
    c.skip(2 + file_.offset_size);
    const std::size_t size_bytes = filtered ? entry - std::min(entry, file_.offset_size + 4) : 0;
    if (filtered && size_bytes == 0) c.fail("its entries are too short");
    for_each_chunk([&](const std::vector<std::uint64_t>& at) {
      const std::uint64_t chunk = c.address(file_.offset_size);
      const std::uint64_t bytes = filtered ? c.uint(size_bytes) : chunk_bytes_;
      const std::uint32_t mask = filtered ? c.u32() : 0;
      place(chunk, bytes, mask, at, c);
    });
  }

  std::vector<unsigned char> take() { return std::move(out_); }
  std::uint64_t chunk_bytes() const { return chunk_bytes_; }
  bool has_filters() const { return !filters_.empty(); }

 private:
  std::vector<unsigned char> inflated(Bytes src, const Cursor& where) const {
    // A chunk says how long it becomes; a byte more shows text that goes on.
    std::vector<unsigned char> out(static_cast<std::size_t>(chunk_bytes_) + 8);
    uLongf n = out.size();
    const int status = ::uncompress(out.data(), &n, src.data(), src.size());
    if (status != Z_OK) where.fail("a compressed chunk cannot be unpacked");
    out.resize(n);
    return out;
  }

  template <class F>
  void for_each_chunk(F f) {
    std::vector<std::uint64_t> at(shape_.size(), 0);
    for (const std::int64_t d : shape_)
      if (d == 0) return;
    while (true) {
      f(at);
      std::size_t d = shape_.size();
      while (d > 0) {
        at[d - 1] += chunk_[d - 1];
        if (at[d - 1] < static_cast<std::uint64_t>(shape_[d - 1])) break;
        at[--d] = 0;
      }
      if (d == 0) return;
    }
  }

  // Row by row; what lies outside of the shape is left out.
  void copy_chunk(const unsigned char* src, const std::vector<std::uint64_t>& offset, const Cursor& where) {
    const std::size_t rank = shape_.size();
    std::vector<std::uint64_t> count(rank), at(rank, 0), stride(rank), chunk_stride(rank);
    std::uint64_t s = element_, cs = element_;
    for (std::size_t d = rank; d-- > 0;) {
      const auto dim = static_cast<std::uint64_t>(shape_[d]);
      if (offset[d] >= dim) where.fail("a chunk lies outside of the data set");
      count[d] = std::min(chunk_[d], dim - offset[d]);
      stride[d] = s;
      chunk_stride[d] = cs;
      s *= dim;
      cs *= chunk_[d];
    }
    if (rank == 0) return;
    const std::uint64_t row = count[rank - 1] * element_;
    while (true) {
      std::uint64_t to = offset[rank - 1] * element_, from = 0;
      for (std::size_t d = 0; d + 1 < rank; ++d) {
        to += (offset[d] + at[d]) * stride[d];
        from += at[d] * chunk_stride[d];
      }
      std::memcpy(out_.data() + to, src + from, static_cast<std::size_t>(row));
      std::size_t d = rank - 1;
      while (d > 0 && ++at[d - 1] == count[d - 1]) at[--d] = 0;
      if (d == 0) return;
    }
  }

  const FileData& file_;
  const Shape& shape_;
  std::size_t element_;
  std::vector<Filter> filters_;
  std::vector<std::uint64_t> chunk_;
  std::uint64_t chunk_bytes_ = 0;
  std::vector<unsigned char> out_;
  Visited visited_;
};

class LayoutReader {
 public:
  LayoutReader(const FileData& file, const std::vector<Message>& messages, const Shape& shape, const Datatype& type,
               const std::string& path)
      : file_(file), messages_(messages), shape_(shape), element_(type.size), path_(path) {
    bytes_ = checked_bytes(file, shape, element_, path);
  }

  Storage read(Bytes message) {
    Cursor c(message, file_.name, "the layout of a data set");
    const int version = c.u8();
    if (version == 3 || version == 4) return read_version3(c, version);
    if (version == 1 || version == 2) return read_version1(c);
    c.unsupported("data layouts of version " + std::to_string(version));
  }

 private:
  Storage read_version1(Cursor& c) {
    const std::size_t rank = c.u8();
    const int kind = c.u8();
    c.skip(5);
    const std::uint64_t address = kind == 0 ? kUndefined : c.address(file_.offset_size);
    std::vector<std::uint64_t> dims;
    for (std::size_t i = 0; i < rank; ++i) dims.push_back(c.u32());
    if (kind == 0) return compact(c, c.u32());
    if (kind == 1) return contiguous(address, bytes_);
    if (!dims.empty()) dims.pop_back();
    return tree_chunks(c, address, dims);
  }

  Storage read_version3(Cursor& c, int version) {
    const int kind = c.u8();
    if (kind == 0) return compact(c, c.u16());
    if (kind == 1) {
      const std::uint64_t address = c.address(file_.offset_size);
      return contiguous(address, c.uint(file_.length_size));
    }
    if (kind != 2) c.unsupported("virtual data sets");
    if (version == 4) return chunks_version4(c);
    const std::size_t rank = c.u8();
    const std::uint64_t address = c.address(file_.offset_size);
    std::vector<std::uint64_t> dims;
    for (std::size_t i = 0; i + 1 < rank; ++i) dims.push_back(c.u32());
    return tree_chunks(c, address, dims);
  }

  Storage compact(Cursor& c, std::uint64_t size) {
    if (size < bytes_) c.fail("it holds fewer bytes than its shape");
    return {c.take(size).first(static_cast<std::size_t>(bytes_)), {}};
  }
  Storage contiguous(std::uint64_t address, std::uint64_t size) {
    if (bytes_ == 0) return {};
    if (address == kUndefined) return {{}, unwritten(file_, messages_, element_, bytes_)};
    Cursor c = file_.at(address, "the elements of a data set");
    if (size < bytes_) c.fail("they are fewer than its shape says");
    return {c.take(bytes_), {}};
  }
  Storage tree_chunks(Cursor& c, std::uint64_t address, const std::vector<std::uint64_t>& dims) {
    ChunkReader chunks(file_, messages_, shape_, element_, path_);
    chunks.set_chunk(dims, c);
    if (address != kUndefined && bytes_ > 0) chunks.read_tree(address, -1);
    return {{}, chunks.take()};
  }

  Storage chunks_version4(Cursor& c) {
    const std::uint8_t flags = c.u8();
    const std::size_t rank = c.u8(), width = c.u8();
    std::vector<std::uint64_t> dims;
    for (std::size_t i = 0; i < rank; ++i) dims.push_back(c.uint(width));
    if (!dims.empty()) dims.pop_back();
    ChunkReader chunks(file_, messages_, shape_, element_, path_);
    chunks.set_chunk(dims, c);
    const int index = c.u8();
    std::uint64_t size = chunks.chunk_bytes();
    std::uint32_t mask = 0;
    if (index == 1 && (flags & 2)) {
      size = c.uint(file_.length_size);
      mask = c.u32();
    }
    if (index == 3) c.skip(1);
    if (index < 1 || index > 3) c.unsupported("data sets that can grow, in HDF5's newest layout");
    const std::uint64_t address = c.address(file_.offset_size);
    if (address == kUndefined || bytes_ == 0) return {{}, chunks.take()};
    if (index == 1) chunks.place(address, size, mask, std::vector<std::uint64_t>(shape_.size(), 0), c);
    if (index == 2) chunks.read_implicit(address, c);
    if (index == 3) chunks.read_fixed_array(address);
    return {{}, chunks.take()};
  }

  const FileData& file_;
  const std::vector<Message>& messages_;
  const Shape& shape_;
  std::size_t element_;
  const std::string& path_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Storage read_storage(const FileData& file, const std::vector<Message>& messages, const Shape& shape,
                     const Datatype& type, const std::string& path) {
  const Message* layout = find_message(messages, 0x0008);
  if (layout == nullptr) file.at(0, "a data set").fail("it has no layout");
  return LayoutReader(file, messages, shape, type, path).read(layout->data);
}

}  // namespace strata::hdf5
