/* Random numbers: vectors of 16 blocks, so that a piece of the output is 64 elements (32 where an
   element takes two words). Every piece knows its place in the stream from its position. */
#include "pyxtorch/kernels/random.h"

#include "random_lanes.h"
#include "random_samplers.h"

namespace {
using namespace pyx;

constexpr int64_t PIECE = 16384;  // elements of a task: a multiple of 64

/* The dtype numbers are computed in: float64 needs two words, all others one. */
template <class T> struct compute { typedef float type; };
template <> struct compute<double> { typedef double type; };
template <class T> using compute_t = typename compute<T>::type;

template <class T> inline T narrow(float x) { return (T)x; }
template <class T> inline T narrow(double x) { return (T)x; }
template <> inline f16 narrow<f16>(float x) { return to_f16(x); }
template <> inline bf16 narrow<bf16>(float x) { return to_bf16(x); }
template <> inline f16 narrow<f16>(double x) { return to_f16((float)x); }
template <> inline bf16 narrow<bf16>(double x) { return to_bf16((float)x); }
template <> inline bool narrow<bool>(double x) { return x != 0; }
template <> inline bool narrow<bool>(float x) { return x != 0; }

/* One law: `lanes` turns the words of 16 blocks into 64 floats or 32 doubles. `drop`: low bits to
   clear so that a number below 1 stays below 1 in half precision. */
struct Law {
    int law;
    double a, b;
    uint32_t keep = ~0u;
};

inline void lanes(const Law& law, const Words& words, float* out) {
    const float a = (float)law.a, b = (float)law.b;
    const uint32_t* w = &words.w[0][0];
    const uint32_t keep = law.keep;
    switch (law.law) {
        case PYX_UNIFORM: {
            const float span = (float)(law.b - law.a);
            for (int i = 0; i < 64; i++) out[i] = uniform_law(uniform_float(w[i] & keep), a, b, span);
            break;
        }
        case PYX_NORMAL:
        case PYX_LOG_NORMAL:
            for (int half = 0; half < 2; half++)
                for (int i = 0; i < LANES; i++)
                    normal_law(uniform_float_above(words.w[2 * half][i]), uniform_float(words.w[2 * half + 1][i]), a, b,
                               out[32 * half + i], out[32 * half + LANES + i]);
            if (law.law == PYX_LOG_NORMAL)
                for (int i = 0; i < 64; i++) out[i] = expf(out[i]);
            break;
        case PYX_EXPONENTIAL: {
            const float scale = (float)(-1.0 / law.a), least = 2.98e-8f * -scale;
            for (int i = 0; i < 64; i++) out[i] = exponential_law(uniform_float_above(w[i]), scale, least);
            break;
        }
        case PYX_CAUCHY:
            for (int i = 0; i < 64; i++) out[i] = cauchy_law(uniform_float_middle(w[i]), a, b);
            break;
        case PYX_GEOMETRIC: {
            const float scale = (float)(1.0 / log1p(-law.a));
            for (int i = 0; i < 64; i++) out[i] = geometric_law(uniform_float_above(w[i]), scale);
            break;
        }
        default:
            for (int i = 0; i < 64; i++) out[i] = uniform_float(w[i]) < a ? 1.0f : 0.0f;
    }
}

inline void lanes(const Law& law, const Words& words, double* out) {
    const double a = law.a, b = law.b;
    double u[32];  /* (0, 1] for laws by logarithm, else [0, 1) */
    bool above = law.law == PYX_EXPONENTIAL || law.law == PYX_GEOMETRIC;
    for (int h = 0; h < 2; h++)
        for (int i = 0; i < LANES; i++)
            u[h * LANES + i] = above || ((law.law == PYX_NORMAL || law.law == PYX_LOG_NORMAL) && h == 0)
                                   ? uniform_double_above(words.w[2 * h][i], words.w[2 * h + 1][i])
                                   : uniform_double(words.w[2 * h][i], words.w[2 * h + 1][i]);
    switch (law.law) {
        case PYX_UNIFORM:
            for (int i = 0; i < 32; i++) out[i] = uniform_law(u[i], a, b, b - a);
            break;
        case PYX_NORMAL:
        case PYX_LOG_NORMAL:
            for (int i = 0; i < LANES; i++) normal_law(u[i], u[LANES + i], a, b, out[i], out[LANES + i]);
            if (law.law == PYX_LOG_NORMAL)
                for (int i = 0; i < 32; i++) out[i] = exp(out[i]);
            break;
        case PYX_EXPONENTIAL:
            for (int i = 0; i < 32; i++) out[i] = exponential_law(u[i], -1.0 / a, 5.6e-17 / a);
            break;
        case PYX_CAUCHY:
            for (int i = 0; i < 32; i++) out[i] = cauchy_law(uniform_double_middle(u[i]), a, b);
            break;
        case PYX_GEOMETRIC: {
            const double scale = 1.0 / log1p(-a);
            for (int i = 0; i < 32; i++) out[i] = geometric_law(u[i], scale);
            break;
        }
        default:
            for (int i = 0; i < 32; i++) out[i] = u[i] < a ? 1.0 : 0.0;
    }
}

/* emit(first element, count, numbers) for all groups of one draw. */
template <class C, class F>
void groups(const Law& law, int64_t n, uint64_t seed, uint64_t offset, F&& emit) {
    constexpr int group = sizeof(C) == 4 ? 64 : 32;
    parallel_for(n, PIECE, [&](int64_t begin, int64_t end) {
        Words words;
        alignas(64) C numbers[group];
        for (int64_t i = begin; i < end; i += group) {
            draw(seed, offset + (uint64_t)(i / group) * LANES, words);
            lanes(law, words, numbers);
            emit(i, std::min<int64_t>(group, end - i), numbers);
        }
    });
}

template <class T>
int fill_all(const Law& law, T* out, int64_t n, uint64_t seed, uint64_t offset) {
    typedef compute_t<T> C;
    groups<C>(law, n, seed, offset, [&](int64_t first, int64_t count, const C* x) {
        T* o = out + first;
        if (count == (sizeof(C) == 4 ? 64 : 32))
            for (int i = 0; i < (sizeof(C) == 4 ? 64 : 32); i++) o[i] = narrow<T>(x[i]);
        else
            for (int64_t i = 0; i < count; i++) o[i] = narrow<T>(x[i]);
    });
    return 0;
}

int fill(int which, int dtype, void* out, int64_t n, double a, double b, uint64_t seed, uint64_t offset) {
    Law law{which, a, b};
    if (which == PYX_UNIFORM && dtype == PYX_FLOAT16) law.keep = ~0u << 21;
    if (which == PYX_UNIFORM && dtype == PYX_BFLOAT16) law.keep = ~0u << 24;
    if (which == PYX_GEOMETRIC || which == PYX_BERNOULLI)
        PYX_SWITCH(dtype, PYX_BOOL_CASE(return fill_all(law, (T*)out, n, seed, offset))
                              PYX_INTEGER_CASES(return fill_all(law, (T*)out, n, seed, offset))
                                  PYX_HALF_CASES(return fill_all(law, (T*)out, n, seed, offset))
                                      PYX_FLOAT_CASES(return fill_all(law, (T*)out, n, seed, offset)))
    PYX_SWITCH(dtype, PYX_HALF_CASES(return fill_all(law, (T*)out, n, seed, offset))
                          PYX_FLOAT_CASES(return fill_all(law, (T*)out, n, seed, offset)))
    return 0;
}

/* A word into [0, range) by multiplication: its upper half. */
template <class T> inline T integer_as(int64_t v) { return (T)v; }
template <> inline f16 integer_as<f16>(int64_t v) { return to_f16((float)v); }
template <> inline bf16 integer_as<bf16>(int64_t v) { return to_bf16((float)v); }
template <> inline bool integer_as<bool>(int64_t v) { return v != 0; }

template <class T>
int integers_all(T* out, int64_t n, int64_t low, uint64_t range, uint64_t seed, uint64_t offset) {
    if (range && range <= (1ull << 32)) {
        parallel_for(n, PIECE, [&](int64_t begin, int64_t end) {
            Words words;
            alignas(64) T values[64];
            for (int64_t i = begin; i < end; i += 64) {
                draw(seed, offset + (uint64_t)(i / 64) * LANES, words);
                const uint32_t* w = &words.w[0][0];
                T* o = end - i >= 64 ? out + i : values;
                for (int k = 0; k < 64; k++) o[k] = integer_as<T>((int64_t)((uint64_t)low + ((w[k] * range) >> 32)));
                if (o == values) memcpy(out + i, values, (end - i) * sizeof(T));
            }
        });
        return 0;
    }
    parallel_for(n, PIECE, [&](int64_t begin, int64_t end) {
        Words words;
        for (int64_t i = begin; i < end; i += 32) {
            draw(seed, offset + (uint64_t)(i / 32) * LANES, words);
            for (int k = 0; k < 32 && i + k < end; k++) {
                int h = k / LANES * 2, lane = k % LANES;
                uint64_t v = words.w[h][lane] | (uint64_t)words.w[h + 1][lane] << 32;
                if (range) v = (uint64_t)(((unsigned __int128)v * range) >> 64);
                out[i + k] = integer_as<T>((int64_t)((uint64_t)low + v));
            }
        }
    });
    return 0;
}

int integers(int dtype, void* out, int64_t n, int64_t low, uint64_t range, uint64_t seed, uint64_t offset) {
    PYX_SWITCH(dtype, PYX_BOOL_CASE(return integers_all((T*)out, n, low, range, seed, offset))
                          PYX_INTEGER_CASES(return integers_all((T*)out, n, low, range, seed, offset))
                              PYX_HALF_CASES(return integers_all((T*)out, n, low, range, seed, offset))
                                  PYX_FLOAT_CASES(return integers_all((T*)out, n, low, range, seed, offset)))
    return 0;
}

/* Bernoulli with probabilities from a tensor, computed in float or double by their dtype. */
template <class T, class P>
int bernoulli_all(const P* p, T* out, int64_t n, uint64_t seed, uint64_t offset) {
    typedef compute_t<P> C;
    Law law{PYX_UNIFORM, 0, 1};
    int64_t pieces = (n + PIECE - 1) / PIECE;
    scratch<uint8_t> wrong(std::max<int64_t>(pieces, 1));
    if (!wrong) return -4;
    memset(wrong.p, 0, pieces);
    groups<C>(law, n, seed, offset, [&](int64_t first, int64_t count, const C* u) {
        int bad = 0;
        const P* q = p + first;
        T* o = out + first;
        if (count == (sizeof(C) == 4 ? 64 : 32)) {
            for (int i = 0; i < (sizeof(C) == 4 ? 64 : 32); i++) {
                C v = (C)load(q + i);
                bad |= !(v >= 0) | !(v <= 1);
                o[i] = narrow<T>(u[i] < v ? (C)1 : (C)0);
            }
        } else {
            for (int64_t i = 0; i < count; i++) {
                C v = (C)load(q + i);
                bad |= !(v >= 0) | !(v <= 1);
                o[i] = narrow<T>(u[i] < v ? (C)1 : (C)0);
            }
        }
        if (bad) wrong[first / PIECE] = 1;
    });
    for (int64_t i = 0; i < pieces; i++)
        if (wrong[i]) return -2;
    return 0;
}

template <class P>
int bernoulli_from(int dtype, const P* p, void* out, int64_t n, uint64_t seed, uint64_t offset) {
    PYX_SWITCH(dtype, PYX_BOOL_CASE(return bernoulli_all(p, (T*)out, n, seed, offset))
                          PYX_INTEGER_CASES(return bernoulli_all(p, (T*)out, n, seed, offset))
                              PYX_HALF_CASES(return bernoulli_all(p, (T*)out, n, seed, offset))
                                  PYX_FLOAT_CASES(return bernoulli_all(p, (T*)out, n, seed, offset)))
    return 0;
}

int bernoulli(int dtype, const void* p, int p_dtype, void* out, int64_t n, uint64_t seed, uint64_t offset) {
    if (p_dtype == PYX_FLOAT32) return bernoulli_from(dtype, (const float*)p, out, n, seed, offset);
    if (p_dtype == PYX_FLOAT64) return bernoulli_from(dtype, (const double*)p, out, n, seed, offset);
    return -1;
}

inline f16 scaled(f16 x, float s) { return to_f16(to_float(x) * s); }
inline bf16 scaled(bf16 x, float s) { return to_bf16(to_float(x) * s); }
inline float scaled(float x, float s) { return x * s; }
inline double scaled(double x, double s) { return x * s; }
inline c64 scaled(c64 x, float s) { return c64{x.re * s, x.im * s}; }
inline c128 scaled(c128 x, double s) { return c128{x.re * s, x.im * s}; }

template <class T>
int dropout_all(const T* x, T* y, uint8_t* keep, int64_t n, double p, double scale, uint64_t seed, uint64_t offset) {
    /* one word each for every dtype: kept where the word is at least p * 2^32 */
    double edge = p * 4294967296.0;
    bool all = edge <= 0, none = edge >= 4294967295.5;
    uint32_t least = none ? 0xffffffffu : (uint32_t)(edge < 0 ? 0 : edge);
    typedef typename std::conditional<sizeof(real_t<T>) == 8, double, float>::type S;
    S s = (S)scale;
    parallel_for(n, PIECE, [&](int64_t begin, int64_t end) {
        Words words;
        alignas(64) uint8_t flags[64];
        for (int64_t i = begin; i < end; i += 64) {
            int64_t count = std::min<int64_t>(64, end - i);
            if (none || all) {
                memset(flags, all && !none, 64);
            } else {
                draw(seed, offset + (uint64_t)(i / 64) * LANES, words);
                const uint32_t* w = &words.w[0][0];
                if (count == 64 && std::is_same<T, float>::value) {
                    const float* from = (const float*)(x + i);
                    float* to = (float*)(y + i);
                    for (int k = 0; k < 64; k++) to[k] = w[k] >= least ? from[k] * (float)s : 0.0f;
                    if (keep)
                        for (int k = 0; k < 64; k++) keep[i + k] = w[k] >= least;
                    continue;
                }
                for (int k = 0; k < 64; k++) flags[k] = w[k] >= least;
            }
            for (int64_t k = 0; k < count; k++) y[i + k] = flags[k] ? scaled(x[i + k], s) : T{};
            if (keep) memcpy(keep + i, flags, count);
        }
    });
    return 0;
}

int dropout(int dtype, const void* x, void* y, uint8_t* keep, int64_t n, double p, double scale, uint64_t seed,
            uint64_t offset) {
    PYX_SWITCH(dtype, PYX_HALF_CASES(return dropout_all((const T*)x, (T*)y, keep, n, p, scale, seed, offset))
                          PYX_FLOAT_CASES(return dropout_all((const T*)x, (T*)y, keep, n, p, scale, seed, offset))
                              PYX_COMPLEX_CASES(return dropout_all((const T*)x, (T*)y, keep, n, p, scale, seed, offset)))
    return 0;
}

template <class T>
int masked_scale_all(const T* x, const uint8_t* keep, T* y, int64_t n, double scale) {
    typedef typename std::conditional<sizeof(real_t<T>) == 8, double, float>::type S;
    S s = (S)scale;
    parallel_for(n, PIECE, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            T v = scaled(x[i], s);
            y[i] = keep[i] ? v : T{};
        }
    });
    return 0;
}

int masked_scale(int dtype, const void* x, const uint8_t* keep, void* y, int64_t n, double scale) {
    PYX_SWITCH(dtype, PYX_HALF_CASES(return masked_scale_all((const T*)x, keep, (T*)y, n, scale))
                          PYX_FLOAT_CASES(return masked_scale_all((const T*)x, keep, (T*)y, n, scale))
                              PYX_COMPLEX_CASES(return masked_scale_all((const T*)x, keep, (T*)y, n, scale)))
    return 0;
}

int64_t blocks(int64_t n, int words) {
    int64_t group = words == 1 ? 64 : 32;
    return (n + group - 1) / group * LANES;
}

int words_of(int, int dtype) { return dtype == PYX_FLOAT64 ? 2 : 1; }

const pyx_random_kernels table = {fill, integers, bernoulli, dropout, masked_scale, random_permutation,
                                  random_multinomial, random_poisson, random_binomial, random_gamma, blocks, words_of};
}  // namespace

PYX_KERNELS(random, table)
