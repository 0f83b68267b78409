/* float32 products on the matrix unit of x86-64 (AMX): sums of products of bfloat16 parts.

   A float is split, exactly, into three bfloat16 numbers of 8 significant bits each, x = x1 + x2 + x3
   with |x2| <= 2^-8 |x1| and |x3| <= 2^-16 |x1|. Of the nine products of parts the six largest are
   summed in float32; the three left out are below 2^-24 of |a b|, so that the result is as exact
   as one computed in float32 (it has fewer roundings: one for 32 terms). Source: Henry, Tang and
   Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
   Computations" (2019). The unit takes numbers below 2^-126 for zero; operands that hold
   infinities, or nothing but numbers that small, are left to the ordinary tiles. */
#pragma once
#include "matmul_tile.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace amx {

/* Whether this processor and system have the unit, at this instruction level. */
bool ready();
/* Whether a product of this size is faster here. */
bool suits(int64_t m, int64_t n, int64_t k);
/* As pyx::gemm<float>: 0, or -2 without memory. */
int gemm(const product<float>& p, bool parallel);

/* As pack_left and gemm_strips of matmul_tile.h, with the left operand in parts. Of p, a is used where these do not do. */
bool suits_strips(int64_t m, int64_t k);
int64_t left_size(int64_t m, int64_t k);
void pack_left(const float* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, float* out);
int gemm_strips(const product<float>& p, const float* left, const float* strips, int64_t size);

}  // namespace amx

/* The product without the matrix unit; gemm<float> chooses. */
template <class T> int gemm_tiles(const product<T>& p, bool parallel);

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
