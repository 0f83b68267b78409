/* How an element that is written meets what is there: enum pyx_put of kernels/index.h.
   Read by g++ and by NVRTC. */
#pragma once
#include "dtype.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace putting {

template <class T>
struct Set {
    static PYX_HD void one(T* d, const T* s) { *d = *s; }
};
template <class T, class A = acc_t<T>>
struct Add {
    static PYX_HD void one(T* d, const T* s) { store<T>(d, (A)(load(d) + load(s))); }
};
template <>
struct Add<bool, bool> {
    static PYX_HD void one(bool* d, const bool* s) { *d |= *s; }
};
template <class T, class R>
struct Add<T, complex<R>> {
    static PYX_HD void one(T* d, const T* s) {
        complex<R> a = load(d), b = load(s);
        store<T>(d, complex<R>{a.re + b.re, a.im + b.im});
    }
};
template <class T, class A = acc_t<T>>
struct Mul {
    static PYX_HD void one(T* d, const T* s) { store<T>(d, (A)(load(d) * load(s))); }
};
template <>
struct Mul<bool, bool> {
    static PYX_HD void one(bool* d, const bool* s) { *d &= *s; }
};
template <class T, class R>
struct Mul<T, complex<R>> {
    static PYX_HD void one(T* d, const T* s) {
        complex<R> a = load(d), b = load(s);
        store<T>(d, complex<R>{a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re});
    }
};
/* NaN wins, as in minimum and maximum. */
template <class T, class A = acc_t<T>>
struct Min {
    static PYX_HD void one(T* d, const T* s) {
        A a = load(d), b = load(s);
        if (b < a || b != b) *d = *s;
    }
};
template <class T, class A = acc_t<T>>
struct Max {
    static PYX_HD void one(T* d, const T* s) {
        A a = load(d), b = load(s);
        if (a < b || b != b) *d = *s;
    }
};

}  // namespace putting
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
