/* GPU kernels of the family `random`: a thread takes one block of the stream (see philox.h), 4 words,
   and writes the elements that those words make. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/laws.h"
#include "pyxtorch/philox.h"

namespace pyx_gpu {

/* enum pyx_law */
enum { UNIFORM, NORMAL, EXPONENTIAL, LOG_NORMAL, CAUCHY, GEOMETRIC, BERNOULLI };

constexpr int LANES = 16;

/* The type numbers are computed in: float64 needs two words an element, all others one. */
template <class T> struct compute { typedef float type; static constexpr int count = 4; };
template <> struct compute<double> { typedef double type; static constexpr int count = 2; };

template <class T, class C> struct Narrow { static PYX_HD T of(C x) { return (T)x; } };
template <class C> struct Narrow<bool, C> { static PYX_HD bool of(C x) { return x != (C)0; } };
template <class C> struct Narrow<f16, C> { static PYX_HD f16 of(C x) { return to_f16((float)x); } };
template <class C> struct Narrow<bf16, C> { static PYX_HD bf16 of(C x) { return to_bf16((float)x); } };

struct Law {
    int law;
    pyx_u32 keep; /* bits of a word that count: a number below 1 must stay so in half precision */
    double a, b;
};

__device__ inline void numbers(const Law& law, const pyx_u32* w, float* out) {
    const float a = (float)law.a, b = (float)law.b;
    switch (law.law) {
        case UNIFORM:
            for (int k = 0; k < 4; k++) out[k] = uniform_law(uniform_float(w[k] & law.keep), a, b, (float)(law.b - law.a));
            break;
        case NORMAL:
        case LOG_NORMAL:
            for (int k = 0; k < 4; k += 2)
                normal_law(uniform_float_above(w[k]), uniform_float(w[k + 1]), a, b, out[k], out[k + 1]);
            if (law.law == LOG_NORMAL)
                for (int k = 0; k < 4; k++) out[k] = ::expf(out[k]);
            break;
        case EXPONENTIAL:
            for (int k = 0; k < 4; k++)
                out[k] = exponential_law(uniform_float_above(w[k]), (float)(-1.0 / law.a), 2.98e-8f * -(float)(-1.0 / law.a));
            break;
        case CAUCHY:
            for (int k = 0; k < 4; k++) out[k] = cauchy_law(uniform_float_middle(w[k]), a, b);
            break;
        case GEOMETRIC:
            for (int k = 0; k < 4; k++) out[k] = geometric_law(uniform_float_above(w[k]), (float)(1.0 / ::log1p(-law.a)));
            break;
        default:
            for (int k = 0; k < 4; k++) out[k] = uniform_float(w[k]) < a ? 1.0f : 0.0f;
    }
}

__device__ inline void numbers(const Law& law, const pyx_u32* w, double* out) {
    const double a = law.a, b = law.b;
    switch (law.law) {
        case UNIFORM:
            for (int k = 0; k < 2; k++) out[k] = uniform_law(uniform_double(w[2 * k], w[2 * k + 1]), a, b, b - a);
            break;
        case NORMAL:
        case LOG_NORMAL:
            normal_law(uniform_double_above(w[0], w[1]), uniform_double(w[2], w[3]), a, b, out[0], out[1]);
            if (law.law == LOG_NORMAL)
                for (int k = 0; k < 2; k++) out[k] = ::exp(out[k]);
            break;
        case EXPONENTIAL:
            for (int k = 0; k < 2; k++) out[k] = exponential_law(uniform_double_above(w[2 * k], w[2 * k + 1]), -1.0 / a, 5.6e-17 / a);
            break;
        case CAUCHY:
            for (int k = 0; k < 2; k++) out[k] = cauchy_law(uniform_double_middle(uniform_double(w[2 * k], w[2 * k + 1])), a, b);
            break;
        case GEOMETRIC:
            for (int k = 0; k < 2; k++) out[k] = geometric_law(uniform_double_above(w[2 * k], w[2 * k + 1]), 1.0 / ::log1p(-a));
            break;
        default:
            for (int k = 0; k < 2; k++) out[k] = uniform_double(w[2 * k], w[2 * k + 1]) < a ? 1.0 : 0.0;
    }
}

/* Element k of `count` that block number q makes. */
__device__ inline pyx_i64 place(pyx_i64 q, int k, int count) { return q / LANES * (LANES * count) + k * LANES + q % LANES; }

