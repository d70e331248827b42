/// \file
/// What TensorBoard shows beside summaries: the callback for fit(), hyper-parameters and their search, the projector.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/callbacks.h"
#include "strata/config.h"
#include "strata/summary.h"

namespace strata {

namespace callbacks {

struct TensorBoardOptions {
  int histogram_freq = 0;     ///< epochs between histograms of all weights; 0 for none
  bool write_graph = true;    ///< the layers, and the ops of the model
  bool write_images = false;  ///< weights as images, too, with the histograms
  bool write_steps_per_second = false;
  std::string update_freq = "epoch";     ///< or "batch", or a number of batches, for "batch_" curves
  std::vector<int> profile_batch = {};   ///< {batch} or {first, last}: times of these steps, for trace viewers
  int embeddings_freq = 0;               ///< epochs between writing the kernels of Embedding layers
  std::string embeddings_metadata = {};  ///< a file in log_dir with a label for each row
};

/// Writes what fit() and evaluate() tell as event files in log_dir/train and log_dir/validation, with Keras's tags:
/// "epoch_loss", "evaluation_loss_vs_iterations", "batch_loss", ...
class STRATA_API TensorBoard : public Callback {
 public:
  explicit TensorBoard(const std::string& log_dir = "logs", const TensorBoardOptions& options = {});
  ~TensorBoard() override;
  void on_train_begin(const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_batch_begin(int batch, const Logs& logs) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_test_end(const Logs& logs) override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // copies, as fit() makes, go on with it
};

}  // namespace callbacks

/// Hyper-parameters: what a run was made with, for TensorBoard's HPARAMS page, and a search over them.
namespace hparams {

/// A hyper-parameter and its values: listed ones, or an interval.
struct STRATA_API HParam {
  HParam(const std::string& name, const std::vector<Config::Value>& values);
  /// Of whole numbers, and of real ones; `log` draws from equal shares of the logarithm.
  static HParam integers(const std::string& name, std::int64_t low, std::int64_t high);
  static HParam reals(const std::string& name, double low, double high, bool log = false);
  std::string name;
  std::vector<Config::Value> values;
  double low = 0, high = 0;
  bool is_interval = false, is_integer = false, is_log = false;
};
struct Metric {
  std::string tag;  ///< of the scalar, as "epoch_accuracy" or "accuracy"
  std::string display_name = {};
  std::string group = {};  ///< the folder below the run: "validation"
};

/// Says to the default writer which hyper-parameters and metrics an experiment has: once, in the folder above the runs.
STRATA_API bool hparams_config(const std::vector<HParam>& hparams, const std::vector<Metric>& metrics);
/// Says to the default writer what this run is made with. `trial_id` groups runs; by default it is made of the values.
STRATA_API bool hparams(const Config& values, const std::string& trial_id = {});

struct SearchOptions {
  std::string logdir = "logs/hparams";  ///< each trial has a folder of its own there
  std::string method = "grid";          ///< or "random"
  int trials = 10;                      ///< of "random"; "grid" does all, and takes `steps` values of intervals
  int steps = 3;
  std::int64_t seed = 0;
  std::string metric = "accuracy";  ///< the tag under which a trial's number is written
  bool maximize = true;
};
struct Trial {
  Config values;
  double score = 0;
  std::string logdir;
};
/// Best first.
using Trials = std::vector<Trial>;

namespace detail {
using RunTrial = double (*)(void* context, const Config& values, const std::string& logdir);
STRATA_API Trials run_search(const std::vector<HParam>& space, const SearchOptions& options, RunTrial run,
                             void* context);
}  // namespace detail

/// Calls `trial(values)` or `trial(values, logdir)`, which trains and returns a score, for each choice of values.
///
///     auto trials = hparams::search({{"units", {32, 64}}, HParam::reals("rate", 1e-4, 1e-2, true)},
///                                   [](const Config& values) { ...; return accuracy; });
template <class F>
Trials search(const std::vector<HParam>& space, F&& trial, const SearchOptions& options = {}) {
  const auto run = [](void* context, const Config& values, const std::string& logdir) -> double {
    auto& f = *static_cast<std::remove_reference_t<F>*>(context);
    if constexpr (std::invocable<decltype(f), const Config&, const std::string&>)
      return static_cast<double>(f(values, logdir));
    else
      return static_cast<double>(f(values));
  };
  return detail::run_search(space, options, run, const_cast<void*>(static_cast<const void*>(std::addressof(trial))));
}

}  // namespace hparams

namespace projector {

struct EmbeddingOptions {
  std::vector<std::string> labels = {};                                        ///< one for each row
  std::vector<std::pair<std::string, std::vector<std::string>>> columns = {};  ///< further columns, with their names
  Tensor images = {};  ///< (n, h, w, channels): a small picture for each row
};
/// Adds rows (n, dimensions) to the projector of `logdir`: <name>.tsv, <name>_metadata.tsv, <name>_sprite.png, and an
/// entry in projector_config.pbtxt (replaced where the name is there). Throws ShapeError, FileError.
STRATA_API void add_embedding(const std::string& logdir, const std::string& name, const Tensor& rows,
                              const EmbeddingOptions& options = {});

}  // namespace projector
}  // namespace strata
