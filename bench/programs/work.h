// What bench/run starts and speaks to: a process that prepares one piece of work and runs it on command.
//
//   strata_bench WORK [NAME=VALUE]...
//
// When the work is prepared it prints "@ready". Then, for each line read, it answers with one line of JSON after "@":
//   once           runs the work once: {"seconds": of that run}
//   time SECONDS   runs it so long, at least once: {"seconds": the median run, "runs": how many}
//   peak           {"megabytes": the largest resident memory so far}
// The peers' scripts, peers/*.py, speak the same.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace bench {

class Options {
 public:
  explicit Options(std::map<std::string, std::string> values) : values_(std::move(values)) {}
  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto i = values_.find(name);
    return i == values_.end() ? otherwise : i->second;
  }
  long number(const std::string& name, long otherwise) const {
    const auto i = values_.find(name);
    return i == values_.end() ? otherwise : std::stol(i->second);
  }

 private:
  std::map<std::string, std::string> values_;
};

using Run = std::function<void()>;
/// Does what is not timed, and returns what is.
using Prepare = std::function<Run(const Options&)>;
using Works = std::map<std::string, Prepare>;

// Each file of this folder adds its works.
void add_steps(Works& works);
void add_inference(Works& works);
void add_data(Works& works);
void add_loops(Works& works);

}  // namespace bench
