#include "io/saved_model/table.h"

#include <algorithm>
#include <vector>

#include "kernels/crc32c.h"
#include "strata/error.h"

namespace strata::saved_model {

namespace {

constexpr std::uint64_t kMagic = 0xdb4775248b80fb57u;
constexpr std::size_t kFooter = 48, kTrailer = 5, kRestartInterval = 16, kBlockBytes = std::size_t{1} << 16;

template <class T>
void put_fixed(std::string& out, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((v >> (8 * i)) & 0xff);
}
void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

struct Handle {
  std::uint64_t offset = 0, size = 0;
};

class BlockWriter {
 public:
  void add(const std::string& key, std::string_view value) {
    std::size_t shared = 0;
    if (count_ % kRestartInterval == 0)
      restarts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    else
      while (shared < std::min(key.size(), last_.size()) && key[shared] == last_[shared]) ++shared;
    put_varint(bytes_, shared);
    put_varint(bytes_, key.size() - shared);
    put_varint(bytes_, value.size());
    bytes_.append(key, shared);
    bytes_ += value;
    last_ = key;
    ++count_;
  }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return count_ == 0; }
  const std::string& last_key() const { return last_; }
  // Appends the block to `out`, and is empty again.
  Handle finish(std::string& out) {
    if (restarts_.empty()) restarts_.push_back(0);
    for (const std::uint32_t r : restarts_) put_fixed(bytes_, r);
    put_fixed(bytes_, static_cast<std::uint32_t>(restarts_.size()));
    const Handle handle = {out.size(), bytes_.size()};
    bytes_ += '\0';  // not compressed
    const std::uint32_t crc = masked_crc32c(bytes_);
    out += bytes_;
    put_fixed(out, crc);
    *this = BlockWriter();
    return handle;
  }

 private:
  std::string bytes_, last_;
  std::vector<std::uint32_t> restarts_;
  std::size_t count_ = 0;
};

std::string handle_bytes(const Handle& h) {
  std::string out;
  put_varint(out, h.offset);
  put_varint(out, h.size);
  return out;
}

// Reads numbers from a string, within its bounds.
class Cursor {
 public:
  Cursor(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}
  bool done() const { return at_ >= bytes_.size(); }
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (done()) fail();
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    fail();
  }
  std::string_view take(std::uint64_t n) {
    if (n > bytes_.size() - at_) fail();
    const std::string_view out = bytes_.substr(at_, static_cast<std::size_t>(n));
    at_ += static_cast<std::size_t>(n);
    return out;
  }
  template <class T>
  T fixed() {
    T v = 0;
    const std::string_view raw = take(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) v |= static_cast<T>(static_cast<unsigned char>(raw[i])) << (8 * i);
    return v;
  }
  [[noreturn]] void fail() const { throw FileError(path_ + ": the index of the tensor bundle is damaged."); }

 private:
  std::string_view bytes_;
  const std::string& path_;
  std::size_t at_ = 0;
};

Handle read_handle(Cursor& c) {
  Handle h;
  h.offset = c.varint();
  h.size = c.varint();
  return h;
}

std::vector<std::pair<std::string, std::string>> read_block(std::string_view file, const Handle& h,
                                                            const std::string& path) {
  Cursor all(file, path);
  all.take(h.offset);
  if (h.size > file.size()) all.fail();
  const std::string_view block = all.take(h.size);
  const std::string_view type = all.take(1);
  if (type[0] != 0) throw FileError(path + ": the index of the tensor bundle is compressed, which is not supported.");
  if (all.fixed<std::uint32_t>() != masked_crc32c(file.substr(static_cast<std::size_t>(h.offset), block.size() + 1)))
    all.fail();
  if (block.size() < 4) all.fail();
  const auto restarts = Cursor(block.substr(block.size() - 4), path).fixed<std::uint32_t>();
  if (restarts > (block.size() - 4) / 4) all.fail();
  Cursor c(block.substr(0, block.size() - 4 - 4 * std::size_t{restarts}), path);
  std::vector<std::pair<std::string, std::string>> out;
  std::string key;
  while (!c.done()) {
    const std::uint64_t shared = c.varint(), rest = c.varint(), size = c.varint();
    if (shared > key.size()) c.fail();
    key.resize(static_cast<std::size_t>(shared));
    key += c.take(rest);
    out.emplace_back(key, c.take(size));
  }
  return out;
}

}  // namespace

std::string write_table(const std::map<std::string, std::string>& entries) {
  std::string out;
  BlockWriter block, index;
  auto flush = [&] {
    const std::string key = block.last_key();
    index.add(key, handle_bytes(block.finish(out)));
  };
  for (const auto& [key, value] : entries) {
    block.add(key, value);
    if (block.size() >= kBlockBytes) flush();
  }
  if (!block.empty()) flush();
  const Handle meta = BlockWriter().finish(out), root = index.finish(out);
  std::string footer = handle_bytes(meta) + handle_bytes(root);
  footer.resize(kFooter - 8);
  put_fixed(footer, kMagic);
  return out + footer;
}

std::map<std::string, std::string> read_table(std::string_view bytes, const std::string& path) {
  if (bytes.size() < kFooter || Cursor(bytes.substr(bytes.size() - 8), path).fixed<std::uint64_t>() != kMagic)
    throw FileError(path + ": this is no index of a tensor bundle, or its end is missing.");
  Cursor footer(bytes.substr(bytes.size() - kFooter), path);
  read_handle(footer);
  const Handle root = read_handle(footer);
  std::map<std::string, std::string> out;
  std::size_t total = 0;
  for (const auto& [key, value] : read_block(bytes, root, path)) {
    Cursor c(value, path);
    for (auto& [name, entry] : read_block(bytes, read_handle(c), path)) {
      // Blocks that lie on each other would multiply what the file holds.
      total += name.size() + entry.size();
      if (total > 64 * bytes.size()) c.fail();
      out[name] = entry;
    }
  }
  return out;
}

}  // namespace strata::saved_model
