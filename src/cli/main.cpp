// The program `strata`: looks into model files, converts and compares them, and predicts.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "strata/board.h"
#include "strata/error.h"
#include "strata/version.h"

namespace {

// The board reads its own flags.
void add_board(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("board", "Draw event files: LOGDIR [--follow] [--html FILE] [--filter TEXT]");
  command->prefix_command();
  command->callback([command, &status] { status = strata::board::main(command->remaining()); });
}

void add_completion(CLI::App& app, std::string& shell, int& status) {
  auto* command = app.add_subcommand("completion", "Print a script for the shell: source <(strata completion)");
  command->add_option("SHELL", shell, "bash or zsh")->capture_default_str();
  command->callback([&] { status = strata::cli::completion(std::cout, shell); });
}

}  // namespace

int main(int argc, char** argv) {
  using namespace strata::cli;
  CLI::App app(
      "Looks into model files, converts and compares them, and predicts.\n\n"
      "  strata show net.keras              what is in it: versions, shapes, sizes\n"
      "  strata convert net.h5 net.keras    a model of Keras 2 for Keras 3\n"
      "  strata diff before.h5 after.h5     which weights differ, and by how much\n"
      "  strata predict net.keras cat.png   the class of a picture\n");
  app.name("strata");
  app.require_subcommand(1);
  app.set_version_flag("--version", strata::version());
  std::string a, b;
  std::vector<std::string> images, classes;
  ShowOptions show_options;
  bool weights_only = false;
  double tolerance = 0, scale = 1.0 / 255;
  int status = 0;

  auto* show_command = app.add_subcommand(
      "show", "What a file or folder holds: .keras, .h5, .onnx, .npz, SavedModel, checkpoint, artifact");
  show_command->add_option("FILE", a, "The file")->required();
  show_command->add_flag("--config", show_options.config, "Print the model's configuration as JSON instead");
  show_command->add_option("--depth", show_options.depth, "Sum up what lies deeper than this many groups");
  show_command->callback([&] { status = show(std::cout, a, show_options); });

  auto* convert_command = app.add_subcommand("convert", "Write a whole model in another format, told by its name");
  convert_command->add_option("A", a, "A .keras, whole .h5 or .onnx file, or a SavedModel")->required();
  convert_command->add_option("B", b, "Ends in .keras, .h5, .onnx, .weights.h5, .npz, or nothing (SavedModel)")
      ->required();
  convert_command->add_flag("--weights", weights_only, "Write the weights alone (.h5 in Keras 2's layout)");
  convert_command->callback([&] { status = convert(std::cout, a, b, weights_only); });

  auto* diff_command = app.add_subcommand("diff", "Compare weights and configurations; status 1 where they differ");
  diff_command->add_option("A", a, "A file")->required();
  diff_command->add_option("B", b, "Another")->required();
  diff_command->add_option("--tolerance", tolerance, "Differences up to this do not count")->capture_default_str();
  diff_command->callback([&] { status = diff(std::cout, a, b, tolerance); });

  auto* predict_command = app.add_subcommand("predict", "The class of each picture and its probability");
  predict_command->add_option("MODEL", a, "An artifact, or a .keras or whole .h5 file")->required();
  predict_command->add_option("IMAGE", images, "Pictures in PNG or JPEG")->required();
  predict_command->add_option("--classes", classes, "Names of the classes, in order")->delimiter(',');
  predict_command->add_option("--scale", scale, "Pixels are multiplied by this")->capture_default_str();
  predict_command->callback([&] { status = predict(std::cout, a, images, classes, scale); });

  add_board(app, status);
  std::string shell = "bash";
  add_completion(app, shell, status);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    std::cerr << "strata: " << e.what() << '\n';
    return 2;
  }
  return status;
}
