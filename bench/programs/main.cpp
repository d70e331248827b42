#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <vector>

#include "work.h"

namespace {

using Clock = std::chrono::steady_clock;

double run_once(const bench::Run& run) {
  const auto start = Clock::now();
  run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string run_for(const bench::Run& run, double seconds) {
  std::vector<double> times;
  for (const auto start = Clock::now(); std::chrono::duration<double>(Clock::now() - start).count() < seconds;)
    times.push_back(run_once(run));
  if (times.empty()) times.push_back(run_once(run));
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  std::ostringstream out;
  out << "{\"seconds\": " << *middle << ", \"runs\": " << times.size() << "}";
  return out.str();
}

std::string peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return "{\"megabytes\": " + std::to_string(static_cast<double>(usage.ru_maxrss) / 1000) + "}";
}

void serve(const bench::Run& run) {
  std::cout << "@ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    double seconds = 0;
    words >> command >> seconds;
    if (command == "once")
      std::cout << "@{\"seconds\": " << run_once(run) << ", \"runs\": 1}" << std::endl;
    else if (command == "time")
      std::cout << '@' << run_for(run, seconds) << std::endl;
    else if (command == "peak")
      std::cout << '@' << peak_memory() << std::endl;
    else
      throw std::invalid_argument("unknown command '" + command + "': once, time SECONDS or peak");
  }
}

bench::Options read_options(int argc, char** argv) {
  std::map<std::string, std::string> values;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const auto at = word.find('=');
    if (at == std::string::npos) throw std::invalid_argument("options are NAME=VALUE, not '" + word + "'");
    values[word.substr(0, at)] = word.substr(at + 1);
  }
  return bench::Options(std::move(values));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Works works;
  bench::add_steps(works);
  bench::add_inference(works);
  bench::add_data(works);
  bench::add_loops(works);
  const auto work = works.find(argc > 1 ? argv[1] : "");
  if (work == works.end()) {
    std::cerr << "strata_bench WORK [NAME=VALUE]...; works:";
    for (const auto& [name, prepare] : works) std::cerr << ' ' << name;
    std::cerr << '\n';
    return 2;
  }
  try {
    serve(work->second(read_options(argc, argv)));
  } catch (const std::exception& e) {
    std::cerr << "strata_bench " << work->first << ": " << e.what() << '\n';
    return 1;
  }
  return 0;
}
