/* The entries of the family `elementwise` that move values between dtypes: cast.cpp. */
#pragma once
#include "pyxtorch/kernels/elementwise.h"
#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

int cast(const pyx_strided* walk);
int fill(char* data, int64_t n, int itemsize, const char* value);

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
