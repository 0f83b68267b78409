/* Elementary functions and activations of one operand. */
#include "elementwise_groups.h"
#include "pyxtorch/unary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define MATH(...) PYX_ENTER(Unary, u_, 2, 8192, OF_FLOATS, __VA_ARGS__)

void enter_unary_math() {
    PYX_UNARY_MATH(MATH)
}

void enter_unary_activation() {
    PYX_UNARY_ACTIVATION(MATH)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
