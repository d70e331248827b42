#include "core/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "strata/error.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

class Atomic : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "strata_atomic_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::string& path, const std::string& bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

void put_folder(const std::string& path, char letter, std::size_t bytes) {
  AtomicFolder folder(path, {"a", "deep"});
  put(folder.path("a"), std::string(bytes, letter));
  put(folder.path("deep/b"), std::string(bytes, letter));
  folder.commit();
}

// The status with which a child process ends that runs f.
template <class F>
int in_child(F f) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      f();
    } catch (...) {
      _exit(99);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Runs f over and over in a process that is killed at a random moment.
template <class F>
void kill_within(int most_microseconds, std::mt19937& random, F f) {
  const pid_t child = fork();
  if (child == 0)
    for (int i = 0;; ++i) f(i);
  usleep(static_cast<useconds_t>(std::uniform_int_distribution<int>(0, most_microseconds)(random)));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
}

TEST_F(Atomic, WithoutCommitNothingChanges) {
  put(path("x"), "old");
  {
    AtomicFile file(path("x"));
    file.write("new", 3);
  }
  {
    AtomicFolder folder(path("net"));
    put(folder.path("deep/a"), "new");
  }
  EXPECT_EQ(contents(path("x")), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Atomic, AFolderReplacesItsOwnFilesAndKeepsTheUsers) {
  put_folder(path("net"), 'x', 3);
  put(path("net/stale_shard"), "user's");
  put(path("net/deep/stale"), "owned by the writer");
  fs::create_directories(path("net/mine"));
  put(path("net/mine/notes"), "kept");
  put_folder(path("net/"), 'y', 4);
  EXPECT_EQ(contents(path("net/a")), "yyyy");
  EXPECT_EQ(contents(path("net/deep/b")), "yyyy");
  EXPECT_FALSE(fs::exists(path("net/deep/stale")));
  EXPECT_EQ(contents(path("net/stale_shard")), "user's");
  EXPECT_EQ(contents(path("net/mine/notes")), "kept");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Atomic, AFolderSaysWhereItCannotBe) {
  put(path("file"), "x");
  EXPECT_THROW(AtomicFolder(path("file")), FileError);
  EXPECT_THROW(AtomicFolder(path("no/such/net")), FileError);
  EXPECT_EQ(contents(path("file")), "x");
}

// A limit on the size of files fails a write in the middle, as a full disk does.
TEST_F(Atomic, AWriteThatFailsLeavesTheOldFile) {
  put(path("x"), "old");
  put_folder(path("net"), 'o', 3);
  EXPECT_EQ(in_child([&] {
              signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{1 << 16, 1 << 16};
              setrlimit(RLIMIT_FSIZE, &limit);
              int failed = 0;
              try {
                put(path("x"), std::string(1 << 20, 'n'));
              } catch (const FileError& e) {
                failed += std::string(e.what()).find("/x") != std::string::npos;
              }
              try {
                put_folder(path("net"), 'n', 1 << 20);
              } catch (const FileError&) {
                ++failed;
              }
              _exit(failed);
            }),
            2);
  EXPECT_EQ(contents(path("x")), "old");
  EXPECT_EQ(contents(path("net/a")), "ooo");
  EXPECT_EQ(entries(), 2u);
}

// On a disk of 1 MiB where the machine lets one be mounted; the limit above covers the rest.
TEST_F(Atomic, AFullDiskLeavesTheOldFile) {
  constexpr int kNotAllowed = 77;
  const int status = in_child([&] {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(kNotAllowed);
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=1m") != 0) _exit(kNotAllowed);
    put(path("x"), std::string(300'000, 'o'));
    bool failed = false;
    try {
      put(path("x"), std::string(2 << 20, 'n'));
    } catch (const FileError&) {
      failed = true;
    }
    if (!failed || contents(path("x")) != std::string(300'000, 'o') || entries() != 1) _exit(1);
    put(path("x"), std::string(400'000, 'n'));  // there is room again: nothing was left behind
  });
  if (status == kNotAllowed) RecordProperty("disk", "not mounted: no permission");
  EXPECT_TRUE(status == 0 || status == kNotAllowed) << status;
}

void kill_writers(const std::string& file, const std::string& folder, int times) {
  std::mt19937 random(7);
  const std::size_t size = 1 << 18;
  put(file, std::string(size, 'a'));
  put_folder(folder, 'a', 1 << 12);
  for (int i = 0; i < times; ++i) {
    kill_within(6000, random, [&](int n) {
      put(file, std::string(size, static_cast<char>('a' + n % 26)));
      put_folder(folder, static_cast<char>('a' + n % 26), 1 << 12);
    });
    const std::string bytes = contents(file);
    ASSERT_EQ(bytes.size(), size);
    ASSERT_EQ(bytes, std::string(size, bytes[0]));
    const std::string part = contents(folder + "/a");
    ASSERT_EQ(part, contents(folder + "/deep/b"));
    ASSERT_EQ(part.size(), std::size_t{1} << 12);
  }
}

TEST_F(Atomic, AKillLeavesTheOldOrTheNew) {
  kill_writers(path("x"), path("net"), 5);
  remove_stale_temporaries(path("x"));
  remove_stale_temporaries(path("net"));
  EXPECT_EQ(entries(), 2u);
}

TEST_F(Atomic, LongAKillAtFiftyMomentsLeavesTheOldOrTheNew) { kill_writers(path("x"), path("net"), 50); }

TEST_F(Atomic, OnlyTemporariesOfEndedProcessesAreStale) {
  put(path("x.tmp-notes"), "mine");
  put(path("x.tmp-" + std::to_string(getpid()) + "-99"), "alive");
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  put(path("x.tmp-" + std::to_string(child) + "-0"), "stale");
  remove_stale_temporaries(path("x"));
  EXPECT_EQ(entries(), 2u);
}

}  // namespace
}  // namespace strata
