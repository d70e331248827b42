#include "io/saved_model/import.h"

#include <algorithm>

#include "io/exchange/parsing.h"
#include "io/protobuf.h"
#include "io/saved_model/parse.h"
#include "strata/array.h"
#include "strata/indexing.h"
#include "strata/random.h"

namespace strata::saved_model {

namespace {

using exchange::Value;
using exchange::Values;

constexpr int kCallDepth = 64;

// The value of an attribute by f(reader), where field `tag` is there.
template <class F>
void with_field(const protozero::data_view* bytes, int tag, F f) {
  if (bytes == nullptr) return;
  parsing("SavedModel: an attribute of a node", [&] {
    protozero::pbf_reader in(*bytes);
    while (in.next()) {
      if (in.tag() == static_cast<protozero::pbf_tag_type>(tag))
        f(in);
      else
        in.skip();
    }
  });
}

bool is_call(const std::string& op) { return op == "StatefulPartitionedCall" || op == "PartitionedCall"; }

std::string callee_of(const NodeDef& n) {
  std::string name;
  const auto it = n.attributes.find("f");
  with_field(it == n.attributes.end() ? nullptr : &it->second, AttrField::func, [&](auto& in) {
    protozero::pbf_reader f = in.get_message();
    while (f.next()) {
      if (f.tag() == 1)
        name = f.get_string();
      else
        f.skip();
    }
  });
  return name;
}

}  // namespace

const protozero::data_view* ImportCall::find(const char* name) const {
  const auto it = node_.attributes.find(name);
  return it == node_.attributes.end() ? nullptr : &it->second;
}
std::int64_t ImportCall::integer_attribute(const char* name, std::int64_t out) const {
  with_field(find(name), AttrField::i, [&](auto& in) { out = in.get_int64(); });
  return out;
}
bool ImportCall::flag(const char* name, bool out) const {
  with_field(find(name), AttrField::b, [&](auto& in) { out = in.get_bool(); });
  return out;
}
double ImportCall::real(const char* name, double out) const {
  with_field(find(name), AttrField::f, [&](auto& in) { out = exchange::decimal_of(in.get_float()); });
  return out;
}
std::string ImportCall::text(const char* name, const std::string& otherwise) const {
  std::string out = otherwise;
  with_field(find(name), AttrField::s, [&](auto& in) { out = in.get_string(); });
  return out;
}
Ints ImportCall::ints_attribute(const char* name) const {
  Ints out;
  with_field(find(name), AttrField::list, [&](auto& in) {
    protozero::pbf_reader list = in.get_message();
    while (list.next()) {
      if (list.tag() != AttrField::i)
        list.skip();
      else if (list.wire_type() != protozero::pbf_wire_type::length_delimited)
        out.push_back(list.get_int64());
      else
        for (const std::int64_t v : list.get_packed_int64()) out.push_back(v);
    }
  });
  return out;
}
DType ImportCall::type(const char* name) const {
  std::int64_t out = 0;
  with_field(find(name), AttrField::type, [&](auto& in) { out = in.get_enum(); });
  return dtype_of_type(out, where());
}
void ImportCall::require_channels_last() const {
  const std::string format = text("data_format", "NHWC");
  if (format != "NHWC" && format != "NDHWC" && format != "NWC")
    fail("images in the order " + format + " are not supported, only channels last");
}

const ImportTable& import_table() {
  static const ImportTable table = [] {
    ImportTable t;
    for (auto* family : {&add_math_rows, &add_nn_rows, &add_shape_rows}) family(t);
    return t;
  }();
  return table;
}

SavedModelProgram::SavedModelProgram(std::unique_ptr<SavedModelFile> file, std::uint64_t limit)
    : file_(std::move(file)), limit_(limit) {}

// Orders the nodes of one function that its results and effects need.
class SavedModelProgram::Preparation {
 public:
  Preparation(SavedModelProgram& program, const FunctionDef& f, int depth) : program_(program), f_(f), depth_(depth) {
    for (std::size_t i = 0; i < f.inputs.size(); ++i) arguments_[f.inputs[i]] = static_cast<int>(i);
    for (std::size_t i = 0; i < f.nodes.size(); ++i) numbers_[f.nodes[i].name] = i;
    position_.assign(f.nodes.size(), -1);
  }

