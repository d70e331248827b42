#include "strata/checkpoint.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "strata/strata.h"

namespace strata {
namespace {

namespace fs = std::filesystem;
using namespace strata::layers;

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    utils::set_random_seed(1);
    std::string name = (fs::temp_directory_path() / "strata_checkpoint_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override {
    mixed_precision::set_global_policy("float32");
    fs::remove_all(folder_);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = cast(a, float64), y = cast(b, float64);
  return a.shape() == b.shape() && a.dtype() == b.dtype() && x.to_vector<double>() == y.to_vector<double>();
}

Model small_model() { return Sequential({Input({6}), Dense(8, {.activation = "relu"}), Dropout(0.3), Dense(3)}); }

// A training whose every step depends on weights, slots, dropout and the order of the data.
struct Training {
  Model model = small_model();
  optimizers::Adam optimizer{0.01};
  metrics::Mean mean;
  Variable step{constant(0, int64), {.trainable = false, .name = "step"}};
  Tensor x = random::normal({24, 6}, {.seed = 1}), y = random::normal({24, 3}, {.seed = 2});
  data::Dataset<Tensor, Tensor> dataset = data::from_tensor_slices(x, y).shuffle(24).batch(8);

  Checkpoint checkpoint() const {
    return Checkpoint({{"model", model},
                       {"optimizer", optimizer},
                       {"mean", mean},
                       {"step", step},
                       {"data", data::Orders()},
                       {"random", random::GlobalGenerator()}});
  }
  float epoch() {
    float last = 0;
    for (auto& [bx, by] : dataset) {
      GradientTape tape;
      const Tensor loss = reduce_mean(square(Tensor(model(bx, training = true)) - by));
      optimizer.apply_gradients(tape.gradient(loss, model.trainable_weights()), model.trainable_weights());
      mean.update_state(loss);
      step.assign_add(1);
      last = loss.item<float>();
    }
    return last;
  }
};

// capability: 6.11
TEST_F(CheckpointTest, ContinuesBitForBit) {
  for (const char* policy : {"float32", "mixed_float16"}) {
    mixed_precision::set_global_policy(policy);
    Training t;
    t.epoch();
    t.checkpoint().save(path("c"));
    std::vector<float> want, got;
    for (int i = 0; i < 3; ++i) want.push_back(t.epoch());
    const float mean = t.mean.result().item<float>();
    const Tensors weights = t.model.get_weights();
    const auto report = t.checkpoint().restore(path("c"));
    EXPECT_EQ(report.restored.size(), 6u);
    EXPECT_EQ(t.step.read().item<std::int64_t>(), 3);
    for (int i = 0; i < 3; ++i) got.push_back(t.epoch());
    EXPECT_EQ(got, want);
    EXPECT_EQ(t.mean.result().item<float>(), mean);
    for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_TRUE(same_bits(weights[i], t.model.get_weights()[i]));
  }
}

TEST_F(CheckpointTest, AFreshOptimizerGetsItsSlots) {
  mixed_precision::set_global_policy("mixed_float16");
  Training t;
  t.epoch();
  t.checkpoint().save(path("c"));
  Training other;
  const Checkpoint parts({{"model", other.model}, {"optimizer", other.optimizer}});
  EXPECT_NE(message([&] { parts.restore(path("c")); }).find("the Checkpoint lacks: 'mean', 'step'"), std::string::npos);
  const auto report = parts.restore(path("c"), {.partial = true});
  EXPECT_EQ(report.unexpected, (std::vector<std::string>{"mean", "step", "data", "random"}));
  const auto a = t.optimizer.variables(), b = other.optimizer.variables();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i].read(), b[i].read())) << a[i].name();
  EXPECT_EQ(other.optimizer.loss_scale().item<float>(), 32768.f);
}

