// write_events LOGDIR: writes event files that real TensorBoard is to read.
//   LOGDIR/train: "loss" 1/(step+1) and "accuracy" step/10 for steps 0..9, from a traced program
//   LOGDIR/test:  "val loss" for steps 0..4 with steps beyond 32 bits, eagerly, nan at the end
// Prints the paths of the files.
#include <strata/function.h>
#include <strata/summary.h>

#include <iostream>
#include <limits>

using namespace strata;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_events LOGDIR\n";
    return 2;
  }
  const std::string logdir = argv[1];
  const auto train = summary::create_file_writer(logdir + "/train");
  const auto test = summary::create_file_writer(logdir + "/test");

  auto step = function([&](const Tensor& n, const Tensor& loss, const Tensor& accuracy) {
    auto scope = train.as_default();
    summary::scalar("loss", loss, {.step = n});
    summary::scalar("accuracy", accuracy, {.step = n});
    return loss;
  });
  for (std::int64_t i = 0; i < 10; ++i)
    step(Tensor::from(std::vector<std::int64_t>{i}, {}), Tensor(1.0f / static_cast<float>(i + 1)),
         Tensor(static_cast<double>(i) / 10));

  auto scope = test.as_default();
  for (std::int64_t i = 0; i < 5; ++i)
    summary::scalar("val loss", i == 4 ? std::numeric_limits<double>::quiet_NaN() : 0.25 * static_cast<double>(i),
                    {.step = (std::int64_t{1} << 40) + i});
  test.flush();
  std::cout << train.path() << '\n' << test.path() << '\n';
}
