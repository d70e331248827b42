/// \file
/// Data from folders and files: pictures and texts sorted into folders of classes, and tables of comma-separated
/// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/data.h"

namespace strata::utils {

struct ImageDatasetOptions {
  std::string label_mode = "int";  ///< or "categorical" (one-hot), "binary" (float, two classes)
  std::vector<std::string> class_names =
      {};                          ///< the folders to read, in the order of their numbers; empty: all, sorted
  std::string color_mode = "rgb";  ///< or "grayscale", "rgba"
  std::optional<std::int64_t> batch_size = 32;
  std::vector<std::int64_t> image_size = {256, 256};  ///< {height, width}
  bool shuffle = true;
  std::optional<std::int64_t> seed = {};
  std::optional<double> validation_split = {};  ///< the part kept for validation; needs subset, and a seed to shuffle
  std::string subset = {};                      ///< "training" or "validation"
  std::string interpolation = "bilinear";       ///< or "nearest", as tf.image.resize
  bool crop_to_aspect_ratio = false;
  std::int64_t num_parallel_calls = data::AUTOTUNE;  ///< threads that read and decode
};

struct ImageDataset {
  data::Dataset<Tensor, Tensor> dataset;  ///< float32 pictures from 0 to 255, and labels
  std::vector<std::string> class_names, file_paths;
};

/// The pictures (.jpg, .jpeg, .png) in the folders of `directory`, one for each class:
///
///     auto [train, class_names, files] = utils::image_dataset_from_directory("photos", {.image_size = {64, 64}});
///
/// Throws FileError where there are none, ValueError for an option; a damaged file is an error that names it when it is
/// reached.
STRATA_API ImageDataset image_dataset_from_directory(const std::string& directory,
                                                     const ImageDatasetOptions& options = {});

struct TextOptions {
  std::vector<std::string> class_names = {};  ///< as of pictures
  std::int64_t max_length = -1;               ///< bytes of each text that are kept; -1: all
};

struct TextFiles {
  std::vector<std::string> texts;
  Tensor labels;  ///< (n) of int32
  std::vector<std::string> class_names, file_paths;
};

/// The texts (.txt) in the folders of `directory`, one for each class; TextVectorization makes tensors of them.
STRATA_API TextFiles texts_from_directory(const std::string& directory, const TextOptions& options = {});

struct CsvOptions {
  bool header = true;  ///< the first line has the names
  char delimiter = ',';
};

/// A table of text, column by column.
class STRATA_API CsvTable {
 public:
  CsvTable(const std::vector<std::string>& names, const std::vector<std::vector<std::string>>& columns,
           const std::string& where);
  const std::vector<std::string>& names() const { return names_; }
  std::int64_t rows() const { return columns_.empty() ? 0 : static_cast<std::int64_t>(columns_[0].size()); }
  /// The fields of a column. Throws ValueError that lists the names there are.
  const std::vector<std::string>& column(const std::string& name) const;
  /// (rows, columns) of float32; an empty field is NaN. Throws ValueError that says where a field is no number.
  Tensor numbers(const std::vector<std::string>& names) const;
  /// (rows) of float32.
  Tensor numbers_of(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> columns_;
  std::string where_;
};

/// Reads a file of comma-separated values (RFC 4180: fields may be quoted, quotes doubled, and hold line breaks).
/// Throws FileError that names the line whose number of fields differs.
STRATA_API CsvTable read_csv(const std::string& path, const CsvOptions& options = {});

}  // namespace strata::utils
