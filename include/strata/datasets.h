/// \file
/// The small public data sets, as Keras has them: `auto [x_train, y_train, x_test, y_test] =
/// datasets::mnist::load_data();`
#pragma once

#include <string>

#include "strata/tensor.h"

/// Each `load_data` looks for the published files in this order:
///
/// 1. `path`, where it is given: a directory that holds the files (or a sub-directory of the published name), or their
///    archive. Nothing else is tried then.
/// 2. the directory in the environment variable STRATA_DATA_DIR,
/// 3. the cache: strata/datasets in $XDG_CACHE_HOME, or in ~/.cache,
/// 4. a download into the cache, unless `download` is false or STRATA_OFFLINE is set: with progress on stderr, resumed
///    where it was interrupted, and checked against the published SHA-256. STRATA_DATA_MIRROR names a server of your
///    own that is asked first.
///
/// Throws FileError that lists what was tried, or that says what is wrong with a file: cut short, a wrong magic number,
/// counts that do not fit together, labels out of range.
namespace strata::datasets {

/// All tensors are uint8. The label tensors have Keras's shapes: (n,) for MNIST, (n, 1) for CIFAR.
struct Arrays {
  Tensor x_train, y_train, x_test, y_test;
};

struct LoadOptions {
  std::string path = {};
  bool download = true;
};

struct Cifar100LoadOptions {
  std::string path = {};
  std::string label_mode = "fine";  ///< "fine" (100 classes) or "coarse" (20)
  bool download = true;
};

namespace mnist {
/// Handwritten digits: x (60000, 28, 28) and (10000, 28, 28), y 0..9. Reads
/// {train,t10k}-{images-idx3,labels-idx1}-ubyte, gzip'd or not, or Keras's mnist.npz.
STRATA_API Arrays load_data(const LoadOptions& options = {});
}  // namespace mnist

namespace fashion_mnist {
/// Pictures of clothes, in MNIST's format. Outside `path` they are looked for in sub-directories fashion-mnist,
/// fashion_mnist and FashionMNIST/raw alone, since the files have the names of MNIST's.
STRATA_API Arrays load_data(const LoadOptions& options = {});
}  // namespace fashion_mnist

namespace cifar10 {
/// Colour pictures: x (50000, 32, 32, 3) and (10000, 32, 32, 3), y (50000, 1) and (10000, 1), 0..9. Reads
/// cifar-10-batches-bin (or cifar-10-binary.tar.gz), or cifar-10-batches-py (or cifar-10-python.tar.gz).
STRATA_API Arrays load_data(const LoadOptions& options = {});
}  // namespace cifar10

namespace cifar100 {
/// As cifar10, with 100 classes in 20 groups. Reads cifar-100-binary or cifar-100-python, or their archives.
STRATA_API Arrays load_data(const Cifar100LoadOptions& options = {});
}  // namespace cifar100

}  // namespace strata::datasets
