// The commands of the program `strata`. Each gives the exit status.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace strata::cli {

struct ShowOptions {
  bool config = false;  // the configuration as JSON
  int depth = 0;        // of groups that are listed one by one; 0: all
};
int show(std::ostream& out, const std::string& path, const ShowOptions& options);
int convert(std::ostream& out, const std::string& from, const std::string& to, bool weights_only);
// 0 where both hold the same, else 1.
int diff(std::ostream& out, const std::string& a, const std::string& b, double tolerance);
int predict(std::ostream& out, const std::string& model, const std::vector<std::string>& images,
            const std::vector<std::string>& classes, double scale);
// The script that completes commands and files in the shell.
int completion(std::ostream& out, const std::string& shell);

}  // namespace strata::cli
