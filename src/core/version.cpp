#include "strata/version.h"

namespace strata {

const char* version() noexcept { return STRATA_VERSION; }

}  // namespace strata
