// Downloads from a small HTTP server in this process; nothing leaves the machine.
#include "datasets/download.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "datasets/bytes.h"
#include "datasets/find.h"
#include "strata/datasets.h"
#include "strata/error.h"
#include "tests/datasets/files.h"

namespace strata {
namespace {

using namespace testing_datasets;
using datasets::detail::Remote;

// Serves one body under every path but /missing, as it is told to.
class Server {
 public:
  explicit Server(std::string body) : body_(std::move(body)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
      throw std::runtime_error("no loopback server");
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  const std::string& url() const { return url_; }
  // The beginnings of the ranges that were asked for, -1 for the whole.
  std::vector<long> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  std::atomic<bool> knows_ranges = true;
  std::atomic<long> cut_after = -1;  // sends so many bytes of the body, then hangs up, once

 private:
  void serve() {
    while (!stop_) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) break;
      answer(client);
      close(client);
    }
  }
  void answer(int client) {
    std::string request;
    char block[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = read(client, block, sizeof(block));
      if (n <= 0) return;
      request.append(block, static_cast<std::size_t>(n));
    }
    const std::size_t range = request.find("Range: bytes=");
    long from = range == std::string::npos ? -1 : std::atol(request.c_str() + range + 13);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(from);
    }
    if (request.starts_with("GET /missing")) return send(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    if (!knows_ranges) from = -1;
    if (from >= static_cast<long>(body_.size()))
      return send(client, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
    std::string part = body_.substr(from < 0 ? 0 : static_cast<std::size_t>(from));
    std::string head = from < 0 ? "HTTP/1.1 200 OK\r\n"
                                : "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                                      std::to_string(body_.size() - 1) + "/" + std::to_string(body_.size()) + "\r\n";
    head += "Content-Length: " + std::to_string(part.size()) + "\r\nConnection: close\r\n\r\n";
    if (const long cut = cut_after.exchange(-1); cut >= 0) part.resize(static_cast<std::size_t>(cut));
    send(client, head + part);
  }
  static void send(int client, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::send(client, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  }

  std::string body_, url_;
  int listener_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::vector<long> requests_;
};

std::string some_bytes(std::size_t n) {
  std::string out(n, '\0');
  std::uint32_t x = 1;
  for (char& c : out) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return out;
}

class Download : public DatasetTest {
 protected:
  void SetUp() override {
    DatasetTest::SetUp();
    set("no_proxy", "*");
    write_file(folder_ / "original", body_);
    sum_ = datasets::detail::sha256_of_file(folder_ / "original");
  }
  Remote remote(const std::vector<std::string>& urls) const {
    return {"data.bin", sum_, static_cast<std::int64_t>(body_.size()), urls};
  }
  fs::path target() const { return folder_ / "into" / "data.bin"; }
  fs::path part() const { return folder_ / "into" / "data.bin.part"; }
  std::string error(const Remote& r) const {
    return message<FileError>([&] { datasets::detail::download(r, folder_ / "into"); });
  }

  std::string body_ = some_bytes(300000), sum_;
  Server server_{body_};
};

TEST_F(Download, Sha256) {
  write_file(folder_ / "abc", "abc");  // FIPS 180-2, B.1
  EXPECT_EQ(datasets::detail::sha256_of_file(folder_ / "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(Download, FetchesOnceAndShowsProgress) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into"), target());
  EXPECT_TRUE(has(testing::internal::GetCapturedStderr(), "Downloading data.bin: 100% of 0.3 MB"));
  EXPECT_EQ(testing_datasets::read_file(target()), body_);
  EXPECT_FALSE(fs::exists(part()));
  datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into");
  EXPECT_EQ(server_.requests(), (std::vector<long>{-1}));
}

TEST_F(Download, ContinuesWhatWasInterrupted) {
  server_.cut_after = 100000;
  EXPECT_TRUE(has(error(remote({server_.url() + "/data.bin"})), server_.url() + "/data.bin: "));
  EXPECT_FALSE(fs::exists(target()));
  EXPECT_EQ(fs::file_size(part()), 100000u);
  datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into");
  EXPECT_EQ(testing_datasets::read_file(target()), body_);
  EXPECT_EQ(server_.requests(), (std::vector<long>{-1, 100000}));
}

TEST_F(Download, ContinuesOnAnotherServer) {
  server_.cut_after = 50000;
  Server other(body_);
  datasets::detail::download(remote({server_.url() + "/a", other.url() + "/b"}), folder_ / "into");
  EXPECT_EQ(testing_datasets::read_file(target()), body_);
  EXPECT_EQ(other.requests(), (std::vector<long>{50000}));
}

TEST_F(Download, StartsAgainWhereAServerKnowsNoRanges) {
  write_file(part(), body_.substr(0, 1000));
  server_.knows_ranges = false;
  datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into");
  EXPECT_EQ(testing_datasets::read_file(target()), body_);
}

TEST_F(Download, StartsAgainWhereTheBeginningIsOfAnotherFile) {
  for (const std::size_t n : {std::size_t{1000}, body_.size(), body_.size() + 10}) {
    write_file(part(), std::string(n, 'x'));
    datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into");
    EXPECT_EQ(testing_datasets::read_file(target()), body_);
    fs::remove(target());
  }
}

TEST_F(Download, ACompletePartIsNotFetchedAgain) {
  write_file(part(), body_);
  datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into");
  EXPECT_EQ(testing_datasets::read_file(target()), body_);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(Download, WrongChecksumLeavesNothing) {
  Remote wrong = remote({server_.url() + "/data.bin"});
  wrong.sha256[0] = wrong.sha256[0] == '0' ? '1' : '0';
  const std::string text = error(wrong);
  EXPECT_TRUE(has(text, "is not the published file: its SHA-256 is " + sum_ + " instead of " + wrong.sha256));
  EXPECT_FALSE(fs::exists(target()));
  EXPECT_FALSE(fs::exists(part()));
  wrong = remote({server_.url() + "/data.bin"});
  wrong.bytes = 1000;
  EXPECT_TRUE(has(error(wrong), "more than the expected 1000 bytes"));
}

TEST_F(Download, TellsOfEveryServer) {
  const std::string text =
      error(remote({server_.url() + "/missing", "http://127.0.0.1:1/data.bin", "file:///etc/passwd"}));
  EXPECT_TRUE(has(text, server_.url() + "/missing: The requested URL returned error: 404"));
  EXPECT_TRUE(has(text, "http://127.0.0.1:1/data.bin: Failed to connect"));
  EXPECT_TRUE(has(text, "file:///etc/passwd: "));
  EXPECT_FALSE(fs::exists(target()));
}

TEST_F(Download, SeveralAtOnceFetchOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { datasets::detail::download(remote({server_.url() + "/data.bin"}), folder_ / "into"); });
  for (auto& t : threads) t.join();
  EXPECT_EQ(testing_datasets::read_file(target()), body_);
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(Download, ArchivesAreUnpackedIntoTheCacheWhereTheNextRunFindsThem) {
  write_archive(folder_ / "small.tar.gz", {{"small/one", "1"}, {"small/two", "22"}, {"small/other", "3"}});
  const std::string bytes = testing_datasets::read_file(folder_ / "small.tar.gz");
  Server server(bytes);
  set("STRATA_OFFLINE", "");
  const datasets::detail::DataSet small = {"small::load_data",
                                           "Small",
                                           {{{"one", "two"}, {"small"}, false, {"small.tar.gz"}}},
                                           {{"small.tar.gz",
                                             datasets::detail::sha256_of_file(folder_ / "small.tar.gz"),
                                             static_cast<std::int64_t>(bytes.size()),
                                             {server.url() + "/small.tar.gz"}}},
                                           "small",
                                           true};
  for (int run = 0; run < 2; ++run) {
    const auto found = datasets::detail::find(small, "", true);
    EXPECT_EQ(found.files.read("two").bytes.size(), 2u);
    EXPECT_EQ(found.files.read("two").name, (cache() / "small" / "two").string());
  }
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_FALSE(fs::exists(cache() / "small.tar.gz"));
  EXPECT_FALSE(fs::exists(cache() / "small" / "other"));
}

TEST_F(Download, LoadDataAsksTheMirrorAndChecksWhatItSends) {
  set("STRATA_OFFLINE", "");
  set("STRATA_DATA_MIRROR", server_.url() + "/mirror");
  set("http_proxy", "http://127.0.0.1:1");  // the servers after it cannot be reached
  set("https_proxy", "http://127.0.0.1:1");
  set("no_proxy", "127.0.0.1");
  const std::string text = message<FileError>([] { datasets::mnist::load_data(); });
  EXPECT_TRUE(
      has(text, "download: " + server_.url() + "/mirror/train-images-idx3-ubyte.gz: what was downloaded is not "));
  EXPECT_TRUE(has(text, "; https://"));
  EXPECT_FALSE(fs::exists(cache() / "mnist" / "train-images-idx3-ubyte.gz"));
}

}  // namespace
}  // namespace strata
