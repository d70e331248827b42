#include "io/hdf5/driver.h"

#include <hdf5.h>

#include <algorithm>
#include <cstring>
#if __has_include(<H5FDdevelop.h>)
#include <H5FDdevelop.h>
#endif

namespace strata::hdf5 {

void Target::write(std::uint64_t at, const void* bytes, std::size_t count) {
  if (error_ != nullptr) return;
  try {
    file_.write_at(start_ + at, bytes, count);
  } catch (...) {
    error_ = std::current_exception();
  }
}

void Target::read(std::uint64_t at, void* out, std::size_t count) const {
  try {
    file_.read_at(start_ + at, out, count);
  } catch (...) {
    std::memset(out, 0, count);
  }
}

void Target::extend(std::uint64_t bytes) {
  if (size() < bytes) write(bytes - 1, "", 1);
}

void Target::check() const {
  if (error_ != nullptr) std::rethrow_exception(error_);
}

namespace {

// An open file of libhdf5, whose part comes first.
struct File {
  H5FD_t head;
  Target* target;
  haddr_t allocated;
};

File& file_of(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
const File& file_of(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) {
  auto* const target = static_cast<Target* const*>(H5Pget_driver_info(access));
  return target == nullptr ? nullptr : &(new File{{}, *target, 0})->head;
}

herr_t close(H5FD_t* file) {
  file_of(file).target->extend(file_of(file).allocated);
  delete &file_of(file);
  return 0;
}

// As libhdf5's own driver of files.
herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t allocated(const H5FD_t* file, H5FD_mem_t) { return file_of(file).allocated; }

herr_t allocate(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  file_of(file).allocated = end;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return file_of(file).target->size(); }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t count, void* out) {
  file_of(file).target->read(at, out, count);
  return 0;
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t count, const void* bytes) {
  file_of(file).target->write(at, bytes, count);
  return 0;
}

H5FD_class_t description() {
  H5FD_class_t c = {};
#ifdef H5FD_CLASS_VERSION
  c.version = H5FD_CLASS_VERSION;
  c.value = static_cast<H5FD_class_value_t>(H5_VFD_RESERVED);  // the first of those for applications
#endif
  c.name = "strata";
  c.maxaddr = HADDR_MAX;
  c.fc_degree = H5F_CLOSE_WEAK;
  c.fapl_size = sizeof(Target*);
  c.open = open;
  c.close = close;
  c.query = query;
  c.get_eoa = allocated;
  c.set_eoa = allocate;
  c.get_eof = end_of_file;
  c.read = read;
  c.write = write;
  const H5FD_mem_t lists[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(lists), std::end(lists), std::begin(c.fl_map));
  return c;
}

}  // namespace

std::int64_t access_to(Target& target) {
  static const H5FD_class_t driver = description();
  static const hid_t id = H5FDregister(&driver);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  Target* const info = &target;
  if (H5Pset_driver(access, id, &info) < 0) {
    H5Pclose(access);
    return -1;
  }
  return access;
}

}  // namespace strata::hdf5