TEST_F(CheckpointTest, ShardsAndEveryTypeComeBack) {
  Variables all;
  for (DType dtype : {float16, bfloat16, float32, float64, int32, int64, uint8})
    all.emplace_back(cast(random::uniform({7, 5}, {.maxval = 200, .seed = 5}), dtype));
  all.emplace_back(zeros({0, 3}));
  all.emplace_back(constant(3.f));
  Tensors before;
  for (const Variable& v : all) before.push_back(v.read());
  const Checkpoint checkpoint({{"all", all}});
  checkpoint.save(path("c"), {.shard_bytes = 200});
  EXPECT_TRUE(fs::exists(path("c/shard-00003.npz")));
  for (const Variable& v : all) v.assign(zeros(v.shape(), v.dtype()));
  checkpoint.restore(path("c"));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(same_bits(all[i].read(), before[i])) << i;
  checkpoint.save(path("c"));  // fewer shards than before
  EXPECT_FALSE(fs::exists(path("c/shard-00001.npz")));
}

TEST_F(CheckpointTest, SaysWhatDoesNotFitAndChangesNothing) {
  const Variable a(Tensor{1.f, 2.f}), b(Tensor{3.f});
  Checkpoint({{"a", a}, {"b", b}}).save(path("c"));
  const Variable wrong(Tensor{1.f, 2.f, 3.f});
  a.assign(Tensor{5.f, 5.f});
  EXPECT_NE(message([&] {
              Checkpoint({{"a", a}, {"b", wrong}}).restore(path("c"));
            }).find("shape (1,)"),
            std::string::npos);
  EXPECT_NE(message([&] {
              Checkpoint({{"a", a}, {"b", Variables{b, b}}}).restore(path("c"));
            }).find("has 1 tensors"),
            std::string::npos);
  EXPECT_EQ(a.read().to_vector<float>(), (std::vector<float>{5, 5}));
  EXPECT_THROW(Checkpoint({{"a", a}}).restore(path("nothing")), FileError);
  EXPECT_THROW(Checkpoint({{"a", a}, {"a", b}}), ValueError);
  EXPECT_THROW(Checkpoint({{"a/b", a}}), ValueError);
  EXPECT_NE(message([&] { Checkpoint({{"m", Dense(3)}}).save(path("d")); }).find("is not built"), std::string::npos);
}

