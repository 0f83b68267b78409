/* Elementary functions of complex numbers. */
#include "elementwise_groups.h"
#include "pyxtorch/unary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define COMPLEX(...) PYX_ENTER(Unary, of_complex::u_, 2, 2048, OF_COMPLEXES, __VA_ARGS__)

void enter_unary_complex() {
    PYX_UNARY_COMPLEX(COMPLEX)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
