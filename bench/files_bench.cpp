// Saving and loading of weights, beside a copy of a file of the same size. STRATA_BENCH_MIB sets the size (256).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "strata/strata.h"

namespace {

using namespace strata;
using namespace strata::layers;
namespace fs = std::filesystem;

std::int64_t mebibytes() {
  const char* text = std::getenv("STRATA_BENCH_MIB");
  return text == nullptr ? 256 : std::atoll(text);
}

std::string path(const std::string& name) {
  static const struct Folder {
    Folder() {
      std::string pattern = (fs::temp_directory_path() / "strata_files_bench_XXXXXX").string();
      path = mkdtemp(pattern.data());
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
  } folder;
  return (folder.path / name).string();
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

// A virtual machine may have given its free memory back to the host, and whoever touches it first then waits several
// times as long as a copy takes. So all memory that a run needs is touched before it.
void touch_memory() {
  const std::size_t bytes = static_cast<std::size_t>(mebibytes()) * 3 << 20;
  const std::unique_ptr<char[]> memory(new char[bytes]);
  for (std::size_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(memory.get())[i] = 1;
}

template <class F>
void time_it(benchmark::State& state, F f) {
  for (auto _ : state) {
    state.PauseTiming();
    touch_memory();
    state.ResumeTiming();
    f();
  }
}

// As `cp` does it, and as `cp` and `sync` of the copy.
void copy_a_file(bool wait) {
  fs::remove(path("copy"));
  fs::copy_file(path("net.npz"), path("copy"));
  if (!wait) return;
  const int file = open(path("copy").c_str(), O_RDONLY);
  (void)fsync(file);
  close(file);
}

bool holds_the_program(const std::string& name) { return name == "whole.keras" || name == "net"; }

void save(const std::string& name) {
  if (holds_the_program(name))
    model().save(path(name));
  else
    model().save_weights(path(name));
}

void load(const std::string& name) {
  if (holds_the_program(name))
    benchmark::DoNotOptimize(load_model(path(name)));
  else
    model().load_weights(path(name));
}

void register_all() {
  auto add = [](const std::string& name, auto f) {
    benchmark::RegisterBenchmark(name.c_str(), [f](benchmark::State& s) { time_it(s, f); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->Iterations(1);
  };
  add("copy", [] { copy_a_file(false); });
  add("copy and sync", [] { copy_a_file(true); });
  for (const std::string name : {"net.npz", "net.h5", "net.weights.h5", "whole.keras", "net"}) {
    save(name);
    add("save/" + name, [=] { save(name); });
    add("load/" + name, [=] { load(name); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  register_all();
  benchmark::RunSpecifiedBenchmarks();
}
