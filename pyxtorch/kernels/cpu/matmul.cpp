/* Matrix products of every dtype, on top of the tiles of matmul_tile.h. */
#include "pyxtorch/kernels/matmul.h"

#include "matmul_tile.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

template <class T>
product<T> typed(const pyx_gemm& g, int64_t item) {
    return {g.m, g.n, g.k,
            (const T*)g.a + item * g.a_batch, g.a_row, g.a_col,
            (const T*)g.b + item * g.b_batch, g.b_row, g.b_col,
            (T*)g.c + item * g.c_batch, g.c_row,
            g.d ? (const T*)g.d + item * g.d_batch : nullptr, g.d_row,
            (T)g.alpha[0], (T)g.beta[0]};
}

template <class T>
int one_real(const pyx_gemm& g, int64_t item, bool parallel) {
    return gemm<T>(typed<T>(g, item), parallel);
}

/* float16, bfloat16: through float copies, rounded once at the end. */
template <class T>
int one_half(const pyx_gemm& g, int64_t item, bool parallel) {
    scratch<float> room(g.m * g.k + g.k * g.n + g.m * g.n + 1);
    if (!room) return -2;
    float *a = room.p, *b = a + g.m * g.k, *c = b + g.k * g.n;
    const T* x = (const T*)g.a + item * g.a_batch;
    const T* y = (const T*)g.b + item * g.b_batch;
    T* z = (T*)g.c + item * g.c_batch;
    const T* d = g.d ? (const T*)g.d + item * g.d_batch : nullptr;
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t q = 0; q < g.k; q++) a[i * g.k + q] = to_float(x[i * g.a_row + q * g.a_col]);
    for (int64_t q = 0; q < g.k; q++)
        for (int64_t j = 0; j < g.n; j++) b[q * g.n + j] = to_float(y[q * g.b_row + j * g.b_col]);
    int failed = gemm<float>({g.m, g.n, g.k, a, g.k, 1, b, g.n, 1, c, g.n, nullptr, 0, 1.0f, 0.0f}, parallel);
    if (failed) return failed;
    float alpha = (float)g.alpha[0], beta = (float)g.beta[0];
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t j = 0; j < g.n; j++) {
            float v = c[i * g.n + j] * alpha;
            if (d) v += beta * to_float(d[i * g.d_row + j]);
            store<T>(z + i * g.c_row + j, v);
        }
    return 0;
}

/* Complex: four real products over separated parts. */
template <class T>
int one_complex(const pyx_gemm& g, int64_t item, bool parallel) {
    typedef complex<T> C;
    int64_t mk = g.m * g.k, kn = g.k * g.n, mn = g.m * g.n;
    const C* x = (const C*)g.a + item * g.a_batch;
    const C* y = (const C*)g.b + item * g.b_batch;
    C* z = (C*)g.c + item * g.c_batch;
    const C* d = g.d ? (const C*)g.d + item * g.d_batch : nullptr;
    C alpha = {(T)g.alpha[0], (T)g.alpha[1]}, beta = {(T)g.beta[0], (T)g.beta[1]};
    scratch<T> room(2 * (mk + kn + mn) + 1);
    if (!room) return -2;
    T *ar = room.p, *ai = ar + mk, *br = ai + mk, *bi = br + kn, *cr = bi + kn, *ci = cr + mn;
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t q = 0; q < g.k; q++) {
            C v = x[i * g.a_row + q * g.a_col];
            ar[i * g.k + q] = v.re, ai[i * g.k + q] = v.im;
        }
    for (int64_t q = 0; q < g.k; q++)
        for (int64_t j = 0; j < g.n; j++) {
            C v = y[q * g.b_row + j * g.b_col];
            br[q * g.n + j] = v.re, bi[q * g.n + j] = v.im;
        }
    auto step = [&](const T* a, const T* b, T* c, T sign, bool add) {
        return gemm<T>({g.m, g.n, g.k, a, g.k, 1, b, g.n, 1, c, g.n, add ? c : nullptr, g.n, sign, T(1)}, parallel);
    };
    int failed = step(ar, br, cr, 1, false) | step(ai, bi, cr, -1, true) | step(ar, bi, ci, 1, false) | step(ai, br, ci, 1, true);
    if (failed) return -2;
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t j = 0; j < g.n; j++) {
            T re = cr[i * g.n + j], im = ci[i * g.n + j];
            C v = {alpha.re * re - alpha.im * im, alpha.re * im + alpha.im * re};
            if (d) {
                C w = d[i * g.d_row + j];
                v.re += beta.re * w.re - beta.im * w.im;
                v.im += beta.re * w.im + beta.im * w.re;
            }
            z[i * g.c_row + j] = v;
        }
    return 0;
}

