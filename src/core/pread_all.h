// Reading from a place of an open file, whole.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace strata {

// As pread(), but goes on until there are `count` bytes or the file ends: how many there were, or -1 and errno.
inline ssize_t pread_all(int fd, std::uint64_t offset, void* out, std::size_t count) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // Linux moves at most 2 GiB at once
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got =
        ::pread(fd, static_cast<char*>(out) + done, std::min(count - done, kMost), static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace strata
