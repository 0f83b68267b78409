/* What a line of unary.h, binary.h or ternary.h means.

   X(name, TYPES, RESULT, expression): TYPES are the dtypes it is computed in, RESULT the dtype
   that comes out. The expression is written over T, the type computed in, the operands x, y, z
   of type T, and the scalars s[0], s[1] ... of T's real type. */
#pragma once
#include "math.h"

/* RESULT: T itself, bool, T's real type, or (of real T) the complex type over T. */
#define PYX_SAME 0
#define PYX_TO_BOOL 1
#define PYX_TO_REAL 2
#define PYX_TO_COMPLEX 3

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <int result, class T> struct result_type { typedef T type; };
template <class T> struct result_type<PYX_TO_BOOL, T> { typedef bool type; };
template <class T> struct result_type<PYX_TO_REAL, T> { typedef real_t<T> type; };
template <class T> struct result_type<PYX_TO_COMPLEX, T> { typedef complex<T> type; };
template <int result, class T> using result_t = typename result_type<result, T>::type;

/* How many scalars an expression reads: one more than the largest k in any s[k]. */
constexpr PYX_HD int count_scalars(const char* e) {
    int n = 0;
    for (; *e; e++)
        if (e[0] == 's' && e[1] == '[' && e[2] - '0' + 1 > n) n = e[2] - '0' + 1;
    return n;
}

#define PYX_FORMULA_(prefix, operands, name, TYPES, RESULT, ...)                          \
    struct prefix##name {                                                                 \
        static constexpr int types = TYPES, result = RESULT;                              \
        static constexpr int scalars = count_scalars(#__VA_ARGS__);                       \
        template <class T>                                                                \
        static PYX_HD result_t<result, T> eval operands {                                 \
            (void)s;                                                                      \
            return (result_t<result, T>)(__VA_ARGS__);                                    \
        }                                                                                 \
    };
#define PYX_UNARY_FORMULA(...) PYX_FORMULA_(u_, (T x, const real_t<T>* s), __VA_ARGS__)
#define PYX_BINARY_FORMULA(...) PYX_FORMULA_(b_, (T x, T y, const real_t<T>* s), __VA_ARGS__)
#define PYX_TERNARY_FORMULA(...) PYX_FORMULA_(t_, (T x, T y, T z, const real_t<T>* s), __VA_ARGS__)
/* The first operand is bool. */
#define PYX_MASKED_FORMULA(...) PYX_FORMULA_(m_, (bool m, T x, T y, const real_t<T>* s), __VA_ARGS__)

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
