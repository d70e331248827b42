// How many threads kernels use, for the whole process: OpenMP's own setting is one of each thread.
#pragma once

namespace strata::kernels {

// Takes over the number that was set last. Called where work begins; costs nothing where there is none.
void adopt_num_threads();
// This thread runs its operations alone from now on, whatever is set.
void become_background_thread();
void set_num_threads(int n);

}  // namespace strata::kernels
