#include "io/saved_model/main_graph.h"

#include <algorithm>
#include <numeric>

#include "io/protobuf.h"

namespace strata::saved_model {

namespace {

std::vector<std::size_t> order_of(const Names& names, bool sorted) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (sorted) std::sort(order.begin(), order.end(), [&](auto a, auto b) { return names[a] < names[b]; });
  return order;
}

std::vector<int> types_of(const Specs& specs, std::size_t resources) {
  std::vector<int> out;
  for (const Spec& s : specs) out.push_back(data_type(s.dtype));
  out.insert(out.end(), resources, kResource);
  return out;
}

Attributes call_attributes(const std::string& function, const std::vector<int>& in, const std::vector<int>& out) {
  return {{"Tin", attr::types(in)},   {"Tout", attr::types(out)},       {"f", attr::function(function)},
          {"config", attr::text("")}, {"config_proto", attr::text("")}, {"executor_type", attr::text("")}};
}

void put_tensor_info(protozero::pbf_writer& signature, int field, const std::string& key, const std::string& name,
                     const Spec& spec) {
  protozero::pbf_writer entry(signature, static_cast<protozero::pbf_tag_type>(field));
  entry.add_string(MapField::key, key);
  protozero::pbf_writer info(entry, MapField::value);
  info.add_string(1, name);
  info.add_enum(2, data_type(spec.dtype));
  info.add_message(3, shape_bytes(spec.shape));
}

std::string string_constant(NodeWriter& w, const Names& values) {
  return w.add("Const", {},
               {{"value", attr::message(AttrField::tensor, string_tensor_bytes(values, false))},
                {"dtype", attr::type(kString)}});
}

// The nodes by which older readers of the format load and save: names of what SaverDef points to.
struct SaverNames {
  std::string filename, save, restore;
};
SaverNames add_saver(NodeWriter& w, const MainGraph& main) {
  SaverNames out;
  out.filename =
      w.add("Placeholder", {}, {{"dtype", attr::type(kString)}, {"shape", attr::shape({})}}, "saver_filename");
  if (main.variables.empty()) {
    out.save = w.add("Identity", {out.filename}, {{"T", attr::type(kString)}});
    out.restore = w.add("NoOp", {}, {}, "restore_all");
    return out;
  }
  Names keys, slices(main.variables.size());
  std::vector<int> types;
  for (const auto& v : main.variables) keys.push_back(v.key), types.push_back(data_type(v.dtype));
  const std::string names = string_constant(w, keys), parts = string_constant(w, slices);
  Names saved = {out.filename, names, parts};
  for (const auto& v : main.variables)
    saved.push_back(w.add("ReadVariableOp", {v.name}, {{"dtype", attr::type(v.dtype)}}));
  const std::string save = w.add("SaveV2", saved, {{"dtypes", attr::types(types)}});
  out.save = w.add("Identity", {out.filename, "^" + save}, {{"T", attr::type(kString)}});
  const std::string restored = w.add("RestoreV2", {out.filename, names, parts}, {{"dtypes", attr::types(types)}});
  Names done;
  for (std::size_t i = 0; i < main.variables.size(); ++i) {
    const auto& v = main.variables[i];
    done.push_back("^" + w.add("AssignVariableOp", {v.name, restored + ":" + std::to_string(i)},
                               {{"dtype", attr::type(v.dtype)}}));
  }
  out.restore = w.add("NoOp", done, {}, "restore_all");
  return out;
}

// The call of the signature on placeholders.
std::string add_call(NodeWriter& w, const MainGraph& main) {
  const CallShape& call = main.inputs;
  Names inputs;
  Specs specs, results;
  for (const std::size_t i : order_of(call.inputs, true)) {
    const Spec& s = call.input_specs[i];
    inputs.push_back(w.add("Placeholder", {}, {{"dtype", attr::type(s.dtype)}, {"shape", attr::shape(s.shape)}},
                           "serving_default_" + call.inputs[i]));
    specs.push_back(s);
  }
  for (const std::size_t v : main.captured) inputs.push_back(main.variables[v].name);
  for (const std::size_t i : order_of(call.outputs, true)) results.push_back(call.output_specs[i]);
  return w.add("StatefulPartitionedCall", inputs,
               call_attributes(main.function, types_of(specs, main.captured.size()), types_of(results, 0)));
}

std::string graph_bytes(const MainGraph& main, const NodeWriter& w) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  for (const std::string& n : w.nodes()) out.add_message(GraphField::node, n);
  std::string library;
  protozero::pbf_writer functions(library);
  for (const std::string& f : main.functions) functions.add_message(1, f);
  out.add_message(GraphField::library, library);
  std::string versions;
  protozero::pbf_writer version(versions);
  version.add_int32(1, 1645);  // of TensorFlow 2.15; what is written here is older
  version.add_int32(2, 12);
  out.add_message(GraphField::versions, versions);
  return bytes;
}

