// Trainings that are killed and started again, in processes of their own: this program, run on one disabled test.
#include "strata/backup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "strata/strata.h"

namespace strata {
namespace {

namespace fs = std::filesystem;
using namespace strata::layers;

// Writes each step's and epoch's values with all their bits, and takes its time, so that a kill falls between.
struct Log : callbacks::Callback {
  explicit Log(std::string path) : path(std::move(path)) {}
  void on_epoch_begin(int number, const Logs&) override { epoch = number; }
  void on_train_batch_end(int batch, const Logs& logs) override {
    write(std::to_string(epoch) + "." + std::to_string(batch), logs);
    usleep(2000);
  }
  void on_epoch_end(int number, const Logs& logs) override { write(std::to_string(number) + ".end", logs); }
  void write(const std::string& key, const Logs& logs) const {
    std::string line = key;
    for (const auto& [name, value] : logs.entries()) {
      char text[64];
      std::snprintf(text, sizeof text, " %s=%a", name.c_str(), value.item<double>());
      line += text;
    }
    line += '\n';
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (::write(file, line.data(), line.size()) < 0) std::abort();
    close(file);
  }
  std::string path;
  int epoch = 0;
};

TEST(BackupWorker, DISABLED_Trains) {
  const char* folder = std::getenv("STRATA_TEST_FOLDER");
  const char* frequency = std::getenv("STRATA_TEST_FREQUENCY");
  ASSERT_NE(folder, nullptr);
  const char* steps = std::getenv("STRATA_TEST_STEPS");
  ASSERT_NE(frequency, nullptr);
  ASSERT_NE(steps, nullptr);
  utils::set_random_seed(5);
  const Tensor x = random::normal({40, 6}), y = reduce_sum(x, 1, {.keepdims = true});
  const Sequential model({Input({6}), Dense(12, {.activation = "relu"}), BatchNormalization(), Dropout(0.4), Dense(1)});
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "mse", .metrics = {"mae"}});
  callbacks::BackupAndRestoreOptions options{.delete_checkpoint = false};
  if (const int n = std::atoi(frequency); n > 0) options.save_freq = n;
  std::optional<std::int64_t> steps_per_epoch;
  if (const int n = std::atoi(steps); n > 0) steps_per_epoch = n;
  model.fit(x, y,
            {.batch_size = 4,
             .epochs = 5,
             .verbose = 0,
             // The log comes first: what is in a backup has been written down, whenever the kill comes.
             .callbacks = {Log(std::string(folder) + "/log"),
                           callbacks::BackupAndRestore(std::string(folder) + "/backup", options)},
             .validation_data = {x, y},
             .steps_per_epoch = steps_per_epoch});
}

class Backup : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "strata_backup_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs the training, killed after so many microseconds (never where negative); whether it ended by itself.
  bool run(const fs::path& folder, int frequency, int microseconds) const {
    fs::create_directories(folder);
    const std::string folder_variable = "STRATA_TEST_FOLDER=" + folder.string();
    const std::string frequency_variable = "STRATA_TEST_FREQUENCY=" + std::to_string(frequency);
    const std::string steps_variable = "STRATA_TEST_STEPS=" + std::to_string(steps_per_epoch_);
    const pid_t child = fork();
    if (child == 0) {
      putenv(const_cast<char*>(folder_variable.c_str()));
      putenv(const_cast<char*>(frequency_variable.c_str()));
      putenv(const_cast<char*>(steps_variable.c_str()));
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, 1);
      execl("/proc/self/exe", "worker", "--gtest_also_run_disabled_tests",
            "--gtest_filter=BackupWorker.DISABLED_Trains", static_cast<char*>(nullptr));
      _exit(9);
    }
    if (microseconds >= 0) {
      usleep(static_cast<useconds_t>(microseconds));
      kill(child, SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "the training failed";
    return !WIFSIGNALED(status);
  }

  using Curve = std::map<std::string, std::string>;
  // The lines by step; a step that was done twice must have had the same values.
  static Curve curve(const fs::path& folder) {
    Curve out;
    std::ifstream in(folder / "log");
    std::string key, values;
    while (in >> key && std::getline(in, values)) {
      const auto [it, is_new] = out.emplace(key, values);
      EXPECT_EQ(it->second, values) << "step " << key << " was done again with another result";
    }
    return out;
  }

  void resume(int frequency, int kills) {
    ASSERT_TRUE(run(folder_ / "whole", frequency, -1));
    const Curve want = curve(folder_ / "whole");
    ASSERT_EQ(want.size(), lines_);
    std::mt19937 random(static_cast<unsigned>(frequency + 3));
    bool ended = false;
    for (int i = 0; i < kills && !ended; ++i) {
      ended = run(folder_ / "killed", frequency, 40000 + static_cast<int>(random() % 120000));
      if (ended) break;
    }
    if (!ended) {
      ASSERT_TRUE(run(folder_ / "killed", frequency, -1));
    }
    EXPECT_EQ(curve(folder_ / "killed"), want);
  }
  fs::path folder_;
  int steps_per_epoch_ = 0;
  std::size_t lines_ = 55;
};

