// The inside of the reader: the parts of the format, each in a file of its own.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "io/hdf5/bytes.h"
#include "io/hdf5/reader.h"

namespace strata::hdf5 {

struct FileData {
  Bytes bytes;  // from the base address on
  std::string name;
  Limits limits;
  std::size_t offset_size = 8, length_size = 8;
  std::uint64_t root = kUndefined;  // header of the root group
  std::shared_ptr<const void> owner;

  Cursor at(std::uint64_t address, const char* part) const;
  // `size` bytes from `address` on.
  Cursor at(std::uint64_t address, std::uint64_t size, const char* part) const;
};

// One message of an object header.
struct Message {
  std::uint16_t type;
  Bytes data;
};
// object_header.cpp
std::vector<Message> read_messages(const FileData& file, std::uint64_t header);

// Refuses to visit a place of a tree twice, which loops and shared branches of hostile files would.
class Visited {
 public:
  void add(std::uint64_t address, const Cursor& where) {
    if (!seen_.insert(address).second) where.fail("a tree meets itself");
  }

 private:
  std::unordered_set<std::uint64_t> seen_;
};

struct Link {
  std::string name;
  std::uint64_t header;  // kUndefined for links of other kinds than hard ones
};
// groups.cpp
std::vector<Link> read_links(const FileData& file, const std::vector<Message>& messages);

// heaps.cpp: all objects that a B-tree of version 2 points to in a fractal heap. `id_at`: where in a record the heap's
// id is.
std::vector<Bytes> read_heap_objects(const FileData& file, std::uint64_t heap, std::uint64_t tree, std::size_t id_at);
// A string of the global heap.
std::string read_global(const FileData& file, Cursor& reference);

struct Datatype {
  enum class Kind { integer, real, string, variable_string, boolean, opaque, other } kind = Kind::other;
  std::size_t size = 0;
  bool is_signed = false, big_endian = false;
  char padding = 0;  // of a string: what follows it
  std::string description;
};
struct Attribute {
  std::string name;
  Datatype type;
  Shape shape;
  Bytes data;
};
// datatype.cpp
Datatype read_datatype(const FileData& file, Bytes data);
Shape read_dataspace(const FileData& file, Bytes data);
std::vector<Attribute> read_attributes(const FileData& file, const std::vector<Message>& messages);
// The element type of a tensor that holds it. Throws FileError where there is none.
DType tensor_dtype(const FileData& file, const Datatype& type, const std::string& path);
// Elements of `type` as those of `to`.
void convert_elements(const Datatype& type, const unsigned char* src, std::size_t count, DType to, void* dst);
std::vector<std::string> strings_of(const FileData& file, const Datatype& type, Bytes data, std::size_t count);
std::uint64_t checked_bytes(const FileData& file, const Shape& shape, std::size_t element, const std::string& path);

// storage.cpp: the bytes of a data set. Contiguous and compact ones are not copied.
struct Storage {
  Bytes view;
  std::vector<unsigned char> owned;
  Bytes bytes() const { return owned.empty() ? view : Bytes(owned); }
};
Storage read_storage(const FileData& file, const std::vector<Message>& messages, const Shape& shape,
                     const Datatype& type, const std::string& path);

inline const Message* find_message(const std::vector<Message>& messages, std::uint16_t type) {
  for (const Message& m : messages)
    if (m.type == type) return &m;
  return nullptr;
}

}  // namespace strata::hdf5