template <class T>
__global__ void fill(Law law, T* out, pyx_i64 n, pyx_u64 seed, pyx_u64 offset, pyx_i64 blocks) {
    typedef typename compute<T>::type C;
    constexpr int count = compute<T>::count;
    PYX_EACH(q, blocks) {
        C x[count];
        pyx_philox_block words = philox(seed, offset + (pyx_u64)q, 0);
        numbers(law, words.word, x);
        for (int k = 0; k < count; k++) {
            pyx_i64 i = place(q, k, count);
            if (i < n) out[i] = Narrow<T, C>::of(x[k]);
        }
    }
}

/* A word, or two, into [0, range) by multiplication: the upper half. range 0: 2^64. */
template <class T>
__global__ void integers(T* out, pyx_i64 n, pyx_i64 low, pyx_u64 range, pyx_u64 seed, pyx_u64 offset, pyx_i64 blocks) {
    const int count = range && range <= ((pyx_u64)1 << 32) ? 4 : 2;
    PYX_EACH(q, blocks) {
        pyx_philox_block words = philox(seed, offset + (pyx_u64)q, 0);
        const pyx_u32* w = words.word;
        for (int k = 0; k < count; k++) {
            pyx_i64 i = place(q, k, count);
            pyx_u64 v = count == 4 ? w[k] * range >> 32 : w[2 * k] | (pyx_u64)w[2 * k + 1] << 32;
            if (count == 2 && range) v = __umul64hi(v, range);
            if (i < n) out[i] = Narrow<T, pyx_i64>::of((pyx_i64)((pyx_u64)low + v));
        }
    }
}

/* *wrong: set where a probability is outside [0, 1]. */
template <class T, class P>
__global__ void bernoulli(const P* p, T* out, pyx_i64 n, pyx_u64 seed, pyx_u64 offset, pyx_i64 blocks, int* wrong) {
    typedef typename compute<P>::type C;
    constexpr int count = compute<P>::count;
    PYX_EACH(q, blocks) {
        C u[count];
        pyx_philox_block words = philox(seed, offset + (pyx_u64)q, 0);
        numbers(Law{UNIFORM, ~0u, 0, 1}, words.word, u);
        for (int k = 0; k < count; k++) {
            pyx_i64 i = place(q, k, count);
            if (i >= n) continue;
            if (!(p[i] >= 0 && p[i] <= 1)) *wrong = 1;
            out[i] = Narrow<T, C>::of(u[k] < p[i] ? (C)1 : (C)0);
        }
    }
}

template <class T> struct Scaled { static PYX_HD T of(T x, double s) { return x * (T)s; } };
template <> struct Scaled<f16> { static PYX_HD f16 of(f16 x, double s) { return to_f16(to_float(x) * (float)s); } };
template <> struct Scaled<bf16> { static PYX_HD bf16 of(bf16 x, double s) { return to_bf16(to_float(x) * (float)s); } };
template <class R> struct Scaled<complex<R>> {
    static PYX_HD complex<R> of(complex<R> x, double s) { return complex<R>{Scaled<R>::of(x.re, s), Scaled<R>::of(x.im, s)}; }
};

/* One word an element; kept where it is at least `least`; all or none where `decided` is 1 or -1. */
template <class T>
__global__ void dropout(const T* x, T* y, pyx_u8* keep, pyx_i64 n, pyx_u32 least, int decided, double scale, pyx_u64 seed, pyx_u64 offset,
                        pyx_i64 blocks) {
    PYX_EACH(q, blocks) {
        pyx_philox_block words = philox(seed, offset + (pyx_u64)q, 0);
        for (int k = 0; k < 4; k++) {
            pyx_i64 i = place(q, k, 4);
            if (i >= n) continue;
            bool kept = decided ? decided > 0 : words.word[k] >= least;
            y[i] = kept ? Scaled<T>::of(x[i], scale) : T{};
            if (keep) keep[i] = kept;
        }
    }
}

template <class T>
__global__ void masked_scale(const T* x, const pyx_u8* keep, T* y, pyx_i64 n, double scale) {
    PYX_EACH(i, n) { y[i] = keep[i] ? Scaled<T>::of(x[i], scale) : T{}; }
}

}  // namespace pyx_gpu
