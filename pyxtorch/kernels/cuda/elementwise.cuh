/* GPU kernels of the family `elementwise`, from the formulas of unary.h, binary.h and ternary.h.

   Each formula has three kernels, compiled when they are first needed: `contiguous` (four elements
   a thread, by vector loads), `strided` (any strides, 32-bit indices, up to 8 dimensions), and
   `strided` again with 64-bit indices and up to 64 dimensions. A broadcast operand has stride 0. */
#include "pyxtorch/float8.h"
#include "pyxtorch/unary.h"
#include "pyxtorch/binary.h"
#include "pyxtorch/ternary.h"

namespace pyx_gpu {

using namespace pyx;

struct Scalars { double value[8]; };

template <class I>
__device__ inline I thread_number() { return (I)blockIdx.x * (I)blockDim.x + (I)threadIdx.x; }
template <class I>
__device__ inline I thread_count() { return (I)gridDim.x * (I)blockDim.x; }

/* at(p..., s): the result for one element of each operand. Out is the type it is stored as. */
template <class F, class T>
struct Unary {
    typedef T In;
    typedef T First;
    typedef acc_t<T> A;
    typedef result_t<F::result, T> Out;
    static constexpr int inputs = 1;
    static __device__ __forceinline__ void at(Out* y, const First* a, const T*, const T*, const real_t<A>* s) {
        store<Out>(y, F::template eval<A>(load<T>(a), s));
    }
};
template <class F, class T>
struct Binary {
    typedef T First;
    typedef acc_t<T> A;
    typedef result_t<F::result, T> Out;
    static constexpr int inputs = 2;
    static __device__ __forceinline__ void at(Out* y, const First* a, const T* b, const T*, const real_t<A>* s) {
        store<Out>(y, F::template eval<A>(load<T>(a), load<T>(b), s));
    }
};
template <class F, class T>
struct Ternary {
    typedef T First;
    typedef acc_t<T> A;
    typedef result_t<F::result, T> Out;
    static constexpr int inputs = 3;
    static __device__ __forceinline__ void at(Out* y, const First* a, const T* b, const T* c, const real_t<A>* s) {
        store<Out>(y, F::template eval<A>(load<T>(a), load<T>(b), load<T>(c), s));
    }
};
template <class F, class T>
struct Masked {  /* only moves values, so half precision stays as it is */
    typedef bool First;
    typedef T A;
    typedef T Out;
    static constexpr int inputs = 3;
    static __device__ __forceinline__ void at(Out* y, const First* m, const T* a, const T* b, const real_t<A>* s) {
        *y = F::template eval<T>(*m, *a, *b, s);
    }
};

/* Element types of copies without conversion, by size. */
struct word16 { pyx_u64 low, high; };

template <class To, class From>
PYX_HD To converted(From x) {
    if constexpr (code_of<To>::value == PYX_BOOL) return x != (From)0;
    else return (To)x;
}
/* Values of types computed in (half precision is a float here), as PyTorch converts them. */
template <class To, class From> struct Convert {
    static __device__ __forceinline__ To of(From x) { return converted<To, From>(x); }
};
template <class To, class From> struct Convert<complex<To>, From> {
    static __device__ __forceinline__ complex<To> of(From x) { return complex<To>{(To)x, (To)0}; }
};
template <class To, class From> struct Convert<To, complex<From>> {
    static __device__ __forceinline__ To of(complex<From> x) { return Convert<To, From>::of(x.re); }
};
template <class From> struct Convert<bool, complex<From>> {
    static __device__ __forceinline__ bool of(complex<From> x) { return x.re != (From)0 || x.im != (From)0; }
};
template <class To, class From> struct Convert<complex<To>, complex<From>> {
    static __device__ __forceinline__ complex<To> of(complex<From> x) { return complex<To>{(To)x.re, (To)x.im}; }
};
/* Small and unsigned integers wrap from floating point by way of 64 bits. */
#define PYX_VIA_INT64(To)                                                                                    \
    template <> struct Convert<To, float> {                                                                  \
        static __device__ __forceinline__ To of(float x) { return (To)(pyx_i64)x; }                          \
    };                                                                                                       \
    template <> struct Convert<To, double> {                                                                 \
        static __device__ __forceinline__ To of(double x) { return (To)(pyx_i64)x; }                         \
    };
PYX_VIA_INT64(pyx_u8)
PYX_VIA_INT64(pyx_u16)
PYX_VIA_INT64(pyx_u32)
PYX_VIA_INT64(pyx_i8)
PYX_VIA_INT64(pyx_i16)
PYX_VIA_INT64(pyx_i32)
#undef PYX_VIA_INT64
template <> struct Convert<pyx_u64, float> {
    static __device__ __forceinline__ pyx_u64 of(float x) { return x < 0 ? (pyx_u64)(pyx_i64)x : (pyx_u64)x; }
};
template <> struct Convert<pyx_u64, double> {
    static __device__ __forceinline__ pyx_u64 of(double x) { return x < 0 ? (pyx_u64)(pyx_i64)x : (pyx_u64)x; }
};

template <class To, class From>
struct Cast {
    typedef From First;
    typedef acc_t<From> A;
    typedef To Out;
    static constexpr int inputs = 1;
    static __device__ __forceinline__ void at(Out* y, const First* a, const From*, const From*, const real_t<A>*) {
        store<To>(y, Convert<acc_t<To>, acc_t<From>>::of(load<From>(a)));
    }
};
template <class W>
struct Move {
    typedef W First;
    typedef W A;
    typedef W Out;
    static constexpr int inputs = 1;
    static __device__ __forceinline__ void at(Out* y, const First* a, const W*, const W*, const real_t<A>*) { *y = *a; }
};

/* The type of the second and third operand. */
template <class Op> struct rest { typedef typename Op::First type; };
template <class F, class T> struct rest<Masked<F, T>> { typedef T type; };

template <class A, class S>
__device__ __forceinline__ void scalars_as(const S& s, real_t<A>* out) {
#pragma unroll
    for (int i = 0; i < 8; i++) out[i] = (real_t<A>)s.value[i];
}
template <> __device__ __forceinline__ void scalars_as<f16, Scalars>(const Scalars&, f16*) {}
template <> __device__ __forceinline__ void scalars_as<bf16, Scalars>(const Scalars&, bf16*) {}
template <> __device__ __forceinline__ void scalars_as<word16, Scalars>(const Scalars&, word16*) {}

template <class T, int V>
struct alignas(sizeof(T) * V < 16 ? sizeof(T) * V : 16) Vector { T at[V]; };

constexpr int WIDTH = 4;

/* All operands contiguous and aligned to their Vector. */
template <class Op>
__global__ void contiguous(char* y, const char* a, const char* b, const char* c, pyx_i64 n, Scalars scalars) {
    typedef typename Op::First First;
    typedef typename rest<Op>::type Rest;
    typedef typename Op::Out Out;
    real_t<typename Op::A> s[8];
    scalars_as<typename Op::A>(scalars, s);
    pyx_i64 step = thread_count<pyx_i64>() * WIDTH;
#pragma unroll 1
    for (pyx_i64 i = thread_number<pyx_i64>() * WIDTH; i < n; i += step) {
        Vector<First, WIDTH> va = {};
        Vector<Rest, WIDTH> vb = {}, vc = {};
        Vector<Out, WIDTH> vy;
        if (i + WIDTH <= n) {
            va = *(const Vector<First, WIDTH>*)((const First*)a + i);
            if (Op::inputs > 1) vb = *(const Vector<Rest, WIDTH>*)((const Rest*)b + i);
            if (Op::inputs > 2) vc = *(const Vector<Rest, WIDTH>*)((const Rest*)c + i);
        } else { /* the last ones: fewer than WIDTH */
#pragma unroll
            for (int k = 0; k < WIDTH - 1; k++)
                if (i + k < n) {
                    va.at[k] = ((const First*)a)[i + k];
                    if (Op::inputs > 1) vb.at[k] = ((const Rest*)b)[i + k];
                    if (Op::inputs > 2) vc.at[k] = ((const Rest*)c)[i + k];
                }
        }
#pragma unroll
        for (int k = 0; k < WIDTH; k++) Op::at(&vy.at[k], &va.at[k], &vb.at[k], &vc.at[k], s);
        if (i + WIDTH <= n) {
            *(Vector<Out, WIDTH>*)((Out*)y + i) = vy;
        } else {
#pragma unroll
            for (int k = 0; k < WIDTH - 1; k++)
                if (i + k < n) ((Out*)y)[i + k] = vy.at[k];
        }
    }
}

/* Dimension 0 is the innermost; strides in bytes. */
template <class I, int dims>
struct Walk {
    char* data[4];
    I numel;
    int ndim;
    I shape[dims], strides[4][dims];
};

template <class Op, class I, int dims>
__global__ void strided(Walk<I, dims> walk, Scalars scalars) {
    typedef typename Op::First First;
    typedef typename rest<Op>::type Rest;
    typedef typename Op::Out Out;
    real_t<typename Op::A> s[8];
    scalars_as<typename Op::A>(scalars, s);
    /* 64 bits: the last step of a 32-bit index could wrap around */
    pyx_i64 step = thread_count<pyx_i64>();
#pragma unroll 1
    for (pyx_i64 i = thread_number<pyx_i64>(); i < (pyx_i64)walk.numel; i += step) {
        I left = (I)i;
        pyx_i64 offset[4] = {0, 0, 0, 0};
#pragma unroll 1
        for (int d = 0; d < walk.ndim; d++) {
            I at = left;
            if (d + 1 < walk.ndim) {
                left = at / walk.shape[d];
                at -= left * walk.shape[d];
            }
#pragma unroll
            for (int k = 0; k <= Op::inputs; k++) offset[k] += (pyx_i64)at * (pyx_i64)walk.strides[k][d];
        }
        Op::at((Out*)(walk.data[0] + offset[0]), (const First*)(walk.data[1] + offset[1]),
               (const Rest*)(walk.data[2] + offset[2]), (const Rest*)(walk.data[3] + offset[3]), s);
    }
}

/* Set n elements to one value. */
template <class W>
__global__ void fill(W* y, pyx_i64 n, W value) {
    pyx_i64 step = thread_count<pyx_i64>();
    for (pyx_i64 i = thread_number<pyx_i64>(); i < n; i += step) y[i] = value;
}

}  // namespace pyx_gpu