  Ready run() {
    for (const std::string& effect : f_.effects)
      if (const auto it = numbers_.find(effect); it != numbers_.end()) visit(it->second);
    for (const std::string& output : f_.outputs) {
      const auto it = f_.results.find(output);
      if (it == f_.results.end()) fail("", "there is nothing for its result '" + output + "'");
      out_.results.push_back(source(it->second, ""));
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& node, const std::string& why) const {
    throw ValueError(program_.file_->path + ": function '" + f_.name + "'" +
                     (node.empty() ? std::string() : ", node '" + node + "'") + ": " + why + ".");
  }

  // "node:output:2", "argument", "node".
  Source source(const std::string& reference, const std::string& by) {
    const std::size_t colon = reference.find(':');
    const std::string name = reference.substr(0, colon);
    if (const auto it = arguments_.find(name); it != arguments_.end() && colon == std::string::npos)
      return {-1 - it->second, 0};
    const auto it = numbers_.find(name);
    if (it == numbers_.end()) fail(by, "its input '" + reference + "' is not there");
    const int at = visit(it->second);
    int output = 0;
    if (colon != std::string::npos) {
      const std::size_t second = reference.find(':', colon + 1);
      const std::string arg = reference.substr(colon + 1, second == std::string::npos ? second : second - colon - 1);
      const std::string index = second == std::string::npos ? "0" : reference.substr(second + 1);
      if (index.empty() || index.size() > 6 || index.find_first_not_of("0123456789") != std::string::npos)
        fail(by, "its input '" + reference + "' has no number");
      output = std::stoi(index);
      const Step& step = out_.steps[static_cast<std::size_t>(at)];
      if (step.row != nullptr) {
        const auto& names = step.row->outputs;
        const auto found = std::find(names.begin(), names.end(), arg);
        if (found != names.end()) output += static_cast<int>(found - names.begin());
      }
    }
    return {at, output};
  }

  // Depth-first, without recursion, since chains of nodes are long.
  int visit(std::size_t wanted) {
    std::vector<std::size_t> pending = {wanted};
    while (!pending.empty()) {
      const std::size_t i = pending.back();
      if (position_[i] >= 0) {
        pending.pop_back();
        continue;
      }
      const bool first_time = position_[i] == -1;
      position_[i] = -2;
      bool waits = false;
      for (const std::string& input : f_.nodes[i].inputs) {
        const std::string name =
            input.substr(input.starts_with('^') ? 1 : 0, input.find(':') - (input.starts_with('^') ? 1 : 0));
        const auto it = numbers_.find(name);
        if (it == numbers_.end() || position_[it->second] >= 0) continue;
        if (!first_time || position_[it->second] == -2) fail(f_.nodes[i].name, "it depends on itself");
        pending.push_back(it->second);
        waits = true;
      }
      if (waits) continue;
      pending.pop_back();
      add(i);
    }
    return position_[wanted];
  }

  void add(std::size_t i) {
    const NodeDef& n = f_.nodes[i];
    Step step;
    step.node = &n;
    step.where = program_.file_->path + ", node '" + n.name + "' (" + n.op + ")";
    classify(n, step);
    for (const std::string& input : n.inputs)
      if (!input.starts_with('^') && step.kind != Kind::constant) step.in.push_back(source(input, n.name));
    // Functions that call each other twice, and so on, would run for ever.
    constexpr std::uint64_t kMost = 10'000'000;
    if (++out_.work > kMost) fail(n.name, "the program has more than ten million steps");
    out_.steps.push_back(std::move(step));
    position_[i] = static_cast<int>(out_.steps.size()) - 1;
  }

  void classify(const NodeDef& n, Step& step) {
    static const std::map<std::string, Kind> kKinds = {{"Const", Kind::constant},
                                                       {"ReadVariableOp", Kind::read},
                                                       {"AssignVariableOp", Kind::assign},
                                                       {"AssignAddVariableOp", Kind::add},
                                                       {"AssignSubVariableOp", Kind::subtract},
                                                       {"Shape", Kind::shape},
                                                       {"Size", Kind::size},
                                                       {"NoOp", Kind::nothing},
                                                       {"RandomUniform", Kind::random},
                                                       {"ResourceGather", Kind::gather},
                                                       {"RandomStandardNormal", Kind::random},
                                                       {"TruncatedNormal", Kind::random}};
    if (const auto it = kKinds.find(n.op); it != kKinds.end()) {
      step.kind = it->second;
      if (step.kind == Kind::constant) step.value = constant_of(n, step.where);
      return;
    }
    if (is_call(n.op)) {
      step.kind = Kind::call;
      step.callee = callee_of(n);
      program_.prepare(step.callee, depth_ + 1);
      out_.work += program_.ready_.at(step.callee).work;
      return;
    }
    const auto row = import_table().find(n.op);
    if (row == import_table().end())
      fail(n.name, "the TensorFlow op '" + n.op + "' is none that strata reads; docs/exchange.md lists those it does");
    step.row = &row->second;
  }

  Tensor constant_of(const NodeDef& n, const std::string& where) {
    Tensor out;
    const auto it = n.attributes.find("value");
    parsing(where, [&] {
      with_field(it == n.attributes.end() ? nullptr : &it->second, AttrField::tensor,
                 [&](auto& in) { out = read_tensor(in.get_view(), where, program_.limit_); });
    });
    if (!out.defined()) fail(n.name, "it has no value");
    return out;
  }

  SavedModelProgram& program_;
  const FunctionDef& f_;
  int depth_;
  std::unordered_map<std::string, int> arguments_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<int> position_;  // -1 not seen, -2 waiting for its inputs
  Ready out_;
};

void SavedModelProgram::prepare(const std::string& function, int depth) {
  if (ready_.contains(function)) return;
  const auto it = file_->functions.find(function);
  if (it == file_->functions.end()) throw FileError(file_->path + ": there is no function '" + function + "'.");
  if (depth > kCallDepth)
    throw FileError(file_->path + ": functions call each other too deeply at '" + function + "'.");
  Ready ready = Preparation(*this, it->second, depth).run();
  ready_[function] = std::move(ready);
}

Values SavedModelProgram::run_step(const Step& step, const Values& in, const std::vector<Variable>& variables) const {
  const ImportCall call(step.where, in, *step.node);
  auto variable = [&]() -> const Variable& {
    const int number = in.empty() ? -1 : in[0].variable;
    if (number < 0 || number >= static_cast<int>(variables.size())) call.fail("its variable is not known");
    return variables[static_cast<std::size_t>(number)];
  };
  switch (step.kind) {
    case Kind::constant:
      return {{step.value, {}, {}, -1}};
    case Kind::nothing:
      return {};
    case Kind::read:
      return {{variable().read(), {}, {}, -1}};
    case Kind::gather:
      return {{gather(variable().read(), call.in(1), 0, {.batch_dims = call.integer_attribute("batch_dims", 0)}),
               {},
               {},
               -1}};
    case Kind::assign:
      return variable().assign(call.in(1)), Values{};
    case Kind::add:
      return variable().assign_add(call.in(1)), Values{};
    case Kind::subtract:
      return variable().assign_sub(call.in(1)), Values{};
    case Kind::shape:
      return {exchange::shape_value(call.in(0),
                                    step.node->attributes.contains("out_type") ? call.type("out_type") : int32, 0,
                                    call.in(0).rank())};
    case Kind::size:
      return {{size(call.in(0)), {}, {}, -1}};
    case Kind::random: {
      const bool uniform = step.node->op == "RandomUniform", truncated = step.node->op == "TruncatedNormal";
      // A shape that is only known when the program runs is that of a tensor.
      const Tensor like = call.value(0).like.defined() ? in[0].like : zeros(Shape(call.ints(0)));
      const DType dtype = call.type("dtype");
      const Tensor base = cast(like, is_floating(like.dtype()) ? like.dtype() : float32);
      Tensor out = uniform     ? random::uniform_like(base)
                   : truncated ? random::truncated_normal_like(base)
                               : random::normal_like(base);
      return {{cast(out, dtype), {}, {}, -1}};
    }
    case Kind::call:
      return run_function(ready_.at(step.callee), in, variables);
    default:
      return exchange::run_row(
          [&](const Values& values) { return step.row->run(ImportCall(step.where, values, *step.node)); }, in);
  }
}

Values SavedModelProgram::run_function(const Ready& f, const Values& arguments,
                                       const std::vector<Variable>& variables) const {
  std::vector<Values> done(f.steps.size());
  auto value_of = [&](const Source& s, const std::string& where) -> const Value& {
    if (s.node < 0) {
      const auto i = static_cast<std::size_t>(-1 - s.node);
      if (i >= arguments.size()) throw ValueError(where + ": an argument is missing.");
      return arguments[i];
    }
    const Values& all = done[static_cast<std::size_t>(s.node)];
    if (s.output < 0 || s.output >= static_cast<int>(all.size()))
      throw ValueError(where + ": its input has no result " + std::to_string(s.output) + ".");
    return all[static_cast<std::size_t>(s.output)];
  };
  for (std::size_t i = 0; i < f.steps.size(); ++i) {
    const Step& step = f.steps[i];
    Values in;
    for (const Source& s : step.in) in.push_back(value_of(s, step.where));
    done[i] = run_step(step, in, variables);
  }
  Values out;
  for (const Source& s : f.results) out.push_back(value_of(s, file_->path));
  return out;
}

Tensors SavedModelProgram::run(const Tensors& inputs, bool is_training, const std::vector<Variable>& variables) const {
  const std::string& name = is_training && !training.empty() ? training : inference;
  Values arguments;
  for (const Tensor& t : inputs) arguments.push_back({t, {}, {}, -1});
  for (const int object : file_->concrete.at(name).bound) {
    const auto it = variable_numbers.find(object);
    arguments.push_back({Tensor(), {}, {}, it == variable_numbers.end() ? -1 : it->second});
  }
  Tensors out;
  for (const Value& v : run_function(ready_.at(name), arguments, variables)) out.push_back(v.tensor);
  return out;
}

}  // namespace strata::saved_model
