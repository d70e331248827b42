#include "strata/summary.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <protozero/pbf_reader.hpp>
#include <thread>

#include "io/event_file.h"
#include "kernels/crc32c.h"
#include "strata/function.h"
#include "tests/support/errors.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

struct Event {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string version, tag, plugin, tensor_content;
  int dtype = 0;
  float number() const {
    std::uint32_t bits = 0;
    std::memcpy(&bits, tensor_content.data(), 4);
    return std::bit_cast<float>(bits);
  }
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Event parse_event(const std::string& bytes) {
  Event e;
  protozero::pbf_reader event(bytes);
  while (event.next()) {
    if (event.tag() == 1) {
      e.wall_time = event.get_double();
    } else if (event.tag() == 2) {
      e.step = event.get_int64();
    } else if (event.tag() == 3) {
      e.version = event.get_string();
    } else if (event.tag() == 5) {
      protozero::pbf_reader summary = event.get_message();
      while (summary.next(1)) {
        protozero::pbf_reader value = summary.get_message();
        while (value.next()) {
          if (value.tag() == 1) {
            e.tag = value.get_string();
          } else if (value.tag() == 8) {
            protozero::pbf_reader tensor = value.get_message();
            while (tensor.next()) {
              if (tensor.tag() == 1)
                e.dtype = tensor.get_enum();
              else if (tensor.tag() == 4)
                e.tensor_content = tensor.get_bytes();
              else
                tensor.skip();
            }
          } else if (value.tag() == 9) {
            protozero::pbf_reader metadata = value.get_message();
            while (metadata.next(1)) {
              protozero::pbf_reader plugin = metadata.get_message();
              while (plugin.next(1)) e.plugin = plugin.get_string();
            }
          } else {
            value.skip();
          }
        }
      }
    } else {
      event.skip();
    }
  }
  return e;
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T v;
  std::memcpy(&v, bytes.data() + at, sizeof(T));
  return v;
}

// Every event of a file; fails where a checksum is wrong or a record is cut short. While the file grows, the system may
// show the beginning of what is being written just now: `growing` lets the last record be incomplete.
std::vector<Event> read_events(const std::string& path, bool growing = false) {
  const std::string bytes = read_file(path);
  std::vector<Event> out;
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < 16) {
      if (growing) break;
      throw std::runtime_error("half a record");
    }
    const auto length = number_at<std::uint64_t>(bytes, at);
    if (number_at<std::uint32_t>(bytes, at + 8) != masked_crc32c(std::string_view(bytes).substr(at, 8)))
      throw std::runtime_error("checksum of a length");
    if (length > bytes.size() - at - 16) {
      if (growing) break;
      throw std::runtime_error("half a record");
    }
    const std::string data = bytes.substr(at + 12, length);
    if (number_at<std::uint32_t>(bytes, at + 12 + length) != masked_crc32c(data))
      throw std::runtime_error("checksum of a record");
    out.push_back(parse_event(data));
    at += 16 + length;
  }
  return out;
}

class Summary : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "strata_summary_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string folder_;
};