std::string signature_bytes(const MainGraph& main, const std::string& call) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  const CallShape& shape = main.inputs;
  for (std::size_t i = 0; i < shape.inputs.size(); ++i)
    put_tensor_info(out, 1, shape.inputs[i], "serving_default_" + shape.inputs[i] + ":0", shape.input_specs[i]);
  const auto order = order_of(shape.outputs, true);
  for (std::size_t at = 0; at < order.size(); ++at)
    put_tensor_info(out, 2, shape.outputs[order[at]], call + ":" + std::to_string(at), shape.output_specs[order[at]]);
  out.add_string(3, "tensorflow/serving/predict");
  return bytes;
}

void put_signature(protozero::pbf_writer& meta, const std::string& key, const std::string& value) {
  protozero::pbf_writer entry(meta, MetaGraphField::signature);
  entry.add_string(MapField::key, key);
  entry.add_message(MapField::value, value);
}

std::string init_signature(const std::string& no_op) {
  std::string shape, info, bytes;
  protozero::pbf_writer(shape).add_bool(ShapeField::unknown_rank, true);
  protozero::pbf_writer tensor(info);
  tensor.add_string(1, no_op);
  tensor.add_message(3, shape);
  protozero::pbf_writer out(bytes);
  put_attribute(out, 2, "__saved_model_init_op", info);
  return bytes;
}

}  // namespace

ExportedFunction wrap_function(const std::string& name, const ExportedFunction& inner, const CallShape& shape) {
  NodeWriter w;
  std::string bytes;
  protozero::pbf_writer out(bytes);
  const std::size_t resources = inner.captured.size();
  Names inputs = shape.inputs;
  {
    protozero::pbf_writer op(out, FunctionField::signature);
    op.add_string(OpField::name, name);
    for (const std::size_t i : order_of(shape.inputs, shape.named)) {
      put_argument(op, OpField::input_arg, shape.inputs[i], data_type(shape.input_specs[i].dtype));
      w.reserve(shape.inputs[i]);
    }
    for (std::size_t i = 0; i < resources; ++i) {
      inputs.push_back("variable_" + std::to_string(i + 1));
      w.reserve(inputs.back());
      put_argument(op, OpField::input_arg, inputs.back(), kResource);
    }
    for (const std::size_t i : order_of(shape.outputs, shape.named))
      put_argument(op, OpField::output_arg, "result_" + std::to_string(i), data_type(shape.output_specs[i].dtype));
    op.add_bool(OpField::is_stateful, true);
    op.add_string(OpField::control_output, "StatefulPartitionedCall");
  }
  const std::string call =
      w.add("StatefulPartitionedCall", inputs,
            call_attributes(inner.name, types_of(shape.input_specs, resources), types_of(shape.output_specs, 0)));
  Names results;
  for (std::size_t i = 0; i < shape.outputs.size(); ++i)
    results.push_back(
        w.add("Identity", {call + ":output:" + std::to_string(i)}, {{"T", attr::type(shape.output_specs[i].dtype)}}));
  for (const std::string& n : w.nodes()) out.add_message(FunctionField::node_def, n);
  for (std::size_t i = 0; i < results.size(); ++i)
    put_text_entry(out, FunctionField::ret, "result_" + std::to_string(i), results[i] + ":output:0");
  put_text_entry(out, FunctionField::control_ret, "StatefulPartitionedCall", call);
  std::vector<Shape> shapes;
  for (const std::size_t i : order_of(shape.inputs, shape.named)) shapes.push_back(shape.input_specs[i].shape);
  shapes.resize(shapes.size() + resources);
  put_attribute(out, FunctionField::attr, "_input_shapes", attr::shapes(shapes));
  return {name, bytes, inner.captured};
}

std::string saved_model_file(const MainGraph& main) {
  MainGraph named = main;
  NodeWriter w;
  for (auto& v : named.variables)
    v.name = w.add("VarHandleOp", {},
                   {{"shared_name", attr::text(v.name)},
                    {"container", attr::text("")},
                    {"dtype", attr::type(v.dtype)},
                    {"shape", attr::shape(v.shape)}},
                   v.name);
  const std::string call = add_call(w, named);
  const SaverNames saver = add_saver(w, named);
  const std::string no_op = w.add("NoOp", {});

  std::string meta_bytes;
  protozero::pbf_writer meta(meta_bytes);
  {
    protozero::pbf_writer info(meta, MetaGraphField::meta_info);
    info.add_string(MetaInfoField::tags, "serve");
    info.add_string(MetaInfoField::tensorflow_version, "2.15.0");
    info.add_bool(MetaInfoField::stripped_default_attrs, true);
  }
  meta.add_message(MetaGraphField::graph, graph_bytes(named, w));
  {
    protozero::pbf_writer def(meta, MetaGraphField::saver);
    def.add_string(1, saver.filename + ":0");
    def.add_string(2, saver.save + ":0");
    def.add_string(3, saver.restore);
    def.add_enum(7, 2);  // the second version of the format
  }
  put_signature(meta, "serving_default", signature_bytes(named, call));
  put_signature(meta, "__saved_model_init_op", init_signature(no_op));
  meta.add_message(MetaGraphField::objects, main.objects);

  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_int64(1, 1);
  out.add_message(2, meta_bytes);
  return bytes;
}

}  // namespace strata::saved_model
