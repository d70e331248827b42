// The links of groups: symbol tables of old groups, link messages and dense storage of new ones.
#include "io/hdf5/format.h"

namespace strata::hdf5 {

namespace {

constexpr std::size_t kMostLinks = 1 << 22;

class OldGroup {
 public:
  OldGroup(const FileData& file, Bytes message) : file_(file) {
    Cursor c(message, file.name, "a symbol table");
    const std::uint64_t tree = c.address(file.offset_size);
    read_heap(c.address(file.offset_size));
    read_node(tree, -1);
  }
  std::vector<Link> links;

 private:
  void read_heap(std::uint64_t address) {
    Cursor c = file_.at(address, "a local heap");
    c.expect("HEAP");
    c.skip(4);
    const std::uint64_t size = c.uint(file_.length_size);
    c.skip(file_.length_size);
    const std::uint64_t data = c.address(file_.offset_size);
    names_ = file_.at(data, size, "a local heap").take(size);
  }

  // `level` is that of the node above; each node is one lower, so that the depth is bounded.
  void read_node(std::uint64_t address, int level) {
    Cursor c = file_.at(address, "a B-tree of a group");
    visited_.add(address, c);
    c.expect("TREE");
    if (c.u8() != 0) c.fail("it is of another kind");
    const int own = c.u8();
    if (level >= 0 && own != level - 1) c.fail("its levels do not follow each other");
    const std::uint16_t entries = c.u16();
    c.skip(2 * file_.offset_size);
    for (std::uint16_t i = 0; i < entries; ++i) {
      c.skip(file_.length_size);
      const std::uint64_t child = c.address(file_.offset_size);
      if (own > 0)
        read_node(child, own);
      else
        read_leaf(child);
    }
  }

  void read_leaf(std::uint64_t address) {
    Cursor c = file_.at(address, "a symbol table node");
    visited_.add(address, c);
    c.expect("SNOD");
    c.skip(2);
    const std::uint16_t entries = c.u16();
    for (std::uint16_t i = 0; i < entries; ++i) {
      const std::uint64_t name = c.uint(file_.offset_size);
      const std::uint64_t header = c.address(file_.offset_size);
      const std::uint32_t kind = c.u32();
      c.skip(20);
      if (name > names_.size()) c.fail("a name lies outside of the heap");
      Cursor text(names_.subspan(static_cast<std::size_t>(name)), file_.name, "a local heap");
      if (links.size() >= kMostLinks) c.fail("a group has too many links");
      links.push_back({text.zero_ended(), kind == 2 ? kUndefined : header});
    }
  }

  const FileData& file_;
  Bytes names_;
  Visited visited_;
};

Link read_link(const FileData& file, Bytes message) {
  Cursor c(message, file.name, "a link");
  if (c.u8() != 1) c.fail("its version is not 1");
  const std::uint8_t flags = c.u8();
  const int kind = flags & 0x08 ? c.u8() : 0;
  if (flags & 0x04) c.skip(8);
  if (flags & 0x10) c.skip(1);
  Link link;
  link.name = c.text(c.uint(std::size_t{1} << (flags & 3)));
  link.header = kind == 0 ? c.address(file.offset_size) : kUndefined;
  return link;
}

}  // namespace

std::vector<Link> read_links(const FileData& file, const std::vector<Message>& messages) {
  if (const Message* table = find_message(messages, 0x0011)) return OldGroup(file, table->data).links;
  std::vector<Link> links;
  for (const Message& m : messages)
    if (m.type == 0x0006) links.push_back(read_link(file, m.data));
  if (const Message* info = find_message(messages, 0x0002)) {
    Cursor c(info->data, file.name, "the links of a group");
    c.skip(1);
    if (c.u8() & 1) c.skip(8);
    const std::uint64_t heap = c.address(file.offset_size), tree = c.address(file.offset_size);
    if (heap != kUndefined)
      for (const Bytes& object : read_heap_objects(file, heap, tree, 4)) links.push_back(read_link(file, object));
  }
  return links;
}

}  // namespace strata::hdf5
