// Saving that is killed, or for which there is no room: under the name is the old file or the new one, whole.
#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <random>

#include "strata/strata.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using namespace layers;

constexpr int kNotAllowed = 77;

struct Format {
  const char* name;
  const char* file;
  void (*save)(const Model& model, const std::string& path);
  std::vector<Tensor> (*load)(const std::string& path);  // the weights
};

std::vector<Tensor> weights_of(const Model& model) { return model.get_weights(); }

Sequential model_of(int units) { return Sequential({Input({8}), Dense(units), Dense(4)}); }

const Format kFormats[] = {
    {"h5", "m.h5", [](const Model& m, const std::string& p) { m.save(p); },
     [](const std::string& p) { return weights_of(load_model(p)); }},
    {"keras", "m.keras", [](const Model& m, const std::string& p) { m.save(p); },
     [](const std::string& p) { return weights_of(load_model(p)); }},
    {"weights", "m.weights.h5", [](const Model& m, const std::string& p) { m.save_weights(p); },
     [](const std::string& p) {
       const Model m = model_of(32);
       m.load_weights(p);
       return weights_of(m);
     }},
    {"saved_model", "net", [](const Model& m, const std::string& p) { m.save(p); },
     [](const std::string& p) { return weights_of(load_model(p)); }},
    {"onnx", "m.onnx", [](const Model& m, const std::string& p) { onnx::save(m, p); },
     [](const std::string& p) { return weights_of(onnx::load(p)); }},
    {"checkpoint", "c",
     [](const Model& m, const std::string& p) {
       Checkpoint({{"model", m}}).save(p);
     },
     [](const std::string& p) {
       const Model m = model_of(32);
       Checkpoint({{"model", m}}).restore(p);
       return weights_of(m);
     }},
    {"npz", "m.npz", [](const Model& m, const std::string& p) { m.save_weights(p); },
     [](const std::string& p) {
       const Model m = model_of(32);
       m.load_weights(p);
       return weights_of(m);
     }},
};

std::ostream& operator<<(std::ostream& out, const Format& f) { return out << f.name; }

// All work with strata is done in children, which have one thread: those of a parent are gone after fork().
template <class F>
pid_t start(F f) {
  const pid_t child = fork();
  if (child != 0) return child;
  omp_set_num_threads(1);
  try {
    f();
  } catch (const std::exception& e) {
    fprintf(stderr, "%s\n", e.what());
    _exit(99);
  }
  _exit(0);
}
template <class F>
int in_child(F f) {
  int status = 0;
  waitpid(start(f), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

class AtomicSaving : public testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "strata_saving_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / GetParam().file).string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void fill_and_save(const Model& model, float value, const std::string& path) {
    for (const Variable& w : model.weights()) w.assign(full(w.shape(), value));
    GetParam().save(model, path);
  }
  // Whether every weight of the file has the same value, and which.
  static bool is_whole(const std::string& path, float& value) {
    const std::vector<Tensor> weights = GetParam().load(path);
    value = weights.at(0).to_vector<float>().at(0);
    for (const Tensor& w : weights)
      for (const float v : w.to_vector<float>())
        if (v != value) return false;
    return weights.size() == 4;
  }
  void kill_savers(int times) {
    std::mt19937 random(23);
    ASSERT_EQ(in_child([&] { fill_and_save(model_of(32), 1, path_); }), 0);
    for (int i = 0; i < times; ++i) {
      int ready[2];
      ASSERT_EQ(pipe(ready), 0);
      const pid_t child = start([&] {
        const Model model = model_of(32);
        fill_and_save(model, 2, path_);
        if (write(ready[1], "x", 1) != 1) _exit(98);
        for (float n = 3;; ++n) fill_and_save(model, n, path_);
      });
      char byte = 0;
      ASSERT_EQ(read(ready[0], &byte, 1), 1);
      usleep(static_cast<useconds_t>(random() % 8000));
      kill(child, SIGKILL);
      int status = 0;
      waitpid(child, &status, 0);
      close(ready[0]);
      close(ready[1]);
      ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
      ASSERT_EQ(in_child([&] {
                  float value = 0;
                  _exit(is_whole(path_, value) && value >= 2 ? 0 : 1);
                }),
                0)
          << "after kill " << i;
    }
  }
  // In a child: an old file, a new one for which there is no room, the old one again.
  static void expect_old_one_stays(const std::string& path) {
    bool failed = false;
    try {
      fill_and_save(model_of(100'000), 2, path);  // 5 MB
    } catch (const FileError&) {
      failed = true;
    }
    float value = 0;
    if (!failed) _exit(1);
    if (!is_whole(path, value) || value != 1) _exit(2);
    const fs::path folder = fs::path(path).parent_path();
    if (std::distance(fs::directory_iterator(folder), fs::directory_iterator()) != 1) _exit(3);
  }
  fs::path folder_;
  std::string path_;
};

TEST_P(AtomicSaving, KillsLeaveAWholeFile) { kill_savers(2); }
TEST_P(AtomicSaving, LongFiftyKillsLeaveAWholeFile) { kill_savers(50); }

TEST_P(AtomicSaving, AFullDiskLeavesTheOldFile) {
  // A limit on the size of files fails a write in the middle, as a full disk does.
  EXPECT_EQ(in_child([&] {
              fill_and_save(model_of(32), 1, path_);
              signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{1 << 20, 1 << 20};
              setrlimit(RLIMIT_FSIZE, &limit);
              expect_old_one_stays(path_);
              exit(0);  // and the libraries end in order
            }),
            0);
  // On a disk of 1 MiB, where the machine lets one be mounted.
  const int status = in_child([&] {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(kNotAllowed);
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=1m") != 0) _exit(kNotAllowed);
    fill_and_save(model_of(32), 1, path_);
    expect_old_one_stays(path_);
    fill_and_save(model_of(32), 3, path_);  // there is room again
    float value = 0;
    _exit(is_whole(path_, value) && value == 3 ? 0 : 4);
  });
  EXPECT_TRUE(status == 0 || status == kNotAllowed) << status;
  if (status == kNotAllowed) RecordProperty("disk", "not mounted: no permission");
}

INSTANTIATE_TEST_SUITE_P(Formats, AtomicSaving, testing::ValuesIn(kFormats),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace strata::test
