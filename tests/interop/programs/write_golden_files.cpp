// write_golden_files DIR PREFIX: one small model in every format that strata writes, as DIR/PREFIX.keras and so on,
// with its outputs for the inputs of the golden files. tests/golden/files has those of earlier versions, which later
// ones read.
#include <strata/strata.h>

using namespace strata;
using namespace strata::layers;

int main(int, char** argv) {
  const std::string base = std::string(argv[1]) + "/" + argv[2];
  utils::set_random_seed(1);
  Tensor in = Input({3}, {.name = "x"});
  Model model(in,
              Dense(1, {.name = "last"})(BatchNormalization()(Dense(2, {.activation = "relu", .name = "first"})(in))),
              {.name = "golden"});
  const Tensor x = reshape(range(0.f, 12.f), {4, 3}) * (2.f / 11.f) - 1.f;
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "mse"});
  model.train_on_batch(x, x[{Slice(), Slice(0, 1)}]);
  save_npy(base + ".outputs.npy", model.predict(x, {.verbose = 0}));
  for (const char* name : {".keras", ".h5", "_saved_model"}) model.save(base + name);
  for (const char* name : {".weights.h5", "_weights.h5", ".npz"}) model.save_weights(base + name);
  onnx::save(model, base + ".onnx");
  Checkpoint({{"model", model}, {"optimizer", model.optimizer()}}).save(base + "_checkpoint");
  Sequential colors({Input({4, 4, 3}), GlobalAveragePooling2D(), Dense(2, {.activation = "softmax"})});
  Artifact::save(colors, base + ".strata", {.class_names = {"cat", "dog"}});
}
