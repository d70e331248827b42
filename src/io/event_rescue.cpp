#include "io/event_rescue.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "io/event_file.h"

namespace strata::summary::detail {

namespace {

// A fixed array of atomics: a signal handler may read it at any moment.
std::array<std::atomic<EventFile*>, 1024> files{};
std::atomic<int> rescuers{0};

constexpr std::array kEnding = {SIGTERM, SIGINT, SIGHUP};
constexpr std::array kCrash = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

void rescue_all() noexcept {
  ++rescuers;
  for (auto& slot : files)
    if (EventFile* file = slot.load()) file->rescue();
  --rescuers;
}

// The disposition is the default again when it is called (SA_RESETHAND): what would have happened, happens.
void on_signal(int signal) {
  rescue_all();
  for (int s : kEnding)
    if (s == signal) raise(signal);
  if (signal == SIGABRT) raise(signal);
  // After a fault the instruction runs again, faults again, and ends the process at the right place.
}

void listen() {
  std::atexit([] { rescue_all(); });
  const auto take = [](int signal) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
    struct sigaction ours {};
    ours.sa_handler = &on_signal;
    ours.sa_flags = SA_RESETHAND | SA_NODEFER;
    sigemptyset(&ours.sa_mask);
    sigaction(signal, &ours, nullptr);
  };
  for (int s : kEnding) take(s);
  for (int s : kCrash) take(s);
}

}  // namespace

void watch_over(EventFile* file) {
  static std::once_flag once;
  std::call_once(once, &listen);
  for (auto& slot : files) {
    EventFile* none = nullptr;
    if (slot.compare_exchange_strong(none, file)) return;
  }
}

void release(EventFile* file) {
  for (auto& slot : files) {
    EventFile* expected = file;
    slot.compare_exchange_strong(expected, nullptr);
  }
  while (rescuers.load() > 0) std::this_thread::yield();
}

SignalsHeld::SignalsHeld() {
  static_assert(sizeof(sigset_t) <= sizeof(mask_));
  sigset_t ending;
  sigemptyset(&ending);
  for (int s : kEnding) sigaddset(&ending, s);
  auto* outer = new (mask_) sigset_t;
  pthread_sigmask(SIG_BLOCK, &ending, outer);
}
SignalsHeld::~SignalsHeld() { pthread_sigmask(SIG_SETMASK, reinterpret_cast<sigset_t*>(mask_), nullptr); }

}  // namespace strata::summary::detail