TEST_F(Backup, AKilledFitGoesOnBitForBit) { resume(3, 2); }
TEST_F(Backup, AKilledFitGoesOnFromTheEpoch) { resume(0, 2); }
// A pass over the data has ten batches: epochs of four begin where the one before ended, and the third one is cut
// short.
TEST_F(Backup, APassOverSeveralEpochsGoesOn) {
  steps_per_epoch_ = 4;
  lines_ = 4 + 4 + 2 + 4 + 4 + 5;
  resume(3, 2);
  fs::remove_all(folder_ / "whole");
  fs::remove_all(folder_ / "killed");
  resume(0, 2);
}
TEST_F(Backup, LongTwentyKillsChangeNothing) {
  for (int i = 0; i < 5; ++i) {
    resume(i, 4);
    fs::remove_all(folder_ / "whole");
    fs::remove_all(folder_ / "killed");
  }
}

TEST_F(Backup, ADamagedBackupGivesWayToTheOneBefore) {
  const std::string path = (folder_ / "b").string();
  const Sequential model({Input({2}), Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = ones({8, 2}), y = ones({8, 1});
  const callbacks::BackupAndRestoreOptions options{.double_checkpoint = true, .delete_checkpoint = false};
  model.fit(x, y, {.epochs = 2, .verbose = 0, .callbacks = {callbacks::BackupAndRestore(path, options)}});
  std::ofstream(path + "/latest/shard-00000.npz") << "damaged";
  const auto history =
      model.fit(x, y, {.epochs = 3, .verbose = 0, .callbacks = {callbacks::BackupAndRestore(path, options)}});
  EXPECT_EQ(history.epoch, (std::vector<int>{1, 2}));
  std::ofstream(path + "/latest/shard-00000.npz") << "damaged";
  std::ofstream(path + "/previous/shard-00000.npz") << "damaged";
  EXPECT_THROW(model.fit(x, y, {.epochs = 3, .verbose = 0, .callbacks = {callbacks::BackupAndRestore(path, options)}}),
               FileError);
}

TEST_F(Backup, TheBackupGoesWhenTrainingEnds) {
  const std::string path = (folder_ / "b").string();
  const Sequential model({Input({2}), Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(ones({8, 2}), ones({8, 1}), {.verbose = 0, .callbacks = {callbacks::BackupAndRestore(path)}});
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Backup, ChecksItsArgumentsAndTheModel) {
  EXPECT_THROW(callbacks::BackupAndRestore(""), ValueError);
  EXPECT_THROW(callbacks::BackupAndRestore("b", {.save_freq = 0}), ValueError);
  const Sequential model({Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_THROW(model.fit(ones({8, 2}), ones({8, 1}),
                         {.verbose = 0, .callbacks = {callbacks::BackupAndRestore((folder_ / "b").string())}}),
               ValueError);
}

}  // namespace
}  // namespace strata
