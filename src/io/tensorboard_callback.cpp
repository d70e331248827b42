// callbacks::TensorBoard: what fit() tells, with Keras's tags.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "io/summary_values.h"
#include "models/layer_state.h"
#include "models/log_values.h"
#include "strata/array.h"
#include "strata/model.h"
#include "strata/reduce.h"
#include "strata/tensorboard.h"

namespace strata::callbacks {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A weight as images, as Keras does it: a bias is a row, a matrix lies down, each channel of a small kernel is one.
Tensor weight_images(const Tensor& weight) {
  Tensor w = squeeze(cast(weight, float32));
  if (w.rank() == 1) return reshape(w, {1, w.shape()[0], 1, 1});
  if (w.rank() == 2) {
    if (w.shape()[0] > w.shape()[1]) w = transpose(w);
    return reshape(w, {1, w.shape()[0], w.shape()[1], 1});
  }
  if (w.rank() == 3) {
    w = transpose(w, {2, 0, 1});
    return expand_dims(w, 3);
  }
  if (w.rank() == 4 && (w.shape()[3] == 1 || w.shape()[3] == 3 || w.shape()[3] == 4)) return w;
  return {};
}

void collect_embeddings(const Layer& layer, std::vector<Layer>& out) {
  for (const Layer& child : layer.layers()) {
    if (child.class_name() == "Embedding") out.push_back(child);
    collect_embeddings(child, out);
  }
}

}  // namespace

struct TensorBoard::State {
  std::string log_dir;
  TensorBoardOptions options;
  std::int64_t batches_per_point = 0;  // 0: epochs alone
  std::int64_t first_profiled = 0, last_profiled = -1;

  std::optional<summary::SummaryWriter> train, validation;
  std::int64_t train_batch = 0;
  std::int64_t epoch_first_batch = 0;
  bool graph_is_due = false;
  Clock::time_point start, batch_start, epoch_start;
  std::string trace;  // of the profiled steps, as JSON

  const summary::SummaryWriter& train_writer() {
    if (!train) train = summary::create_file_writer(log_dir + "/train");
    return *train;
  }
  const summary::SummaryWriter& validation_writer() {
    if (!validation) validation = summary::create_file_writer(log_dir + "/validation");
    return *validation;
  }
  void write_graph(const Model& model);
  void write_weights(const Model& model, int epoch);
  void write_embeddings(const Model& model);
  void write_trace();
};

TensorBoard::TensorBoard(const std::string& log_dir, const TensorBoardOptions& options)
    : state_(std::make_shared<State>()) {
  state_->log_dir = log_dir;
  state_->options = options;
  const std::string& freq = options.update_freq;
  if (freq == "batch") {
    state_->batches_per_point = 1;
  } else if (freq != "epoch") {
    const bool is_number =
        !freq.empty() && freq.size() < 10 && freq.find_first_not_of("0123456789") == std::string::npos;
    state_->batches_per_point = is_number ? std::stoll(freq) : 0;
    if (state_->batches_per_point < 1)
      throw ValueError("TensorBoard: update_freq is \"" + freq +
                       "\". Use \"epoch\", \"batch\" or a number of batches.");
  }
  const auto& p = options.profile_batch;
  if (p.size() > 2 || (!p.empty() && (p.front() < 0 || p.back() < p.front())))
    throw ValueError("TensorBoard: profile_batch must be {batch} or {first, last}, in this order and not negative.");
  if (!p.empty() && p.back() > 0) {
    state_->first_profiled = p.front();
    state_->last_profiled = p.back();
  }
  if (options.histogram_freq < 0 || options.embeddings_freq < 0)
    throw ValueError("TensorBoard: histogram_freq and embeddings_freq must be 0 or more.");
}
TensorBoard::~TensorBoard() = default;

void TensorBoard::State::write_graph(const Model& model) {
  if (!options.write_graph || !graph_is_due || !model.built()) return;
  graph_is_due = false;
  const auto scope = train_writer().as_default();
  summary::graph(model, {.ops = true});
}

void TensorBoard::State::write_weights(const Model& model, int epoch) {
  const auto scope = train_writer().as_default(epoch);
  for (const Variable& v : model.weights()) {
    const std::string name = v.path();
    summary::histogram(name + "/histogram", v.read());
    if (!options.write_images) continue;
    if (const Tensor images = weight_images(v.read()); images.defined()) summary::image(name + "/image", images);
  }
  train_writer().flush();
}

