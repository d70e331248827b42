#include "io/exchange/imported_model.h"

#include <algorithm>
#include <new>

#include "core/tensor_data.h"
#include "graph/graph.h"
#include "graph/variable.h"
#include "models/layer_state.h"
#include "models/model_state.h"
#include "strata/array.h"
#include "strata/call.h"
#include "strata/tape.h"

namespace strata::exchange {

namespace {

constexpr std::int64_t kSmall = 64;  // elements of values that are taken for shapes

bool is_small_integer(const Tensor& t) {
  return t.defined() && (is_integer(t.dtype()) || t.dtype() == DType::boolean) && t.shape().is_known() &&
         t.size() <= kSmall;
}

bool is_known(const Value& v) {
  return is_small_integer(v.tensor) && (!v.tensor.is_symbolic() || v.shadow[0].defined());
}

const Tensor& shadow_of(const Value& v, std::size_t which) {
  return v.tensor.is_symbolic() ? v.shadow[which] : v.tensor;
}

}  // namespace

struct EagerScope::Data {
  TraceScope outside{nullptr};
  detail::RecordingPause pause;
};
EagerScope::EagerScope() : data_(std::make_unique<Data>()) {}
EagerScope::~EagerScope() = default;

const Tensor& NodeCall::in(std::size_t i) const {
  if (!has(i)) fail("input " + std::to_string(i) + " is missing");
  return in_[i].tensor;
}

const Value& NodeCall::value(std::size_t i) const {
  in(i);
  return in_[i];
}

Tensors NodeCall::all() const {
  Tensors out;
  for (std::size_t i = 0; i < size(); ++i) out.push_back(in(i));
  return out;
}

Shape NodeCall::dims(std::size_t i) const {
  const Tensor& t = in(i);
  if (!is_known(in_[i]) || t.size() > static_cast<std::int64_t>(Shape::kMaxRank))
    fail("input " + std::to_string(i) + " must be a few integers that can be computed from shapes");
  const std::vector<std::int64_t> a = shadow_of(in_[i], 0).to_vector<std::int64_t>(),
                                  b = shadow_of(in_[i], 1).to_vector<std::int64_t>();
  Shape out;
  for (std::size_t k = 0; k < a.size(); ++k) out.push_back(a[k] == b[k] ? a[k] : None);
  return out;
}

Ints NodeCall::ints(std::size_t i) const {
  in(i);
  if (!is_known(in_[i])) fail("input " + std::to_string(i) + " must be integers that are known");
  Ints a = shadow_of(in_[i], 0).to_vector<std::int64_t>();
  if (a != shadow_of(in_[i], 1).to_vector<std::int64_t>())
    fail("input " + std::to_string(i) + " depends on a size that is not known while the model is traced");
  return a;
}

std::int64_t NodeCall::integer(std::size_t i) const {
  const Ints v = ints(i);
  if (v.size() != 1) fail("input " + std::to_string(i) + " must be one integer");
  return v[0];
}

Tensor NodeCall::reshaped(const Tensor& x, std::size_t i) const {
  in(i);
  if (!is_known(in_[i])) return reshape(x, in(i));
  Shape shape = dims(i);
  const auto open = std::count(shape.begin(), shape.end(), None) + std::count(shape.begin(), shape.end(), -1);
  if (open > 1) return reshape(x, in(i));
  for (std::int64_t& d : shape) d = d == None ? -1 : d;
  return reshape(x, shape);
}

void NodeCall::fail(const std::string& why) const { throw ValueError(where_ + ": " + why + "."); }

bool can_shadow(const Values& in, const Tensors& out) {
  if (in.empty() || out.empty()) return false;
  if (!std::all_of(in.begin(), in.end(), is_known)) return false;
  if (!std::any_of(out.begin(), out.end(), [](const Tensor& t) { return t.defined() && t.is_symbolic(); }))
    return false;
  return std::all_of(out.begin(), out.end(), [](const Tensor& t) { return is_small_integer(t); });
}

Values shadow_inputs(const Values& in, std::size_t which) {
  Values out;
  for (const Value& v : in) out.push_back({shadow_of(v, which), {}, {}, -1});
  return out;
}

Value shape_value(const Tensor& x, DType dtype, std::int64_t from, std::int64_t to) {
  Value out;
  const std::int64_t rank = x.rank();
  const bool is_all = from == 0 && to == rank;
  const Tensor all = shape(x, dtype);
  out.tensor = is_all ? all : all[Slice(from, to)];
  out.like = is_all ? x : Tensor();
  if (!out.tensor.is_symbolic()) return out;
  const EagerScope eager;
  for (std::size_t k = 0; k < 2; ++k) {
    Ints dims;
    for (std::int64_t i = from; i < to; ++i) {
      const std::int64_t d = x.shape()[static_cast<std::size_t>(i)];
      dims.push_back(d == None ? kMadeUp[k] : d);
    }
    out.shadow[k] = cast(Tensor::from(dims, {static_cast<std::int64_t>(dims.size())}), dtype);
  }
  return out;
}

ImportedProgram::~ImportedProgram() = default;

namespace {

class ImportedBody final : public Layer {
 public:
  explicit ImportedBody(const std::shared_ptr<ImportedProgram>& program) : program_(program) {
    set_class_name(program->class_name);
    set_dtype("float32");  // the program casts by itself
    for (const auto& w : program->weights) {
      const Variable v = w.trainable ? weight(w.name) : state_weight(w.name);
      detail::VariableState& s = *v.state();
      s.dtype = w.value.dtype();
      s.shape = w.value.shape();
      s.value = w.value;
      s.created = true;
      variables_.push_back(v);
    }
    program->weights.clear();
    state()->built = true;
    for (const Spec& s : program->inputs) {
      state()->input_shapes.push_back(s.shape);
      state()->input_dtypes.push_back(s.dtype);
    }
    ModelState& model = model_state(*this);
    model.input_names = program->input_names;
    model.output_names = program->output_names;
  }
  ImportedBody(const ImportedBody& other) = default;

 protected:
  std::shared_ptr<const Layer> self() const override { return std::make_shared<ImportedBody>(*this); }

  Tensors call_erased(const CallArguments& arguments) const override {
    const Tensors given = arguments.all_tensors();
    if (detail::any_recorded(given)) return CallFrame::record(*this, arguments);
    if (given.size() != program_->inputs.size())
      detail::throw_argument_count(*this, given.size(), program_->inputs.size());
    CallFrame frame(*this, arguments.training);
    try {
      Tensors inputs = frame.enter(given);
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i].dtype() != program_->inputs[i].dtype) inputs[i] = cast(inputs[i], program_->inputs[i].dtype);
      const Tensors results = program_->run(inputs, frame.training() && *state()->trainable, variables_);
      frame.leave(results);
      return results;
    } catch (const Error&) {
      frame.rethrow();
    } catch (const std::bad_alloc&) {
      throw ValueError("the program of '" + name() + "' needs more memory than there is.");
    }
  }

 private:
  std::shared_ptr<ImportedProgram> program_;
  std::vector<Variable> variables_;
};

class ImportedModel final : public Model {
 public:
  explicit ImportedModel(const std::shared_ptr<ImportedProgram>& program) {
    set_object(std::make_shared<ImportedBody>(program));
    set_name(program->name);
    name();
  }
};

}  // namespace

Model make_model(const std::shared_ptr<ImportedProgram>& program) { return ImportedModel(program); }

}  // namespace strata::exchange
