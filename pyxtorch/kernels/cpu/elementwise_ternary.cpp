/* Formulas of three operands. */
#include "elementwise_groups.h"
#include "pyxtorch/ternary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* Half precision is only moved here: its bits are those of an integer. */
#define TERNARY(...) PYX_ENTER(Ternary, t_, 4, 16384, OF_ALL, __VA_ARGS__)
#define MASKED(name, ...)                                     \
    PYX_ENTER(Masked, m_, 4, 16384, OF_ALL, name, __VA_ARGS__) \
    {                                                         \
        Formula& f = formula_entry(#name, 0, 4, 16384);       \
        f.kernels[PYX_FLOAT16] = f.kernels[PYX_BFLOAT16] = f.kernels[PYX_INT16]; \
        f.loops[PYX_FLOAT16] = f.loops[PYX_BFLOAT16] = f.loops[PYX_INT16];       \
    }

void enter_ternary() {
    PYX_TERNARY(TERNARY)
    PYX_MASKED(MASKED)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
