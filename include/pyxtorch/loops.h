/* From a formula to loops over memory. CPU only.

   The formula itself is compiled once for each dtype, as a `block`: a loop over contiguous
   operands whose length is a multiple of `width`, which vectorises without any remainder.
   Everything else is shared by all formulas and moves bytes: remainders are padded, strided,
   broadcast and half-precision operands pass through buffers in the first-level cache. */
#pragma once
#include "formula.h"
#include "kernels/elementwise.h"
#include "runtime.h"

#ifndef PYX_VECTOR_BYTES
#if defined(__AVX512F__)
#define PYX_VECTOR_BYTES 64
#elif defined(__AVX__)
#define PYX_VECTOR_BYTES 32
#else
#define PYX_VECTOR_BYTES 16
#endif
#endif

namespace pyx {
inline namespace PYX_LEVEL_NS {

constexpr int max_loop_operands = 4;

/* What a kernel's operands hold in memory when that is not what it computes in */
enum : uint8_t { AS_IS = 0, FROM_F16 = 1, FROM_BF16 = 2, FROM_C32 = 3 };

struct Kernel {
    /* n is a multiple of width; operand 0 may be the same memory as another, not overlap it */
    void (*block)(char* const* p, int64_t n, const double* s);
    int width;
    uint8_t operands;
    uint8_t size[max_loop_operands];     /* bytes an element, computed in */
    uint8_t memory[max_loop_operands];   /* bytes an element, in memory */
    uint8_t convert[max_loop_operands];  /* AS_IS or from what */
};

/* Of an operand of type T: how it is kept by a kernel whose parts are kept as `convert` says, and in how many bytes. */
template <class T> constexpr uint8_t kept(int convert) {
    return !convert || kind_of<T>::value == 0 ? AS_IS : kind_of<T>::value == 2 ? FROM_C32 : (uint8_t)convert;
}
template <class T> constexpr uint8_t bytes_kept(int convert) {
    return kept<T>(convert) == AS_IS ? sizeof(T) : kept<T>(convert) == FROM_C32 ? 4 : 2;
}

/* Run a kernel over n elements with these byte strides. */
void run_loop(const Kernel& k, char* const* p, const int64_t* strides, int64_t n, const double* s);

/* One formula of a table, with its kernels and loops by dtype code */
struct Formula {
    const char* name;
    int types, result, operands;
    int64_t grain;  /* elements a task */
    const Kernel* kernels[PYX_NUM_DTYPES];
    pyx_loop loops[PYX_NUM_DTYPES];
};

template <class R> constexpr int lanes(int smallest) {
    return PYX_VECTOR_BYTES / smallest > 1 ? PYX_VECTOR_BYTES / smallest : 1;
}

/* Scalars as the formula wants them */
template <class F, class T> struct Scalars {
    real_t<T> s[F::scalars + 1];
    explicit Scalars(const double* d) {
        for (int i = 0; i < F::scalars; i++) s[i] = (real_t<T>)d[i];
    }
};

/* Formulas with a faster form for most arguments: holds(x) says which, eval(x) is it. A stretch of
   memory whose elements all hold is computed with it. Specialised where the loops are made. */
template <class F, class T> struct Near { static constexpr bool exists = false; };
/* Formulas written with vector instructions: eval(vector), lanes elements at a time. */
template <class F, class T> struct Wide { static constexpr bool exists = false; };

constexpr int64_t stretch = 256;

/* bool in memory is a byte, which compilers vectorise over: not 0 is true. */
template <class T> struct in_memory { typedef T type; };
template <> struct in_memory<bool> { typedef pyx_u8 type; };
template <class T> using in_memory_t = typename in_memory<T>::type;
template <class T> PYX_HD T value_of(in_memory_t<T> x) {
    if constexpr (std::is_same<T, bool>::value) return x != 0;
    else return x;
}

template <class F, class T> struct Unary {
    typedef result_t<F::result, T> R;
    static constexpr int width = lanes<R>(sizeof(R) < sizeof(T) ? sizeof(R) : sizeof(T));
    static __attribute__((noinline)) void block(char* const* p, int64_t n, const double* d) {
        const Scalars<F, T> s(d);
        in_memory_t<R>* out = (in_memory_t<R>*)p[0];
        const in_memory_t<T>* x = (const in_memory_t<T>*)p[1];
        n &= -(int64_t)width;
        if constexpr (Wide<F, T>::exists) {
            /* Two vectors at a time: each is one long chain of dependent instructions. */
            int64_t i = 0;
            for (; i + 2 * width <= n; i += 2 * width) Wide<F, T>::two(out + i, x + i, s.s);
            for (; i < n; i += width) Wide<F, T>::one(out + i, x + i, s.s);
        } else if constexpr (Near<F, T>::exists) {
            for (int64_t b = 0; b < n; b += stretch) {
                int64_t m = (n - b < stretch ? n - b : stretch) & -(int64_t)width;
                int far = 0;
                for (int64_t i = b; i < b + m; i++) far |= !Near<F, T>::holds(x[i]);
                if (far) {
#pragma GCC ivdep
                    for (int64_t i = b; i < b + m; i++) out[i] = F::template eval<T>(value_of<T>(x[i]), s.s);
                } else {
#pragma GCC ivdep
                    for (int64_t i = b; i < b + m; i++) out[i] = Near<F, T>::eval(x[i]);
                }
            }
        } else {
#pragma GCC ivdep
            for (int64_t i = 0; i < n; i++) out[i] = F::template eval<T>(value_of<T>(x[i]), s.s);
        }
    }
    static constexpr Kernel kernel(int convert) {
        return {block, width, 2, {sizeof(R), sizeof(T)}, {bytes_kept<R>(convert), bytes_kept<T>(convert)}, {kept<R>(convert), kept<T>(convert)}};
    }
};

template <class F, class T> struct Binary {
    typedef result_t<F::result, T> R;
    static constexpr int width = lanes<R>(sizeof(R) < sizeof(T) ? sizeof(R) : sizeof(T));
    static __attribute__((noinline)) void block(char* const* p, int64_t n, const double* d) {
        const Scalars<F, T> s(d);
        in_memory_t<R>* out = (in_memory_t<R>*)p[0];
        const in_memory_t<T> *x = (const in_memory_t<T>*)p[1], *y = (const in_memory_t<T>*)p[2];
        n &= -(int64_t)width;
        if constexpr (Near<F, T>::exists) {
            for (int64_t b = 0; b < n; b += stretch) {
                int64_t m = (n - b < stretch ? n - b : stretch) & -(int64_t)width;
                int far = 0;
                for (int64_t i = b; i < b + m; i++) far |= !Near<F, T>::holds(x[i], y[i]);
                if (far) {
#pragma GCC ivdep
                    for (int64_t i = b; i < b + m; i++) out[i] = F::template eval<T>(value_of<T>(x[i]), value_of<T>(y[i]), s.s);
                } else {
#pragma GCC ivdep
                    for (int64_t i = b; i < b + m; i++) out[i] = Near<F, T>::eval(x[i], y[i]);
                }
            }
        } else {
#pragma GCC ivdep
            for (int64_t i = 0; i < n; i++) out[i] = F::template eval<T>(value_of<T>(x[i]), value_of<T>(y[i]), s.s);
        }
    }
    static constexpr Kernel kernel(int convert) {
        uint8_t c = kept<T>(convert), in = bytes_kept<T>(convert);
        return {block, width, 3, {sizeof(R), sizeof(T), sizeof(T)}, {bytes_kept<R>(convert), in, in}, {kept<R>(convert), c, c}};
    }
};

template <class F, class T> struct Ternary {
    static constexpr int width = lanes<T>(sizeof(T));
    static __attribute__((noinline)) void block(char* const* p, int64_t n, const double* d) {
        const Scalars<F, T> s(d);
        T* out = (T*)p[0];
        const T *x = (const T*)p[1], *y = (const T*)p[2], *z = (const T*)p[3];
        n &= -(int64_t)width;
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = F::template eval<T>(x[i], y[i], z[i], s.s);
    }
    static constexpr Kernel kernel(int convert) {
        uint8_t c = kept<T>(convert), m = bytes_kept<T>(convert), z = sizeof(T);
        return {block, width, 4, {z, z, z, z}, {m, m, m, m}, {c, c, c, c}};
    }
};

template <class F, class T> struct Masked {
    static constexpr int width = lanes<T>(1);
    static __attribute__((noinline)) void block(char* const* p, int64_t n, const double* d) {
        const Scalars<F, T> s(d);
        T* out = (T*)p[0];
        const uint8_t* m = (const uint8_t*)p[1];
        const T *x = (const T*)p[2], *y = (const T*)p[3];
        n &= -(int64_t)width;
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = F::template eval<T>(m[i] != 0, x[i], y[i], s.s);
    }
    static constexpr Kernel kernel(int) {
        uint8_t z = sizeof(T);
        return {block, width, 4, {z, 1, z, z}, {z, 1, z, z}, {0, 0, 0, 0}};
    }
};

template <class L, int convert> struct Entry {
    static constexpr Kernel kernel = L::kernel(convert);
    static void loop(char* const* p, const int64_t* strides, int64_t n, const double* s) {
        run_loop(kernel, p, strides, n, s);
    }
};

/* Put the kernels of formula F for dtype code `code` into its table entry, if it is defined. */
template <template <class, class> class L, class F, class T, int code>
inline void enter(Formula& f) {
    if constexpr ((F::types >> code & 1) != 0) {
        typedef Entry<L<F, T>, code == PYX_FLOAT16 || code == PYX_COMPLEX32 ? FROM_F16 : code == PYX_BFLOAT16 ? FROM_BF16 : AS_IS> E;
        f.kernels[code] = &E::kernel;
        f.loops[code] = E::loop;
    }
}
enum { OF_BITS = 1, OF_FLOATS = 2, OF_COMPLEXES = 4, OF_ALL = 7 };
#define PYX_ENTER_ONE(code, T, ...) enter<L, F, T, code>(f);
template <template <class, class> class L, class F, int which>
inline void enter_all(Formula& f) {
    if constexpr ((which & OF_BITS) != 0) {
        enter<L, F, bool, PYX_BOOL>(f);
        PYX_EACH_INTEGER(PYX_ENTER_ONE)
    }
    if constexpr ((which & OF_FLOATS) != 0) {
        enter<L, F, float, PYX_FLOAT16>(f);
        enter<L, F, float, PYX_BFLOAT16>(f);
        PYX_EACH_FLOAT(PYX_ENTER_ONE)
    }
    if constexpr ((which & OF_COMPLEXES) != 0) {
        enter<L, F, c64, PYX_COMPLEX32>(f);
        PYX_EACH_COMPLEX(PYX_ENTER_ONE)
    }
}
#undef PYX_ENTER_ONE

/* The table's entry of this name; made on the first call for it. */
Formula& formula_entry(const char* name, int result, int operands, int64_t grain);

}  // namespace PYX_LEVEL_NS
}  // namespace pyx

/* In a .cpp file, at namespace scope: fill a group's formulas into the table when asked. */
#define PYX_ENTER(L, prefix, operands_, grain, which, name, TYPES, RESULT, ...) \
    {                                                                            \
        Formula& f = formula_entry(#name, RESULT, operands_, grain);             \
        f.types |= TYPES;                                                        \
        enter_all<L, prefix##name, which>(f);                                    \
    }
