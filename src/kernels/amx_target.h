// The attribute of functions that use AMX and the sets of vector instructions that machines with it have.
#pragma once

#define STRATA_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
