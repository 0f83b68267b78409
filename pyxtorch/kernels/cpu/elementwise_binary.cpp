/* Cheap formulas of two operands: arithmetic. */
#include "elementwise_groups.h"
#include "pyxtorch/binary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define ARITHMETIC(...) PYX_ENTER(Binary, b_, 3, 16384, OF_ALL, __VA_ARGS__)

void enter_binary_arithmetic() {
    PYX_BINARY_ARITHMETIC(ARITHMETIC)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
