/// \file
/// Event files without TensorBoard: read, drawn in the terminal, and as one page of HTML.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/export.h"

namespace strata::board {

struct Point {
  std::int64_t step = 0;
  double wall_time = 0, value = 0;
};
struct Curve {
  std::string run;  ///< the folder below the logs, "train"
  std::string tag;
  std::vector<Point> points;  ///< in the order of the file
};
/// The scalars of all event files below a folder, sorted by tag and run. A file that is being written is read as far as
/// it is whole; a damaged one, up to the damage. Throws FileError where the folder is not there or holds no event file.
STRATA_API std::vector<Curve> read_scalars(const std::string& logdir);

struct DrawOptions {
  std::string filter = {};      ///< tags that contain this text alone
  int width = 72, height = 12;  ///< characters of each frame
  bool color = false;           ///< ANSI colours, for terminals
};
/// Each tag as a frame of text with the curves of its runs, and the last value of each.
STRATA_API std::string draw(const std::string& logdir, const DrawOptions& options = {});
/// One page that needs nothing else: the same curves as SVG, and a table of last values.
STRATA_API void write_html(const std::string& logdir, const std::string& path, const DrawOptions& options = {});
/// Draws again every `seconds` until the process is stopped, or `times` have passed; 0 is without end.
STRATA_API void follow(const std::string& logdir, const DrawOptions& options = {}, double seconds = 2, int times = 0);
/// The command `strata board LOGDIR [--follow] [--html FILE] [--filter TEXT]`: the exit status.
STRATA_API int main(const std::vector<std::string>& arguments);

}  // namespace strata::board
