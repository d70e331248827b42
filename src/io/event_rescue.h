// The event files that are open, so that none loses events when the process exits, crashes or is told to end.
#pragma once

namespace strata::summary::detail {

class EventFile;

// Adds a file. The first one asks to be told of the exit, and of signals that end the process and that nobody else
// listens to: their default still happens after the files are written.
void watch_over(EventFile* file);
// Removes it; waits while a signal handler is at work.
void release(EventFile* file);

// While it lives, the signals that end a process wait on this thread.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  alignas(8) unsigned char mask_[128];  // a sigset_t
};

}  // namespace strata::summary::detail