/* Integers, unsigned inside so that overflow wraps. */
template <class T>
int one_integer(const pyx_gemm& g, int64_t item, bool parallel) {
    typedef typename std::make_unsigned<T>::type U;
    const U* x = (const U*)g.a + item * g.a_batch;
    const U* y = (const U*)g.b + item * g.b_batch;
    U* z = (U*)g.c + item * g.c_batch;
    const U* d = g.d ? (const U*)g.d + item * g.d_batch : nullptr;
    U alpha = (U)(int64_t)g.alpha[0], beta = (U)(int64_t)g.beta[0];
    auto rows = [&](int64_t i0, int64_t i1) {
        U sum[64];
        for (int64_t i = i0; i < i1; i++)
            for (int64_t j0 = 0; j0 < g.n; j0 += 64) {
                int width = (int)std::min<int64_t>(64, g.n - j0);
                for (int j = 0; j < width; j++) sum[j] = 0;
                for (int64_t q = 0; q < g.k; q++) {
                    U s = x[i * g.a_row + q * g.a_col];
                    const U* b = y + q * g.b_row + j0 * g.b_col;
                    if (g.b_col == 1)
                        for (int j = 0; j < width; j++) sum[j] = (U)(sum[j] + (U)(s * b[j]));
                    else
                        for (int j = 0; j < width; j++) sum[j] = (U)(sum[j] + (U)(s * b[j * g.b_col]));
                }
                for (int j = 0; j < width; j++) {
                    U v = (U)(sum[j] * alpha);
                    if (d) v = (U)(v + (U)(beta * d[i * g.d_row + j0 + j]));
                    z[i * g.c_row + j0 + j] = v;
                }
            }
    };
    if (parallel) parallel_for(g.m, std::max<int64_t>(1, 262144 / std::max<int64_t>(1, g.n * g.k)), rows);
    else rows(0, g.m);
    return 0;
}

template <class T> struct one { static constexpr auto function = one_integer<T>; };
template <> struct one<float> { static constexpr auto function = one_real<float>; };
template <> struct one<double> { static constexpr auto function = one_real<double>; };
template <> struct one<f16> { static constexpr auto function = one_half<f16>; };
template <> struct one<bf16> { static constexpr auto function = one_half<bf16>; };
template <> struct one<c64> { static constexpr auto function = one_complex<float>; };
template <> struct one<c128> { static constexpr auto function = one_complex<double>; };

template <class T>
int batched(const pyx_gemm& g) {
    if (g.batch == 1) return one<T>::function(g, 0, true);
    double work = (double)g.m * g.n * std::max<int64_t>(1, g.k);
    int failed = 0;
    if (g.batch < 4 && work > 1e6) {
        for (int64_t i = 0; i < g.batch; i++) failed |= one<T>::function(g, i, true);
        return failed;
    }
    int64_t grain = (int64_t)std::max(1.0, 300000.0 / std::max(1.0, work));
    parallel_for(g.batch, grain, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; i++)
            if (one<T>::function(g, i, false)) failed = -2;
    });
    return failed;
}

int run(int dtype, const pyx_gemm* g) {
    if (g->m <= 0 || g->n <= 0 || g->batch <= 0) return 0;
    PYX_SWITCH(dtype, PYX_FLOAT_CASES(return batched<T>(*g)) PYX_HALF_CASES(return batched<T>(*g))
                          PYX_COMPLEX_CASES(return batched<T>(*g)) PYX_INTEGER_CASES(return batched<T>(*g)))
    return 0;
}

const pyx_matmul_kernels table = {run};
PYX_KERNELS(matmul, table)

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
