/* softmax and log_softmax along a dimension: maximum, exponentials with their sum, scaling.
   Rows are read while they lie in the cache; other layouts go column tile by column tile. */
#include "pyxtorch/kernels/softmax.h"

#include "pyxtorch/math.h"
#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

constexpr int LANES = 64;
constexpr int64_t TILE = 64;

template <class T, class F>
inline T fold(const T* x, int64_t n, T first, F f) {
    T lane[LANES], total = first;
    int64_t i = 0;
    if (n >= LANES) {
        for (int k = 0; k < LANES; k++) lane[k] = first;
        for (; i + LANES <= n; i += LANES)
            for (int k = 0; k < LANES; k++) lane[k] = f(lane[k], x[i + k]);
        for (int width = LANES / 2; width; width /= 2)
            for (int k = 0; k < width; k++) lane[k] = f(lane[k], lane[k + width]);
        total = lane[0];
    }
    for (; i < n; i++) total = f(total, x[i]);
    return total;
}

/* NaN wins, as in the maximum of the reductions */
template <class T> inline T larger(T a, T b) { return (b > a) | (b != b) ? b : a; }

template <class T>
void row_forward(const T* x, T* y, int64_t n, bool logarithm) {
    T top = fold(x, n, -infinity<T>(), [](T a, T b) { return larger(a, b); });
    if (logarithm) {
        T lane[LANES] = {0}, total = 0;
        int64_t i = 0;
        for (; i + LANES <= n; i += LANES)
            for (int k = 0; k < LANES; k++) lane[k] += exp(x[i + k] - top);
        for (int width = LANES / 2; width; width /= 2)
            for (int k = 0; k < width; k++) lane[k] += lane[k + width];
        total = lane[0];
        for (; i < n; i++) total += exp(x[i] - top);
        T shift = log(total);
        for (i = 0; i < n; i++) y[i] = x[i] - top - shift;
        return;
    }
    for (int64_t i = 0; i < n; i++) y[i] = exp(x[i] - top);
    T scale = (T)1 / fold(y, n, (T)0, [](T a, T b) { return a + b; });
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

template <class T>
void row_backward(const T* g, const T* y, T* gx, int64_t n, bool logarithm) {
    if (logarithm) {
        T total = fold(g, n, (T)0, [](T a, T b) { return a + b; });
        for (int64_t i = 0; i < n; i++) gx[i] = g[i] - exp(y[i]) * total;
        return;
    }
    T lane[LANES] = {0}, total = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += g[i + k] * y[i + k];
    for (int width = LANES / 2; width; width /= 2)
        for (int k = 0; k < width; k++) lane[k] += lane[k + width];
    total = lane[0];
    for (; i < n; i++) total += g[i] * y[i];
    for (i = 0; i < n; i++) gx[i] = (g[i] - total) * y[i];
}

template <class T>
int run_forward(const T* x, T* y, int64_t outer, int64_t dim, int64_t inner, bool logarithm) {
    if (inner == 1) {
        parallel_for(outer, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, dim)), [=](int64_t a, int64_t b) {
            for (int64_t i = a; i < b; i++) row_forward(x + i * dim, y + i * dim, dim, logarithm);
        });
        return 0;
    }
    int64_t tiles = (inner + TILE - 1) / TILE;
    parallel_for(outer * tiles, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, dim * std::min(TILE, inner))), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            int64_t c0 = i % tiles * TILE, n = std::min(TILE, inner - c0), base = i / tiles * dim * inner + c0;
            T top[TILE], total[TILE];
            for (int64_t c = 0; c < n; c++) {
                top[c] = -infinity<T>();
                total[c] = 0;
            }
            for (int64_t r = 0; r < dim; r++)
                for (int64_t c = 0; c < n; c++) top[c] = larger(top[c], x[base + r * inner + c]);
            for (int64_t r = 0; r < dim; r++)
                for (int64_t c = 0; c < n; c++) {
                    T e = exp(x[base + r * inner + c] - top[c]);
                    if (!logarithm) y[base + r * inner + c] = e;
                    total[c] += e;
                }
            if (logarithm) {
                for (int64_t c = 0; c < n; c++) total[c] = log(total[c]);
                for (int64_t r = 0; r < dim; r++)
                    for (int64_t c = 0; c < n; c++) y[base + r * inner + c] = x[base + r * inner + c] - top[c] - total[c];
            } else {
                for (int64_t c = 0; c < n; c++) total[c] = (T)1 / total[c];
                for (int64_t r = 0; r < dim; r++)
                    for (int64_t c = 0; c < n; c++) y[base + r * inner + c] *= total[c];
            }
        }
    });
    return 0;
}

template <class T>
int run_backward(const T* g, const T* y, T* gx, int64_t outer, int64_t dim, int64_t inner, bool logarithm) {
    if (inner == 1) {
        parallel_for(outer, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, dim)), [=](int64_t a, int64_t b) {
            for (int64_t i = a; i < b; i++) row_backward(g + i * dim, y + i * dim, gx + i * dim, dim, logarithm);
        });
        return 0;
    }
    int64_t tiles = (inner + TILE - 1) / TILE;
    parallel_for(outer * tiles, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, dim * std::min(TILE, inner))), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            int64_t c0 = i % tiles * TILE, n = std::min(TILE, inner - c0), base = i / tiles * dim * inner + c0;
            T total[TILE] = {0};
            for (int64_t r = 0; r < dim; r++)
                for (int64_t c = 0; c < n; c++) {
                    int64_t at = base + r * inner + c;
                    total[c] += logarithm ? g[at] : g[at] * y[at];
                }
            for (int64_t r = 0; r < dim; r++)
                for (int64_t c = 0; c < n; c++) {
                    int64_t at = base + r * inner + c;
                    gx[at] = logarithm ? g[at] - exp(y[at]) * total[c] : (g[at] - total[c]) * y[at];
                }
        }
    });
    return 0;
}

int forward(int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int logarithm) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return run_forward((const T*)x, (T*)y, outer, dim, inner, logarithm); }))
    return -1;
}

int backward(int dtype, const void* g, const void* y, void* gx, int64_t outer, int64_t dim, int64_t inner, int logarithm) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return run_backward((const T*)g, (const T*)y, (T*)gx, outer, dim, inner, logarithm); }))
    return -1;
}

const pyx_softmax_kernels table = {forward, backward};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(softmax, pyx::table)
