/* Special functions. */
#include "elementwise_groups.h"
#include "pyxtorch/binary.h"
#include "pyxtorch/unary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define SPECIAL1(...) PYX_ENTER(Unary, u_, 2, 2048, OF_FLOATS, __VA_ARGS__)
#define SPECIAL2(...) PYX_ENTER(Binary, b_, 3, 2048, OF_FLOATS, __VA_ARGS__)

void enter_unary_special() {
    PYX_UNARY_SPECIAL(SPECIAL1)
}

void enter_binary_special() {
    PYX_BINARY_SPECIAL(SPECIAL2)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