void TensorBoard::State::write_embeddings(const Model& model) {
  std::vector<Layer> layers;
  collect_embeddings(model, layers);
  std::vector<std::string> labels;
  if (!options.embeddings_metadata.empty()) {
    std::ifstream in(std::filesystem::path(log_dir) / options.embeddings_metadata);
    if (!in)
      throw FileError("TensorBoard: cannot read embeddings_metadata '" + options.embeddings_metadata + "' in '" +
                      log_dir + "'.");
    for (std::string line; std::getline(in, line);) labels.push_back(line);
  }
  for (const Layer& layer : layers) {
    const Tensor rows = cast(layer.weights()[0].read(), float32);
    projector::add_embedding(
        log_dir, layer.name(), rows,
        {.labels = static_cast<std::int64_t>(labels.size()) == rows.shape()[0] ? labels : std::vector<std::string>()});
  }
}

// Chrome's trace format, which chrome://tracing and Perfetto open.
void TensorBoard::State::write_trace() {
  if (trace.empty()) return;
  std::filesystem::create_directories(log_dir + "/train");
  std::ofstream out(log_dir + "/train/steps.trace.json");
  out << "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n" << trace << "\n]}\n";
  if (!out) throw FileError("TensorBoard: cannot write '" + log_dir + "/train/steps.trace.json'.");
  trace.clear();
}

void TensorBoard::on_train_begin(const Logs&) {
  State& s = *state_;
  s.train_batch = 0;
  s.graph_is_due = true;
  s.start = Clock::now();
  s.train_writer();
  s.write_graph(model());
}

void TensorBoard::on_train_end(const Logs&) {
  State& s = *state_;
  s.write_trace();
  if (s.train) s.train->close();
  if (s.validation) s.validation->close();
  s.train.reset();
  s.validation.reset();
}

void TensorBoard::on_epoch_begin(int, const Logs&) {
  state_->epoch_first_batch = state_->train_batch;
  state_->epoch_start = Clock::now();
}

void TensorBoard::on_epoch_end(int epoch, const Logs& logs) {
  State& s = *state_;
  for (const auto& [name, value] : logs.entries()) {
    const bool is_validation = name.starts_with("val_");
    const auto scope = (is_validation ? s.validation_writer() : s.train_writer()).as_default(epoch);
    summary::scalar("epoch_" + (is_validation ? name.substr(4) : name), shown_value(value));
  }
  {
    const auto scope = s.train_writer().as_default(epoch);
    if (!logs.contains("learning_rate")) summary::scalar("epoch_learning_rate", model().optimizer().learning_rate());
    if (s.options.write_steps_per_second)
      summary::scalar("epoch_steps_per_second",
                      static_cast<double>(s.train_batch - s.epoch_first_batch) / seconds_since(s.epoch_start));
  }
  const auto due = [&](int every) { return every > 0 && epoch % every == 0; };
  if (due(s.options.histogram_freq)) s.write_weights(model(), epoch);
  if (due(s.options.embeddings_freq)) s.write_embeddings(model());
}

void TensorBoard::on_train_batch_begin(int, const Logs&) {
  ++state_->train_batch;
  state_->batch_start = Clock::now();
}

void TensorBoard::on_train_batch_end(int, const Logs& logs) {
  State& s = *state_;
  const double seconds = seconds_since(s.batch_start);
  s.write_graph(model());
  if (s.train_batch >= s.first_profiled && s.train_batch <= s.last_profiled) {
    const double begin = std::chrono::duration<double, std::micro>(s.batch_start - s.start).count();
    s.trace += fmt::format(
        "{}{{\"name\": \"train step {}\", \"ph\": \"X\", \"ts\": {:.1f}, \"dur\": {:.1f}, \"pid\": 1, \"tid\": 1}}",
        s.trace.empty() ? "" : ",\n", s.train_batch, begin, seconds * 1e6);
    if (s.train_batch == s.last_profiled) s.write_trace();
  }
  if (s.batches_per_point == 0 || s.train_batch % s.batches_per_point != 0) return;
  const auto scope = s.train_writer().as_default(s.train_batch);
  if (s.options.write_steps_per_second) summary::scalar("batch_steps_per_second", 1 / seconds);
  for (const auto& [name, value] : logs.entries()) summary::scalar("batch_" + name, shown_value(value));
}

void TensorBoard::on_test_end(const Logs& logs) {
  State& s = *state_;
  const Tensor step = model().optimizer().iterations().read();
  const auto scope = s.validation_writer().as_default(step);
  for (const auto& [name, value] : logs.entries())
    summary::scalar("evaluation_" + name + "_vs_iterations", shown_value(value));
}

}  // namespace strata::callbacks
