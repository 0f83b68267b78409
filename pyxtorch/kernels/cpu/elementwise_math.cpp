/* Elementary functions and activations of one operand. */
#include "elementwise_groups.h"
#include "elementwise_wide.h"
#include "pyxtorch/unary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* The C library's functions of the circle are exact for arguments of any size, but scalar. */
#define CIRCLE_NEAR(name, T)                                                           \
    template <> struct Near<u_##name, T> {                                             \
        static constexpr bool exists = true;                                           \
        static PYX_HD bool holds(T x) { return fabs(x) < near_limit<T>; }              \
        static PYX_HD T eval(T x) { return name##_near(x); }                           \
    };
CIRCLE_NEAR(sin, float)
CIRCLE_NEAR(cos, float)
CIRCLE_NEAR(tan, float)
CIRCLE_NEAR(sin, double)
CIRCLE_NEAR(cos, double)
CIRCLE_NEAR(tan, double)

/* Powers that are cheaper as something else; for the root, PyTorch too gives sqrt's zeros and NaN. */
template <class T> struct Power {
    static constexpr Kernel kernel(int convert) {
        Kernel k = Unary<u_pow_scalar, T>::kernel(convert);
        k.block = block;
        return k;
    }
    static void block(char* const* p, int64_t n, const double* s) {
        if (s[0] == 2.0) Unary<u_square, T>::block(p, n, s);
        else if (s[0] == 3.0) Unary<u_cube, T>::block(p, n, s);
        else if (s[0] == 0.5) Unary<u_sqrt, T>::block(p, n, s);
        else if (s[0] == -0.5) Unary<u_rsqrt, T>::block(p, n, s);
        else if (s[0] == -1.0) Unary<u_reciprocal, T>::block(p, n, s);
        else Unary<u_pow_scalar, T>::block(p, n, s);
    }
};
template <class F, class T> using PowerOf = Power<T>;

#define MATH(...) PYX_ENTER(Unary, u_, 2, 8192, OF_FLOATS, __VA_ARGS__)

void enter_unary_math() {
    PYX_UNARY_MATH(MATH)
    enter_all<PowerOf, u_pow_scalar, OF_FLOATS>(formula_entry("pow_scalar", PYX_SAME, 2, 8192));
}

void enter_unary_activation() {
    PYX_UNARY_ACTIVATION(MATH)
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
