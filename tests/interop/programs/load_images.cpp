// load_images CASES: for each line "file color_mode height width interpolation keep_aspect exif output" reads a picture
// by utils::load_img and writes its array to output; height 0 keeps the size. "save" as color_mode reads the array in
// file and writes a picture.
#include <strata/array.h>
#include <strata/image.h>
#include <strata/npy.h>

#include <fstream>
#include <iostream>

using namespace strata;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: load_images CASES\n";
    return 2;
  }
  std::ifstream cases(argv[1]);
  std::string file, mode, interpolation, output;
  std::int64_t height = 0, width = 0;
  bool keep = false, exif = false;
  while (cases >> file >> mode >> height >> width >> interpolation >> keep >> exif >> output) {
    if (mode == "save") {
      utils::save_img(output, load_npy(file));
      continue;
    }
    utils::LoadImgOptions options = {
        .color_mode = mode, .interpolation = interpolation, .keep_aspect_ratio = keep, .exif_orientation = exif};
    if (height > 0) options.target_size = {height, width};
    save_npy(output, utils::img_to_array(utils::load_img(file, options)));
  }
}