template <class E, class F>
std::string message(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

using test::has;

TEST(Crc32c, KnownAnswers) {  // RFC 3720, appendix B.4
  for (auto* crc : {crc32c, crc32c_by_tables}) {
    EXPECT_EQ(crc("123456789"), 0xe3069283u);
    EXPECT_EQ(crc(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc(std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(crc(""), 0u);
  }
}

// capability: 5.1
TEST_F(Summary, FileBeginsWithItsVersionAndIsNamedAsTensorBoardExpects) {
  const auto writer = summary::create_file_writer(folder_ + "/logs/train");
  const std::string name = fs::path(writer.path()).filename().string();
  EXPECT_EQ(fs::path(writer.path()).parent_path(), folder_ + "/logs/train");
  EXPECT_EQ(name.rfind("events.out.tfevents.", 0), 0u) << name;
  EXPECT_TRUE(name.ends_with(".v2")) << name;
  const auto events = read_events(writer.path());  // there at once
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_GT(events[0].wall_time, 1.6e9);
  EXPECT_NE(summary::create_file_writer(folder_ + "/logs/train").path(), writer.path());
}

// capability: 5.2
TEST_F(Summary, ScalarsAreTensorsOfThePluginScalars) {
  const auto writer = summary::create_file_writer(folder_);
  {
    auto scope = writer.as_default();
    EXPECT_TRUE(summary::scalar("loss", 0.5f, {.step = 3}));
    EXPECT_TRUE(summary::scalar("acc", Tensor(0.25), {.step = Tensor(std::int64_t{1} << 40)}));
    EXPECT_TRUE(summary::scalar("count", 7, {.step = -1}));
  }
  EXPECT_FALSE(summary::scalar("nobody", 1.f, {.step = 4}));  // no default writer any more
  writer.flush();
  const auto events = read_events(writer.path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].tag, "loss");
  EXPECT_EQ(events[1].step, 3);
  EXPECT_EQ(events[1].number(), 0.5f);
  EXPECT_EQ(events[1].plugin, "scalars");
  EXPECT_EQ(events[1].dtype, 1);
  EXPECT_EQ(events[2].step, std::int64_t{1} << 40);
  EXPECT_EQ(events[2].number(), 0.25f);
  EXPECT_EQ(events[3].step, -1);
  EXPECT_EQ(events[3].number(), 7.f);
}

TEST_F(Summary, BytesAreThoseOfTensorFlow) {
  const auto writer = summary::create_file_writer(folder_);
  auto scope = writer.as_default();
  summary::scalar("loss", 0.5f, {.step = 3});
  writer.flush();
  // What TensorFlow 2.21 wrote for tf.summary.scalar("loss", 0.5, step=3), after the time.
  const std::string expected("\x10\x03*!\n\x1f\n\x04lossB\n\x08\x01\x12\x00\"\x04\x00\x00\x00?J\x0b\n\t\n\x07scalars",
                             37);
  EXPECT_TRUE(has(read_file(writer.path()), expected));
}

TEST_F(Summary, ScopesNest) {
  const auto a = summary::create_file_writer(folder_ + "/a"), b = summary::create_file_writer(folder_ + "/b");
  {
    auto outer = a.as_default(5);
    summary::scalar("x", 1.f);
    {
      auto inner = b.as_default();
      summary::scalar("x", 2.f);  // with the step of the outer scope
    }
    summary::scalar("x", 3.f, {.step = 6});
  }
  a.close();
  b.close();
  const auto in_a = read_events(a.path()), in_b = read_events(b.path());
  ASSERT_EQ(in_a.size(), 3u);
  EXPECT_EQ(in_a[1].step, 5);
  EXPECT_EQ(in_a[2].number(), 3.f);
  ASSERT_EQ(in_b.size(), 2u);
  EXPECT_EQ(in_b[1].number(), 2.f);
  EXPECT_EQ(in_b[1].step, 5);
}

TEST_F(Summary, EventsAppearWithoutFlush) {
  const auto writer = summary::create_file_writer(folder_, {.flush_seconds = 0.05});
  auto scope = writer.as_default();
  summary::scalar("x", 1.f, {.step = 0});
  std::size_t count = 0;
  for (int i = 0; i < 200 && count < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    count = read_events(writer.path(), true).size();
  }
  EXPECT_EQ(count, 2u);
}

TEST_F(Summary, LastHandleWritesWhatIsLeft) {
  std::string path;
  {
    const auto writer = summary::create_file_writer(folder_);
    path = writer.path();
    auto scope = writer.as_default();
    for (int i = 0; i < 1000; ++i) summary::scalar("x", static_cast<float>(i), {.step = i});
  }
  const auto events = read_events(path);
  ASSERT_EQ(events.size(), 1001u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(events[static_cast<std::size_t>(i) + 1].number(), static_cast<float>(i));
}

TEST_F(Summary, ThreadsWriteWhileAReaderLooks) {
  const auto writer = summary::create_file_writer(folder_, {.flush_seconds = 0.001});
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      auto scope = writer.as_default();
      for (int i = 0; i < 2000; ++i) summary::scalar("thread" + std::to_string(t), 1.f, {.step = i});
    });
  std::size_t seen = 0;
  for (int i = 0; i < 50; ++i) {
    const std::size_t now = read_events(writer.path(), true).size();
    EXPECT_GE(now, seen);
    seen = now;
  }
  for (auto& t : threads) t.join();
  writer.flush();
  EXPECT_EQ(read_events(writer.path()).size(), 6001u);
}

// capability: 4.12
TEST_F(Summary, InsideAFunctionEachRunWrites) {
  const auto writer = summary::create_file_writer(folder_);
  int traces = 0;
  auto step = function([&](const Tensor& n, const Tensor& x) {
    ++traces;
    auto scope = writer.as_default();
    summary::scalar("x", x, {.step = n});
    return x;
  });
  for (std::int64_t i = 0; i < 5; ++i) step(Tensor::from(std::vector<std::int64_t>{i}, {}), Tensor(0.5f * i));
  EXPECT_EQ(traces, 1);
  writer.flush();
  const auto events = read_events(writer.path());
  ASSERT_EQ(events.size(), 6u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(events[i + 1].step, static_cast<std::int64_t>(i));
    EXPECT_EQ(events[i + 1].number(), 0.5f * i);
  }
}

TEST_F(Summary, WrongUses) {
  const auto writer = summary::create_file_writer(folder_);
  {
    auto scope = writer.as_default();
    EXPECT_TRUE(has(message<ShapeError>([] {
                      summary::scalar("loss", Tensor{1.f, 2.f}, {.step = 0});
                    }),
                    "summary::scalar 'loss': the value has shape (2,)"));
    EXPECT_TRUE(has(message<ValueError>([] { summary::scalar("loss", 1.f); }), "no step"));
    EXPECT_TRUE(has(message<DTypeError>([] { summary::scalar("loss", 1.f, {.step = 0.5f}); }), "one integer"));
    EXPECT_TRUE(has(message<ValueError>([] { summary::scalar("loss", Tensor(), {.step = 0}); }), "undefined"));
    writer.close();
    writer.close();  // twice does no harm
    EXPECT_TRUE(has(message<ValueError>([] { summary::scalar("loss", 1.f, {.step = 0}); }), "is closed"));
  }
  EXPECT_TRUE(has(message<ValueError>([&] { auto scope = writer.as_default(); }), "is closed"));
  std::ofstream(folder_ + "/file") << "x";
  EXPECT_TRUE(has(message<FileError>([&] { summary::create_file_writer(folder_ + "/file/logs"); }), "/file/logs"));
  EXPECT_TRUE(
      has(message<ValueError>([&] { summary::create_file_writer(folder_, {.flush_seconds = 0}); }), "flush_seconds"));
}

void write_beyond_a_limit() {
  signal(SIGXFSZ, SIG_IGN);
  const std::string folder = testing::TempDir() + "strata_full_" + std::to_string(getpid());
  const auto writer = summary::create_file_writer(folder);
  const rlimit limit = {400, 400};
  setrlimit(RLIMIT_FSIZE, &limit);
  auto scope = writer.as_default();
  for (int i = 0; i < 100; ++i) summary::scalar("x", 1.f, {.step = i});
  const std::string text = message<FileError>([&] { writer.flush(); });
  const std::size_t whole = read_events(writer.path()).size();
  fs::remove_all(folder);
  _exit(has(text, "File too large") && whole == 1 ? 0 : 1);
}

TEST(SummaryDeathTest, AFullDiskIsReported) {
  // A limit on the size of files, in a process of its own, does what a full disk would.
  EXPECT_EXIT(write_beyond_a_limit(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace strata
