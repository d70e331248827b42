#include "io/saved_model/bundle.h"

#include <fmt/format.h>

#include <cstring>

#include "core/file.h"
#include "core/tensor_data.h"
#include "io/protobuf.h"
#include "io/saved_model/parse.h"
#include "io/saved_model/proto.h"
#include "io/saved_model/table.h"
#include "kernels/crc32c.h"
#include "strata/error.h"

namespace strata::saved_model {

namespace {

struct HeaderField {
  enum { num_shards = 1, endianness = 2, version = 3, producer = 1 };
};
struct EntryField {
  enum { dtype = 1, shape = 2, shard_id = 3, offset = 4, size = 5, crc32c = 6, slices = 7 };
};
constexpr const char* kObjectGraph = "_CHECKPOINTABLE_OBJECT_GRAPH";

std::string entry_bytes(int dtype, const Shape& shape, std::uint64_t offset, std::uint64_t size, std::uint32_t crc) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_enum(EntryField::dtype, dtype);
  out.add_message(EntryField::shape, shape_bytes(shape));
  if (offset > 0) out.add_int64(EntryField::offset, static_cast<std::int64_t>(offset));
  out.add_int64(EntryField::size, static_cast<std::int64_t>(size));
  out.add_fixed32(EntryField::crc32c, crc);
  return bytes;
}

void put_fixed32(std::string& out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>((v >> (8 * i)) & 0xff);
}

// A string tensor of one element: its length, a checksum of the length, the bytes. The checksum of the entry covers
// the length as a fixed number.
std::pair<std::string, std::uint32_t> string_data(const std::string& text) {
  std::string length, fixed;
  for (std::uint64_t n = text.size();; n >>= 7) {
    length += static_cast<char>(n < 0x80 ? n : (n | 0x80));
    if (n < 0x80) break;
  }
  put_fixed32(fixed, static_cast<std::uint32_t>(text.size()));
  std::string check;
  put_fixed32(check, masked_crc32c(fixed));
  return {length + check + text, masked_crc32c(fixed + check + text)};
}

}  // namespace

void write_bundle(const std::string& prefix, const std::vector<std::pair<std::string, Tensor>>& tensors,
                  const std::string& object_graph) {
  std::map<std::string, std::string> index;
  std::string header;
  {
    protozero::pbf_writer out(header);
    out.add_int32(HeaderField::num_shards, 1);
    protozero::pbf_writer version(out, HeaderField::version);
    version.add_int32(HeaderField::producer, 1);
  }
  index[""] = header;
  AtomicFile data(prefix + ".data-00000-of-00001");
  for (const auto& [key, tensor] : tensors) {
    const std::string_view raw(static_cast<const char*>(detail::data_of(tensor).raw()), tensor.bytes());
    index[key] =
        entry_bytes(data_type(tensor.dtype()), tensor.shape(), data.position(), raw.size(), masked_crc32c(raw));
    data.write(raw.data(), raw.size());
  }
  if (!object_graph.empty()) {
    const auto [bytes, crc] = string_data(object_graph);
    index[kObjectGraph] = entry_bytes(kString, {}, data.position(), bytes.size(), crc);
    data.write(bytes.data(), bytes.size());
  }
  data.commit();
  const std::string table = write_table(index);
  AtomicFile file(prefix + ".index");
  file.write(table.data(), table.size());
  file.commit();
}

