/* Comparison, logic, bits and integer division. */
#include "elementwise_groups.h"
#include "pyxtorch/binary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define COMPARISON(...) PYX_ENTER(Binary, b_, 3, 32768, OF_ALL, __VA_ARGS__)

void enter_binary_comparison() {
    PYX_BINARY_COMPARISON(COMPARISON)
}

void enter_binary_integer() {
    PYX_BINARY_INTEGER(COMPARISON)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
