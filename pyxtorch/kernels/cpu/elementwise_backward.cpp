/* Powers and the fused backward formulas. */
#include "elementwise_groups.h"
#include "pyxtorch/binary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define MATH(...) PYX_ENTER(Binary, b_, 3, 8192, OF_ALL, __VA_ARGS__)

void enter_binary_math() {
    PYX_BINARY_MATH(MATH)
}

void enter_binary_backward() {
    PYX_BINARY_BACKWARD(MATH)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