BundleReader::BundleReader(const std::string& prefix) : prefix_(prefix) {
  const std::string path = prefix + ".index";
  for (const auto& row : read_table(read_file(path, kMetadataLimit), path)) {
    parsing(path, [&] {
      const std::string& key = row.first;
      const std::string& value = row.second;
      protozero::pbf_reader in(value);
      if (key.empty()) {
        while (in.next()) {
          if (in.tag() == HeaderField::num_shards)
            shards_ = static_cast<std::uint32_t>(in.get_int32());
          else if (in.tag() == HeaderField::endianness && in.get_enum() != 0)
            throw FileError(path + ": the data are in big-endian order, which is not supported.");
          else if (in.tag() != HeaderField::endianness)
            in.skip();
        }
        return;
      }
      Entry e;
      while (in.next()) switch (in.tag()) {
          case EntryField::dtype:
            e.dtype = in.get_enum();
            break;
          case EntryField::shape:
            e.shape = read_shape(in.get_view(), path);
            break;
          case EntryField::shard_id:
            e.shard = static_cast<std::uint32_t>(in.get_int32());
            break;
          case EntryField::offset:
            e.offset = static_cast<std::uint64_t>(in.get_int64());
            break;
          case EntryField::size:
            e.size = static_cast<std::uint64_t>(in.get_int64());
            break;
          case EntryField::crc32c:
            e.crc = in.get_fixed32();
            break;
          case EntryField::slices:
            e.sliced = true;
            in.skip();
            break;
          default:
            in.skip();
        }
      entries_[key] = e;
    });
  }
}

std::uint64_t BundleReader::total_bytes() const {
  std::uint64_t total = 0;
  for (const auto& [key, e] : entries_) total += std::min<std::uint64_t>(e.size, std::uint64_t{1} << 56);
  return total;
}

std::string BundleReader::shard_path(std::uint32_t shard) const {
  return fmt::format("{}.data-{:05}-of-{:05}", prefix_, shard, shards_);
}

const BundleReader::Entry& BundleReader::entry(const std::string& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) throw FileError(prefix_ + ".index: there is no tensor '" + key + "'.");
  if (it->second.sliced)
    throw FileError(prefix_ + ".index: tensor '" + key + "' is kept in slices, which is not supported.");
  return it->second;
}

std::string BundleReader::data(const Entry& e, const std::string& key) const {
  const InputFile file(shard_path(e.shard));
  if (e.offset > file.size() || e.size > file.size() - e.offset)
    throw FileError(file.path() + ": the data of '" + key + "' lie beyond the end of the file; it is cut.");
  std::string bytes(static_cast<std::size_t>(e.size), '\0');
  file.read_at(e.offset, bytes.data(), bytes.size());
  return bytes;
}

Tensor BundleReader::tensor(const std::string& key) const {
  const Entry& e = entry(key);
  const DType dtype = dtype_of_type(e.dtype, prefix_ + ": tensor '" + key + "'");
  if (!e.shape.is_known() || checked_bytes(e.shape, dtype, prefix_) != e.size)
    throw FileError(prefix_ + ".index: tensor '" + key + "' of shape " + to_string(e.shape) + " has " +
                    std::to_string(e.size) + " bytes.");
  const InputFile file(shard_path(e.shard));
  if (e.offset > file.size() || e.size > file.size() - e.offset)
    throw FileError(file.path() + ": the data of '" + key + "' lie beyond the end of the file; it is cut.");
  Tensor out = detail::allocate(e.shape, dtype);
  char* raw = static_cast<char*>(detail::data_of(out).raw());
  if (e.size > 0) file.read_at(e.offset, raw, static_cast<std::size_t>(e.size));
  if (masked_crc32c({raw, static_cast<std::size_t>(e.size)}) != e.crc)
    throw FileError(file.path() + ": the data of '" + key + "' do not have their checksum; the file is damaged.");
  return out;
}

std::string BundleReader::text(const std::string& key) const {
  const Entry& e = entry(key);
  if (e.size > kMetadataLimit) throw FileError(prefix_ + ": '" + key + "' is too large.");
  const std::string bytes = data(e, key);
  std::uint64_t length = 0;
  std::size_t at = 0;
  for (int shift = 0; at < bytes.size() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    length |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (bytes.size() < at + 4 || length != bytes.size() - at - 4)
    throw FileError(prefix_ + ": '" + key + "' is not the text it should be.");
  return bytes.substr(at + 4);
}

}  // namespace strata::saved_model
