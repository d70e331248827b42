#include "strata/summary.h"

#include <utility>

#include "graph/function_graphs.h"
#include "graph/op.h"
#include "io/event_file.h"
#include "io/summary_values.h"
#include "strata/model.h"

namespace strata::summary {

namespace {

using detail::EventFile;

struct Default {
  std::shared_ptr<EventFile> file;
  Tensor step;
};
thread_local Default current;

// Writes a value each time that it runs, in a traced program too. The last input is the step.
class SummaryWrite final : public Op {
 public:
  // What is written of the other inputs. Throws ShapeError or DTypeError where they do not fit.
  struct Kind {
    std::string_view name, function;
    void (*check)(const std::string& where, const Specs& in);
    std::string (*encode)(const std::string& tag, std::span<const Tensor> in, int count);
  };
  SummaryWrite(const Kind& kind, std::shared_ptr<EventFile> file, std::string tag, int count = 0)
      : kind_(kind), file_(std::move(file)), tag_(std::move(tag)), count_(count) {}
  std::string_view name() const override { return kind_.name; }
  bool has_effect() const override { return true; }
  Config config() const override { return {{"tag", tag_}, {"file", file_->path()}, {"count", count_}}; }

  Specs infer(const Specs& in) const override {
    const std::string where = "summary::" + std::string(kind_.function) + " '" + tag_ + "': ";
    kind_.check(where, in);
    const Spec& step = in.back();
    if (!step.shape.empty() || !is_integer(step.dtype))
      throw DTypeError(where + "the step is " + to_string(step.dtype) + " of shape " + to_string(step.shape) +
                       ", but it must be one integer.");
    return {};
  }
  void run(RunContext& c) const override {
    file_->add(c.in.back().item<std::int64_t>(), kind_.encode(tag_, c.in.first(c.in.size() - 1), count_));
  }

