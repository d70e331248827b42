#include "kernels/threads.h"

#include <omp.h>

#include <atomic>
#include <cstdlib>

#include "strata/error.h"
#include "strata/utils.h"

namespace strata {
namespace kernels {
namespace {

struct Setting {
  std::atomic<int> threads{0}, generation{0};
  Setting() {
    const char* text = std::getenv("STRATA_NUM_THREADS");
    if (text == nullptr || *text == '\0') return;
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end != '\0' || n < 1 || n > 4096)
      throw ValueError("STRATA_NUM_THREADS is '" + std::string(text) + "'. Expected a positive number of threads.");
    threads = static_cast<int>(n);
    generation = 1;
  }
};
Setting& setting() {
  static Setting only;
  return only;
}

thread_local int adopted = 0;  // the generation
thread_local bool in_background = false;

}  // namespace

void adopt_num_threads() {
  const int generation = setting().generation.load(std::memory_order_acquire);
  if (generation == adopted || in_background) return;
  adopted = generation;
  omp_set_num_threads(setting().threads.load(std::memory_order_relaxed));
}

void become_background_thread() {
  in_background = true;
  omp_set_num_threads(1);
}

void set_num_threads(int n) {
  setting().threads.store(n, std::memory_order_relaxed);
  setting().generation.fetch_add(1, std::memory_order_release);
  adopt_num_threads();
}

}  // namespace kernels

void utils::set_num_threads(int n) {
  if (n < 1)
    throw ValueError("utils::set_num_threads: received " + std::to_string(n) +
                     ". Expected a positive number of threads.");
  kernels::set_num_threads(n);
}

int utils::get_num_threads() {
  kernels::adopt_num_threads();
  return omp_get_max_threads();
}

}  // namespace strata
