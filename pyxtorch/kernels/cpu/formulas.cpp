/* The array that pyxtorch/formulas.h describes, from the tables that the loops come from. */
#include "pyxtorch/formulas.h"

#include "pyxtorch/binary.h"
#include "pyxtorch/ternary.h"
#include "pyxtorch/unary.h"
#include "tables.h"

using namespace pyx;

#define ROW(operands, complex_form, name, TYPES, RESULT, ...) \
    {#name, #__VA_ARGS__, operands, count_scalars(#__VA_ARGS__), RESULT, TYPES, complex_form},
#define ONE(...) ROW("x", 0, __VA_ARGS__)
#define ONE_COMPLEX(...) ROW("x", 1, __VA_ARGS__)
#define TWO(...) ROW("xy", 0, __VA_ARGS__)
#define THREE(...) ROW("xyz", 0, __VA_ARGS__)
#define BY_MASK(...) ROW("mxy", 0, __VA_ARGS__)

static const pyx_formula formulas[] = {
    PYX_UNARY(ONE)
    PYX_UNARY_COMPLEX(ONE_COMPLEX)
    PYX_BINARY(TWO)
    PYX_TERNARY(THREE)
    PYX_MASKED(BY_MASK)
};

const pyx_formula* pyx_all_formulas(int* count) {
    *count = (int)(sizeof formulas / sizeof *formulas);
    return formulas;
}
