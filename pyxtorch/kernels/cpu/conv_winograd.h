/* Winograd's minimal filtering F(4x4, 3x3) for float. */
#pragma once
#include "pyxtorch/kernels/conv.h"

#include "matmul_tile.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class T>
bool winograd_fits(const pyx_conv&, int64_t, int64_t) { return false; }
template <class T>
int winograd_forward(const pyx_conv&, const T*, const T*, const T*, T*, bool) { return -1; }

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
