// write_until_killed LOGDIR exit|crash|wait: writes 1000 scalars that the writer's thread has no time to bring to the
// disk, then ends without closing: by exit(), by abort(), or when a signal comes (it prints "ready" first).
#include <strata/summary.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

using namespace strata;

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: write_until_killed LOGDIR exit|crash|wait\n";
    return 2;
  }
  const std::string end = argv[2];
  auto* writer = new summary::SummaryWriter(summary::create_file_writer(argv[1], {.flush_seconds = 3600}));
  auto scope = writer->as_default();
  for (int i = 0; i < 1000; ++i) summary::scalar("x", static_cast<float>(i), {.step = i});
  if (end == "exit") std::exit(0);
  if (end == "crash") std::abort();
  std::cout << "ready" << std::endl;
  while (true) pause();
}
