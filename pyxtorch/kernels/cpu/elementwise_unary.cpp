/* Cheap formulas of one operand: arithmetic, rounding, tests. */
#include "elementwise_groups.h"
#include "pyxtorch/unary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define BASIC(...) PYX_ENTER(Unary, u_, 2, 16384, OF_ALL, __VA_ARGS__)

void enter_unary_basic() {
    PYX_UNARY_BASIC(BASIC)
    PYX_UNARY_LOGIC(BASIC)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
