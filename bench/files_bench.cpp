// Saving and loading of weights, beside a copy of a file of the same size. STRATA_BENCH_MIB sets the size (256).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "strata/strata.h"

namespace {

using namespace strata;
using namespace strata::layers;
namespace fs = std::filesystem;

std::int64_t mebibytes() {
  const char* text = std::getenv("STRATA_BENCH_MIB");
  return text == nullptr ? 256 : std::atoll(text);
}

std::string path(const char* name) {
  static const fs::path folder = [] {
    std::string pattern = (fs::temp_directory_path() / "strata_files_bench_XXXXXX").string();
    const fs::path made = mkdtemp(pattern.data());
    std::atexit([] { fs::remove_all(path("")); });
    return made;
  }();
  return (folder / name).string();
}

// 16 layers.
const Sequential& model() {
  static const Sequential made = [] {
    const std::int64_t units = mebibytes() * 1024 * 1024 / 16 / 4 / 4096;
    Sequential m({Input({4096})});
    for (int i = 0; i < 8; ++i) {
      m.add(Dense(static_cast<int>(units), {.kernel_initializer = "ones"}));
      m.add(Dense(4096, {.kernel_initializer = "ones"}));
    }
    return m;
  }();
  return made;
}

// As `cp` and `sync` of the copy do it.
void copy_of_a_file(benchmark::State& state) {
  model().save_weights(path("copied.npz"));
  for (auto _ : state) {
    fs::remove(path("copy"));
    fs::copy_file(path("copied.npz"), path("copy"));
    const int file = open(path("copy").c_str(), O_RDONLY);
    (void)fsync(file);
    close(file);
  }
}

template <class F>
void save(benchmark::State& state, F f) {
  for (auto _ : state) f();
}

void register_all() {
  static const char* names[] = {"net.npz", "net.h5", "net.weights.h5", "whole.keras", "net"};
  auto add = [](const std::string& name, auto f) {
    benchmark::RegisterBenchmark(name.c_str(), [f](benchmark::State& s) { save(s, f); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->MinTime(0.5);
  };
  benchmark::RegisterBenchmark("copy", copy_of_a_file)->Unit(benchmark::kMillisecond)->UseRealTime()->MinTime(0.5);
  for (const char* name : names) {
    const bool whole = std::string(name) == "whole.keras" || std::string(name) == "net";
    add(std::string("save/") + name, [=] { whole ? model().save(path(name)) : model().save_weights(path(name)); });
    add(std::string("load/") + name, [=] {
      if (whole)
        benchmark::DoNotOptimize(load_model(path(name)));
      else
        model().load_weights(path(name));
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  register_all();
  benchmark::RunSpecifiedBenchmarks();
}
