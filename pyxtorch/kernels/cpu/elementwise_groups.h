/* The functions that fill the table of formulas, one or two to a file, so that files compile in
   parallel. */
#pragma once
#include "pyxtorch/loops.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

void enter_unary_basic();
void enter_unary_math();
void enter_unary_activation();
void enter_unary_complex();
void enter_unary_special();
void enter_binary_arithmetic();
void enter_binary_comparison();
void enter_binary_integer();
void enter_binary_math();
void enter_binary_backward();
void enter_binary_special();
void enter_ternary();

/* Between bytes and strides */
void gather(char* dst, const char* src, int64_t stride, int64_t n, int size);
void scatter(char* dst, int64_t stride, const char* src, int64_t n, int size);

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
