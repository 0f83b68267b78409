/* Comparison, logic, bits and integer division. */
#include "elementwise_groups.h"
#include "pyxtorch/binary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* fmod by one division where the quotient is small; the C library's loops over bits. */
#define FMOD_NEAR(formula, T, expression)                                        \
    template <> struct Near<formula, T> {                                        \
        static constexpr bool exists = true;                                     \
        static PYX_HD bool holds(T x, T y) { return fmod_is_near(x, y); }        \
        static PYX_HD T eval(T x, T y) { return expression; }                    \
    };
FMOD_NEAR(b_fmod, float, fmod_near(x, y))
FMOD_NEAR(b_remainder, float, remainder_from(fmod_near(x, y), y))
FMOD_NEAR(b_div_floor, float, div_floor_from(fmod_near(x, y), x, y))
#if PYX_EXACT_FMOD_DOUBLE
FMOD_NEAR(b_fmod, double, fmod_near(x, y))
FMOD_NEAR(b_remainder, double, remainder_from(fmod_near(x, y), y))
FMOD_NEAR(b_div_floor, double, div_floor_from(fmod_near(x, y), x, y))
#endif

#define COMPARISON(...) PYX_ENTER(Binary, b_, 3, 16384, OF_ALL, __VA_ARGS__)

void enter_binary_comparison() {
    PYX_BINARY_COMPARISON(COMPARISON)
}

void enter_binary_integer() {
    PYX_BINARY_INTEGER(COMPARISON)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