 private:
  const Kind& kind_;
  std::shared_ptr<EventFile> file_;
  std::string tag_;
  int count_;
};

constexpr SummaryWrite::Kind kScalar = {
    "summary_scalar", "scalar",
    [](const std::string& where, const Specs& in) {
      if (!in[0].shape.empty())
        throw ShapeError(where + "the value has shape " + to_string(in[0].shape) +
                         ", but a scalar is one number of shape (). Use reduce_mean or another reduction first.");
    },
    [](const std::string& tag, std::span<const Tensor> in, int) { return scalar_value(tag, in[0].item<float>()); }};

constexpr SummaryWrite::Kind kImage = {
    "summary_image", "image",
    [](const std::string& where, const Specs& in) {
      const Shape& s = in[0].shape;
      if (s.size() != 4 || (s[3] != None && s[3] != 1 && s[3] != 3 && s[3] != 4))
        throw ShapeError(where + "the images have shape " + to_string(s) +
                         ", but (n, height, width, channels) with 1, 3 or 4 channels was expected. Use "
                         "expand_dims(image, 0) for one image.");
      if (in[0].dtype != DType::uint8 && !is_floating(in[0].dtype))
        throw DTypeError(where + "the images are " + to_string(in[0].dtype) +
                         ". Give uint8, or floats between 0 and 1.");
    },
    [](const std::string& tag, std::span<const Tensor> in, int count) { return image_value(tag, in[0], count); }};

constexpr SummaryWrite::Kind kHistogram = {
    "summary_histogram", "histogram", [](const std::string&, const Specs&) {},
    [](const std::string& tag, std::span<const Tensor> in, int count) { return histogram_value(tag, in[0], count); }};

constexpr SummaryWrite::Kind kPrCurve = {"summary_pr_curve", "pr_curve",
                                         [](const std::string& where, const Specs& in) {
                                           if (in[0].shape != in[1].shape)
                                             throw ShapeError(where + "labels have shape " + to_string(in[0].shape) +
                                                              " and predictions " + to_string(in[1].shape) +
                                                              ". They must be equal.");
                                         },
                                         [](const std::string& tag, std::span<const Tensor> in, int count) {
                                           return pr_curve_value(tag, in[0], in[1], count);
                                         }};

// False without a default writer.
bool write(const SummaryWrite::Kind& kind, const std::string& name, Tensors inputs, const Tensor& given, int count) {
  if (current.file == nullptr) return false;
  const Tensor& step = given.defined() ? given : current.step;
  if (!step.defined())
    throw ValueError("summary::" + std::string(kind.function) + " '" + name +
                     "': no step. Give {.step = n}, or one for all by writer.as_default(n).");
  inputs.push_back(step);
  strata::apply(std::make_shared<SummaryWrite>(kind, current.file, name, count), inputs);
  return true;
}

// Of what is written at once, in no program.
std::int64_t step_number(const Tensor& given, const std::string& where) {
  const Tensor& step = given.defined() ? given : current.step;
  if (!step.defined()) return 0;
  if (step.is_symbolic()) throw SymbolicError(where + ": the step is symbolic. Write this outside of function().");
  return step.item<std::int64_t>();
}

}  // namespace

Scope::Scope(std::shared_ptr<EventFile> file, const Tensor& step)
    : outer_file_(std::exchange(current.file, std::move(file))), outer_step_(current.step) {
  if (step.defined()) current.step = step;
}

Scope::~Scope() {
  current.file = std::move(outer_file_);
  current.step = outer_step_;
}

SummaryWriter::SummaryWriter(std::shared_ptr<EventFile> file) : file_(std::move(file)) {}
SummaryWriter::SummaryWriter(const SummaryWriter&) = default;
SummaryWriter& SummaryWriter::operator=(const SummaryWriter&) & = default;
SummaryWriter::~SummaryWriter() = default;

Scope SummaryWriter::as_default(const Tensor& step) const {
  if (file_->is_closed())
    throw ValueError("SummaryWriter::as_default: the writer of '" + path() +
                     "' is closed. Make a new one with summary::create_file_writer.");
  return Scope(file_, step);
}

void SummaryWriter::flush() const { file_->flush(); }
void SummaryWriter::close() const { file_->close(); }
const std::string& SummaryWriter::path() const { return file_->path(); }

SummaryWriter create_file_writer(const std::string& logdir, const FileWriterOptions& options) {
  if (!(options.flush_seconds > 0))
    throw ValueError("summary::create_file_writer: flush_seconds is " + std::to_string(options.flush_seconds) +
                     ". Give a positive number of seconds.");
  return SummaryWriter(std::make_shared<EventFile>(logdir, options.flush_seconds, options.filename_suffix));
}

WriterStatistics SummaryWriter::statistics() const {
  const EventFile::Statistics s = file_->statistics();
  return {s.events, s.bytes, s.dropped, s.seconds};
}

bool scalar(const std::string& name, const Tensor& value, const ScalarOptions& options) {
  return write(kScalar, name, {value}, options.step, 0);
}

bool image(const std::string& name, const Tensor& images, const ImageOptions& options) {
  if (options.max_outputs < 0)
    throw ValueError("summary::image '" + name + "': max_outputs is " + std::to_string(options.max_outputs) +
                     "; give 0 or more.");
  return write(kImage, name, {images}, options.step, options.max_outputs);
}

bool histogram(const std::string& name, const Tensor& values, const HistogramOptions& options) {
  if (options.buckets < 1)
    throw ValueError("summary::histogram '" + name + "': buckets is " + std::to_string(options.buckets) +
                     "; give 1 or more.");
  return write(kHistogram, name, {values}, options.step, options.buckets);
}

bool pr_curve(const std::string& name, const Tensor& labels, const Tensor& predictions, const PrCurveOptions& options) {
  if (options.num_thresholds < 2)
    throw ValueError("summary::pr_curve '" + name + "': num_thresholds is " + std::to_string(options.num_thresholds) +
                     "; give 2 or more.");
  return write(kPrCurve, name, {labels, predictions}, options.step, options.num_thresholds);
}

bool text(const std::string& name, const std::string& markdown, const TextOptions& options) {
  if (current.file == nullptr) return false;
  current.file->add(step_number(options.step, "summary::text '" + name + "'"), text_value(name, {markdown}, {}));
  return true;
}

bool text(const std::string& name, const std::vector<std::string>& lines, const TextOptions& options) {
  if (current.file == nullptr) return false;
  const auto n = static_cast<std::int64_t>(lines.size());
  current.file->add(step_number(options.step, "summary::text '" + name + "'"), text_value(name, lines, {n}));
  return true;
}

bool graph(const Model& model, const GraphOptions& options) {
  if (current.file == nullptr) return false;
  current.file->add(0, keras_graph_value(options.name, model_graph(model, true)));
  if (options.ops) current.file->add_graph(graph_def(*trace_model(model).graph));
  return true;
}

bool detail::write_function_graph(const strata::detail::FunctionCore& core) {
  if (current.file == nullptr) return false;
  const auto graphs = strata::detail::traced_graphs(core);
  if (graphs.empty())
    throw ValueError("summary::graph: the function has no trace yet. Call it once before its graph is written.");
  current.file->add_graph(graph_def(*graphs.back()));
  return true;
}

bool detail::write_value(const std::string& value, std::int64_t step) {
  if (current.file == nullptr) return false;
  current.file->add(step, value);
  return true;
}

}  // namespace strata::summary
