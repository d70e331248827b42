#include <strata/version.h>

#include <cstdio>

int main() {
  std::puts(strata::version());
  return 0;
}
