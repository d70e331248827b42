#include "io/hdf5/writer.h"

#include <hdf5.h>

#include <algorithm>
#include <cstring>

#include "core/tensor_data.h"
#include "strata/error.h"

namespace strata::hdf5 {

namespace {

constexpr std::size_t kMostAttributeBytes = 64512;

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

// An id of libhdf5, closed with its scope.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

herr_t no_close(hid_t) { return 0; }

// bfloat16, which HDF5 does not have, is opaque, as NumPy's arrays of two bytes are. Bool is h5py's enumeration.
Id type_of(DType dtype) {
  switch (dtype) {
    case DType::boolean: {
      hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
      signed char no = 0, yes = 1;
      H5Tenum_insert(type, "FALSE", &no);
      H5Tenum_insert(type, "TRUE", &yes);
      return {type, H5Tclose};
    }
    case DType::uint8:
      return {H5T_STD_U8LE, no_close};
    case DType::int32:
      return {H5T_STD_I32LE, no_close};
    case DType::int64:
      return {H5T_STD_I64LE, no_close};
    case DType::float16: {
      hid_t type = H5Tcopy(H5T_IEEE_F32LE);
      H5Tset_fields(type, 15, 10, 5, 0, 10);
      H5Tset_size(type, 2);
      H5Tset_ebias(type, 15);
      return {type, H5Tclose};
    }
    case DType::bfloat16: {
      hid_t type = H5Tcreate(H5T_OPAQUE, 2);
      H5Tset_tag(type, "NUMPY:|V2");
      return {type, H5Tclose};
    }
    case DType::float64:
      return {H5T_IEEE_F64LE, no_close};
    default:
      return {H5T_IEEE_F32LE, no_close};
  }
}

}  // namespace

Writer::Writer(const std::string& path) : lock_(library_mutex()), name_(path), own_(path), target_(*own_) { open(); }

Writer::Writer(AtomicFile& file, const std::string& name) : lock_(library_mutex()), name_(name), target_(file) {
  open();
}

Writer::~Writer() { close(); }

void Writer::open() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors come as exceptions, not on stderr
  const Id access(access_to(target_), H5Pclose);
  if (access.ok()) file_ = H5Fcreate(name_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  if (file_ < 0) fail("cannot be made");
}

bool Writer::close() {
  const bool closed = file_ < 0 || H5Fclose(file_) >= 0;
  file_ = -1;
  return closed;
}

// What went wrong below libhdf5 says more.
void Writer::fail(const std::string& what) const {
  target_.check();
  throw FileError("'" + name_ + "': " + what + ".");
}

void Writer::group(const std::string& path) {
  const Id links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  std::string so_far;
  for (std::size_t from = 0; from < path.size();) {
    const auto slash = std::min(path.find('/', from), path.size());
    if (slash > from) {
      so_far += "/" + path.substr(from, slash - from);
      if (H5Lexists(file_, so_far.c_str(), H5P_DEFAULT) <= 0) {
        const Id made(H5Gcreate2(file_, so_far.c_str(), links, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
        if (!made.ok()) fail("the group '" + so_far + "' cannot be made");
      }
    }
    from = slash + 1;
  }
}

void Writer::dataset(const std::string& path, const Tensor& tensor) {
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) group(path.substr(0, slash));
  std::vector<hsize_t> dims;
  for (const std::int64_t d : tensor.shape()) dims.push_back(static_cast<hsize_t>(d));
  const Id space(
      dims.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
      H5Sclose);
  const Id type = type_of(tensor.dtype());
  const Id set(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
  if (!set.ok()) fail("the data set '" + path + "' cannot be made");
  if (tensor.size() > 0 &&
      H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, strata::detail::data_of(tensor).raw()) < 0)
    fail("'" + path + "' cannot be written");
}

void Writer::attribute(const std::string& path, const std::string& name, const std::string& value) {
  const Id object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), H5Oclose);
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);  // long configurations do not fit into an object header
  H5Tset_cset(type, H5T_CSET_UTF8);
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id made(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const char* text = value.c_str();
  if (!made.ok() || H5Awrite(made, type, &text) < 0) fail("the attribute '" + name + "' cannot be written");
}

void Writer::attribute(const std::string& path, const std::string& name, const std::vector<std::string>& values) {
  std::size_t length = 1;
  for (const std::string& v : values) length = std::max(length, v.size());
  if (length > kMostAttributeBytes) fail("a name of " + std::to_string(length) + " bytes is too long for HDF5");
  const std::size_t parts = (values.size() * length + kMostAttributeBytes - 1) / kMostAttributeBytes;
  if (parts > 1) {
    // Each part as long as fits, all of about one length.
    const std::size_t each = (values.size() + parts) / (parts + 1);
    for (std::size_t i = 0, part = 0; i < values.size(); i += each, ++part)
      attribute(
          path, name + std::to_string(part),
          std::vector<std::string>(values.begin() + static_cast<std::ptrdiff_t>(i),
                                   values.begin() + static_cast<std::ptrdiff_t>(std::min(i + each, values.size()))));
    return;
  }
  const Id object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), H5Oclose);
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, length);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  const hsize_t count = values.size();
  const Id space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  const Id made(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  std::string flat(values.size() * length, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i].copy(flat.data() + i * length, length);
  if (!made.ok() || (count > 0 && H5Awrite(made, type, flat.data()) < 0))
    fail("the attribute '" + name + "' cannot be written");
}

void Writer::finish() {
  if (!close()) fail("cannot be completed");
  target_.check();
}

void Writer::commit() {
  finish();
  own_->commit();
}

}  // namespace strata::hdf5
