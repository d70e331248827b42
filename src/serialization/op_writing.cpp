#include "serialization/op_writing.h"

#include "serialization/op_rows.h"
#include "serialization/slice_config.h"

namespace strata {

namespace {

using Kind = Config::Value::Kind;
using List = Config::Value::List;
using Writer = std::optional<WrittenOp> (*)(const Config& c);

// Whether the options are those that the operator has in Keras by default.
bool is_plain(const Config& config) {
  for (const auto& [name, value] : config.entries()) {
    // What relu and softmax have as a rule.
    const bool usual = (value.kind() == Kind::real && value.as_double() == 0) ||
                       (value.kind() == Kind::integer && value.as_integer() == -1) || value.is_none() ||
                       (value.kind() == Kind::boolean && !value.as_bool());
    if (!usual) return false;
  }
  return true;
}

Config::Value single_or_list(const Config::Value& axes) {
  return axes.kind() == Kind::list && axes.as_list().size() == 1 ? axes.as_list()[0] : axes;
}

// Numbers; None, which is an open dimension, as -1.
List dimensions(const Config::Value& shape) {
  List out;
  for (const auto& d : shape.as_list()) out.emplace_back(d.is_none() ? Config::Value(-1) : d);
  return out;
}

std::optional<WrittenOp> write_reshape(const Config& c) {
  const List shape = dimensions(c.at("shape"));
  return WrittenOp{"numpy", "Reshape", "reshape", {{"newshape", shape}}, {{"shape", shape}}};
}

std::optional<WrittenOp> write_pad(const Config& c) {
  if (c.get<double>("value", 0) != 0) return {};
  const auto flat = c.get<std::vector<std::int64_t>>("paddings");
  List pairs;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) pairs.emplace_back(List{flat[i], flat[i + 1]});
  return WrittenOp{"numpy", "Pad", "pad", {{"pad_width", pairs}, {"mode", "constant"}}, {{"paddings", pairs}}};
}

template <const char* const* names>
std::optional<WrittenOp> write_with_axis(const Config& c) {
  const Config options = {{"axis", c.at("axis")}};
  return WrittenOp{names[0], names[1], names[2], options, options};
}
constexpr const char* kSoftmax[] = {"nn", "Softmax", "nn.softmax"};
constexpr const char* kLogSoftmax[] = {"nn", "LogSoftmax", "nn.log_softmax"};
constexpr const char* kArgmax[] = {"numpy", "Argmax", "math.argmax"};
constexpr const char* kArgmin[] = {"numpy", "Argmin", "math.argmin"};

template <const char* const* names>
std::optional<WrittenOp> write_joining(const Config& c) {
  auto out = write_with_axis<names>(c);
  out->is_list = true;
  return out;
}
constexpr const char* kConcat[] = {"numpy", "Concatenate", "concat"};
constexpr const char* kStack[] = {"numpy", "Stack", "stack"};

std::optional<WrittenOp> write_split(const Config& c) {
  const auto sizes = c.get<std::vector<std::int64_t>>("sizes");
  if (sizes.empty())
    return WrittenOp{"numpy",
                     "Split",
                     "split",
                     {{"indices_or_sections", c.at("sections")}, {"axis", c.at("axis")}},
                     {{"num_or_size_splits", c.at("sections")}, {"axis", c.at("axis")}}};
  std::vector<std::int64_t> positions;  // Keras gives those between the parts
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
    positions.push_back(sizes[i] + (positions.empty() ? 0 : positions.back()));
  return WrittenOp{"numpy",
                   "Split",
                   "split",
                   {{"indices_or_sections", positions}, {"axis", c.at("axis")}},
                   {{"num_or_size_splits", sizes}, {"axis", c.at("axis")}}};
}

std::optional<WrittenOp> write_gather(const Config& c) {
  if (c.get<std::int64_t>("batch_dims", 0) != 0 || c.get<bool>("wrap", false)) return {};
  WrittenOp out{"numpy", "Take", "gather", {{"axis", c.at("axis")}}, {{"axis", c.at("axis")}}};
  out.operands = {"params", "indices"};
  return out;
}

std::optional<WrittenOp> write_relu(const Config& c) {
  const double slope = c.get<double>("negative_slope", 0);
  if (c.get<double>("threshold", 0) != 0) return {};
  if (c.get<bool>("has_max", false))
    return slope == 0 && c.get<double>("max_value") == 6 ? std::optional(WrittenOp{"nn", "Relu6", "nn.relu6", {}, {}})
                                                         : std::nullopt;
  if (slope == 0) return WrittenOp{"nn", "Relu", "nn.relu", {}, {}};
  return WrittenOp{"nn", "LeakyRelu", "nn.leaky_relu", {{"negative_slope", slope}}, {{"alpha", slope}}};
}

std::optional<WrittenOp> write_elu(const Config& c) {
  const double alpha = c.get<double>("alpha", 1);
  return WrittenOp{"nn", "Elu", alpha == 1 ? "nn.elu" : "", {{"alpha", alpha}}, {}};
}

std::optional<WrittenOp> write_gelu(bool approximate) {
  const Config options = {{"approximate", approximate}};
  return WrittenOp{"nn", "Gelu", "nn.gelu", options, options};
}

std::optional<WrittenOp> write_matmul(const Config& c) {
  WrittenOp out{"numpy", is_plain(c) ? "Matmul" : "", "linalg.matmul", {}, is_plain(c) ? Config() : c};
  out.operands = {"a", "b"};
  return out;
}

std::optional<WrittenOp> write_one_hot(const Config& c) {
  if (c.get<double>("on_value", 1) != 1 || c.get<double>("off_value", 0) != 0) return {};
  return WrittenOp{"nn",
                   "OneHot",
                   "one_hot",
                   {{"num_classes", c.at("depth")}, {"axis", c.at("axis")}, {"dtype", c.at("dtype")}},
                   {{"depth", c.at("depth")}, {"axis", c.at("axis")}, {"dtype", c.at("dtype")}}};
}

std::optional<WrittenOp> write_slice(const Config& c) {
  WrittenOp out{"numpy", "GetItem", "__operators__.getitem", {}, {{"slice_spec", slice_key(c, KerasStyle::keras2)}}};
  out.is_slice = true;
  return out;
}

struct NamedWriter {
  std::string_view op;
  Writer write;
};
const NamedWriter kWriters[] = {
    {"reshape", write_reshape},
    {"pad", write_pad},
    {"softmax", write_with_axis<kSoftmax>},
    {"log_softmax", write_with_axis<kLogSoftmax>},
    {"argmax", write_with_axis<kArgmax>},
    {"argmin", write_with_axis<kArgmin>},
    {"concat", write_joining<kConcat>},
    {"stack", write_joining<kStack>},
    {"split", write_split},
    {"gather", write_gather},
    {"relu", write_relu},
    {"elu", write_elu},
    {"silu",
     [](const Config& c) -> std::optional<WrittenOp> {
       if (c.get<double>("beta", c.get<double>("alpha", 1)) != 1) return {};
       return WrittenOp{"nn", "Silu", "nn.silu", {}, {}};
     }},
    {"reverse",
     [](const Config& c) -> std::optional<WrittenOp> {
       return WrittenOp{"numpy", "Flip", "reverse", {{"axis", c.at("axes")}}, {{"axis", c.at("axes")}}};
     }},
    {"gelu", [](const Config&) { return write_gelu(false); }},
    {"gelu_tanh", [](const Config&) { return write_gelu(true); }},
    {"matmul", write_matmul},
    {"one_hot", write_one_hot},
    {"strided_slice", write_slice},
    {"transpose",
     [](const Config& c) -> std::optional<WrittenOp> {
       return WrittenOp{"numpy", "Transpose", "transpose", {{"axes", c.at("perm")}}, {{"perm", c.at("perm")}}};
     }},
    {"repeat",
     [](const Config& c) -> std::optional<WrittenOp> {
       const Config options = {{"repeats", c.at("repeats")}, {"axis", c.at("axis")}};
       return WrittenOp{"numpy", "Repeat", "repeat", options, options};
     }},
    {"tile",
     [](const Config& c) -> std::optional<WrittenOp> {
       const auto& counts = c.at("multiples");
       return WrittenOp{"numpy", "Tile", "tile", {{"repeats", counts}}, {{"multiples", counts}}};
     }},
    {"cast",
     [](const Config& c) -> std::optional<WrittenOp> {
       const Config options = {{"dtype", c.at("dtype")}};
       return WrittenOp{"core", "Cast", "cast", options, options};
     }},
    {"squeeze",
     [](const Config& c) -> std::optional<WrittenOp> {
       const Config options = {{"axis", single_or_list(c.at("axes"))}};
       return WrittenOp{"numpy", "Squeeze", "squeeze", options, options};
     }},
    {"expand_dims",
     [](const Config& c) -> std::optional<WrittenOp> {
       const Config::Value axis = single_or_list(c.at("axes"));
       if (axis.kind() == Kind::list) return {};  // TensorFlow takes one
       return WrittenOp{"numpy", "ExpandDims", "expand_dims", {{"axis", axis}}, {{"axis", axis}}};
     }},
    {"where",
     [](const Config&) -> std::optional<WrittenOp> {
       WrittenOp out{"numpy", "Where", "where", {}, {}};
       out.operands = {"condition", "x", "y"};
       return out;
     }},
    {"atan2",
     [](const Config&) -> std::optional<WrittenOp> {
       WrittenOp out{"numpy", "Arctan2", "math.atan2", {}, {}};
       out.operands = {"y", "x"};
       return out;
     }},
};

}  // namespace

std::optional<WrittenOp> written_op(const SymbolicNode& node) {
  const Config config = node.op->config();
  const std::string_view own = node.op->name();
  for (const NamedWriter& w : kWriters)
    if (w.op == own) return w.write(config);
  const KerasOp* row = find_keras_op(own);
  const bool reduces = own.starts_with("reduce_");
  if (row == nullptr || (!reduces && (!is_plain(config) || node.inputs.size() > 2))) return {};
  const Config options = reduces ? config : Config();
  return WrittenOp{row->module, row->keras3, row->keras2 == nullptr ? "" : row->keras2, options, options};
}

}  // namespace strata
