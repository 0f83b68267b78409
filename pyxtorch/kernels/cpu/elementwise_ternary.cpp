/* Formulas of three operands. */
#include "elementwise_groups.h"
#include "pyxtorch/float8.h"
#include "pyxtorch/ternary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* Narrow numbers are only moved here: their bits are those of an integer. */
#define MOVED_AS(narrow, integer)              \
    f.kernels[narrow] = f.kernels[integer];    \
    f.loops[narrow] = f.loops[integer];
#define MOVED_AS_BYTE(code) MOVED_AS(code, PYX_UINT8)
#define TERNARY(...) PYX_ENTER(Ternary, t_, 4, 16384, OF_ALL, __VA_ARGS__)
#define MASKED(name, ...)                                     \
    PYX_ENTER(Masked, m_, 4, 16384, OF_ALL, name, __VA_ARGS__) \
    {                                                         \
        Formula& f = formula_entry(#name, 0, 4, 16384);       \
        MOVED_AS(PYX_FLOAT16, PYX_INT16) MOVED_AS(PYX_BFLOAT16, PYX_INT16) MOVED_AS(PYX_COMPLEX32, PYX_INT32) \
        PYX_FLOAT8_CODES(MOVED_AS_BYTE)                       \
    }

void enter_ternary() {
    PYX_TERNARY(TERNARY)
    PYX_MASKED(MASKED)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
