#include "strata/summary.h"

#include <bit>
#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "graph/op.h"
#include "io/event_file.h"

namespace strata::summary {

namespace {

using detail::EventFile;

struct Default {
  std::shared_ptr<EventFile> file;
  Tensor step;
};
thread_local Default current;

// Field numbers of tensorflow.Summary.Value, SummaryMetadata, its PluginData, and TensorProto.
enum ValueField { kTag = 1, kTensor = 8, kMetadata = 9 };
constexpr int kPluginData = 1, kPluginName = 1;
enum TensorField { kDtype = 1, kTensorShape = 2, kTensorContent = 4 };
constexpr int kFloat = 1;  // tensorflow.DT_FLOAT

// A scalar as TensorFlow 2 writes it: a float32 tensor, and the name of the plugin that shows it.
std::string scalar_value(const std::string& tag, float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  char content[4];
  for (int i = 0; i < 4; ++i) content[i] = static_cast<char>((bits >> (8 * i)) & 0xff);
  std::string tensor, plugin, metadata, value;
  {
    protozero::pbf_writer out(tensor);
    out.add_enum(kDtype, kFloat);
    out.add_message(kTensorShape, std::string());
    out.add_bytes(kTensorContent, content, 4);
  }
  protozero::pbf_writer(plugin).add_string(kPluginName, "scalars");
  protozero::pbf_writer(metadata).add_message(kPluginData, plugin);
  protozero::pbf_writer out(value);
  out.add_string(kTag, tag);
  out.add_message(kTensor, tensor);
  out.add_message(kMetadata, metadata);
  return value;
}

// Inputs: the value and the step. An effect, so that a traced program writes each time that it runs.
class SummaryScalar final : public Op {
 public:
  SummaryScalar(std::shared_ptr<EventFile> file, std::string tag) : file_(std::move(file)), tag_(std::move(tag)) {}
  std::string_view name() const override { return "summary_scalar"; }
  bool has_effect() const override { return true; }
  Config config() const override { return {{"tag", tag_}, {"file", file_->path()}}; }

  Specs infer(const Specs& in) const override {
    if (!in[0].shape.empty())
      throw ShapeError(where() + "the value has shape " + to_string(in[0].shape) +
                       ", but a scalar is one number of shape (). Use reduce_mean or another reduction first.");
    if (!in[1].shape.empty() || !is_integer(in[1].dtype))
      throw DTypeError(where() + "the step is " + to_string(in[1].dtype) + " of shape " + to_string(in[1].shape) +
                       ", but it must be one integer.");
    return {};
  }
  void run(RunContext& c) const override {
    file_->add(c.in[1].item<std::int64_t>(), scalar_value(tag_, c.in[0].item<float>()));
  }

 private:
  std::string where() const { return "summary::scalar '" + tag_ + "': "; }
  std::shared_ptr<EventFile> file_;
  std::string tag_;
};

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

bool scalar(const std::string& name, const Tensor& value, const ScalarOptions& options) {
  if (current.file == nullptr) return false;
  const Tensor& step = options.step.defined() ? options.step : current.step;
  if (!step.defined())
    throw ValueError("summary::scalar '" + name +
                     "': no step. Give {.step = n}, or one for all by writer.as_default(n).");
  apply(std::make_shared<SummaryScalar>(current.file, name), {value, step});
  return true;
}

}  // namespace strata::summary