TEST_F(CheckpointTest, EveryDamageIsFoundOrHarmless) {
  const Variable a(Tensor{1.f, 2.f});
  const Checkpoint checkpoint({{"a", a}});
  checkpoint.save(path("c"));
  const std::string file = path("c/shard-00000.npz");
  std::ifstream in(file, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  std::mt19937 random(3);
  for (int i = 0; i < 400; ++i) {
    std::string bytes = whole;
    if (i % 2 == 0)
      bytes.resize(random() % bytes.size());
    else
      bytes[random() % bytes.size()] ^= static_cast<char>(1 + random() % 255);
    std::ofstream(file, std::ios::binary) << bytes;
    a.assign(Tensor{9.f, 9.f});
    try {
      checkpoint.restore(path("c"));
    } catch (const Error&) {
      EXPECT_EQ(a.read().to_vector<float>()[0], 9.f);
      continue;
    }
    EXPECT_EQ(a.read().to_vector<float>(), (std::vector<float>{1, 2}));
  }
}

// capability: 6.11
TEST_F(CheckpointTest, TheManagerKeepsTheLastAndTheBest) {
  const Variable a(constant(0.f));
  const std::vector<double> losses = {5, 1, 3, 4, 2};
  {
    CheckpointManager manager(Checkpoint({{"a", a}}), path("run"), {.max_to_keep = 2, .monitor = "loss"});
    EXPECT_EQ(manager.restore_or_initialize(), "");
    for (std::size_t i = 0; i < losses.size(); ++i) {
      a.assign(static_cast<float>(i));
      manager.save({.values = {{"loss", losses[i]}}});
    }
    EXPECT_EQ(manager.checkpoints(),
              (std::vector<std::string>{path("run/ckpt-2"), path("run/ckpt-4"), path("run/ckpt-5")}));
    EXPECT_THROW(manager.save(), ValueError);
  }
  fs::create_directory(path("run/ckpt-6.tmp-1-0"));  // of a process that lives: it stays
  CheckpointManager manager(Checkpoint({{"a", a}}), path("run"), {.max_to_keep = 2, .monitor = "loss"});
  a.assign(-1.f);
  EXPECT_EQ(manager.restore_or_initialize(), path("run/ckpt-5"));
  EXPECT_EQ(a.read().item<float>(), 4.f);
  EXPECT_EQ(manager.restore_best(), path("run/ckpt-2"));
  EXPECT_EQ(a.read().item<float>(), 1.f);
  std::ofstream(path("run/ckpt-5/shard-00000.npz")) << "damaged";
  EXPECT_EQ(manager.restore_or_initialize(), path("run/ckpt-4"));
  EXPECT_FALSE(fs::exists(path("run/ckpt-3")));
  EXPECT_TRUE(fs::exists(path("run/ckpt-6.tmp-1-0")));
}

TEST_F(CheckpointTest, TheManagerChecksItsOptions) {
  const Checkpoint checkpoint({{"a", Variable(constant(0.f))}});
  EXPECT_THROW(CheckpointManager(checkpoint, path("r"), {.max_to_keep = -1}), ValueError);
  EXPECT_THROW(CheckpointManager(checkpoint, path("r"), {.mode = "best"}), ValueError);
  EXPECT_THROW(CheckpointManager(checkpoint, path("r"), {.checkpoint_name = "a/b"}), ValueError);
  CheckpointManager manager(checkpoint, path("r"));
  EXPECT_THROW(manager.restore_best(), ValueError);
}

TEST_F(CheckpointTest, OldOnesStayByTime) {
  CheckpointManager manager(Checkpoint({{"a", Variable(constant(0.f))}}), path("r"),
                            {.max_to_keep = 1, .keep_checkpoint_every_n_hours = 0});
  for (int i = 0; i < 3; ++i) manager.save();
  EXPECT_EQ(manager.checkpoints().size(), 3u);
}

TEST_F(CheckpointTest, AsynchronousSavesHaveTheValuesOfTheirMoment) {
  const Variable a(random::normal({1000, 100}, {.seed = 1}));
  const Tensor before = a.read().copy();
  CheckpointManager manager(Checkpoint({{"a", a}}), path("run"), {.asynchronous = true});
  manager.save();
  for (int i = 0; i < 20; ++i) a.assign_add(1.f);  // while it is written
  manager.wait();
  manager.restore_or_initialize();
  EXPECT_TRUE(same_bits(a.read(), before));
  fs::permissions(path("run"), fs::perms::owner_read | fs::perms::owner_exec);
  if (geteuid() != 0) {
    manager.save();
    EXPECT_THROW(manager.wait(), FileError);
  }
  fs::permissions(path("run"), fs::perms::owner_all);
}

// Saves over and over, killed at random moments: what is there is whole.
void kill_savers(const std::string& folder, int times) {
  std::mt19937 random(11);
  const Variable a(zeros({64, 256})), b(zeros({300}));
  const Checkpoint checkpoint({{"a", a}, {"b", b}});
  checkpoint.save(folder);
  for (int i = 0; i < times; ++i) {
    const pid_t child = fork();
    if (child == 0)
      for (float n = 1;; ++n) {
        a.assign(full({64, 256}, n));
        b.assign(full({300}, n));
        checkpoint.save(folder, {.shard_bytes = 1 << 14});
      }
    usleep(static_cast<useconds_t>(random() % 20000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    checkpoint.restore(folder);
    const float n = b.read().to_vector<float>()[0];
    ASSERT_TRUE(same_bits(a.read(), full({64, 256}, n)));
    ASSERT_TRUE(same_bits(b.read(), full({300}, n)));
  }
}

TEST_F(CheckpointTest, AKillLeavesAWholeCheckpoint) { kill_savers(path("c"), 4); }
TEST_F(CheckpointTest, LongFiftyKillsLeaveAWholeCheckpoint) { kill_savers(path("c"), 50); }

TEST_F(CheckpointTest, AFullDiskLeavesTheOldOne) {
  const Variable a(zeros({100, 1000}));
  const Checkpoint checkpoint({{"a", a}});
  checkpoint.save(path("c"));
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 16, 1 << 16};
    setrlimit(RLIMIT_FSIZE, &limit);
    const bool failed = !message([&] { checkpoint.save(path("c")); }).empty();
    _exit(failed ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
  checkpoint.restore(path("c"));
}

}  // namespace
}  // namespace strata
