/* Tables of vectors. A gradient is added up by ranges of the table: every task walks all ids and
   takes those of its own rows, in order, so that no two tasks write one row. */
#include "pyxtorch/kernels/embedding.h"

#include <math.h>
#include <string.h>

#include "pyxtorch/runtime.h"

namespace {
using namespace pyx;

bool ids_in_range(const int64_t* ids, int64_t n, int64_t rows, int64_t* bad) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++) wrong |= (ids[i] < 0) | (ids[i] >= rows);
    if (!wrong) return true;
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= rows) {
            *bad = ids[i];
            return false;
        }
    return true;
}

template <class T>
int backward_all(const int64_t* ids, int64_t n, const T* g, T* out, int64_t rows, int64_t width, int64_t padding,
                 int by_frequency) {
    typedef acc_t<T> A;
    scratch<int64_t> counts(by_frequency ? rows : 1);
    if (!counts) return -4;
    if (by_frequency) {
        std::fill(counts.p, counts.p + rows, 0);
        for (int64_t i = 0; i < n; i++) counts[ids[i]]++;
    }
    int64_t pieces = std::max<int64_t>(1, std::min<int64_t>(16, (rows + n) * width / 65536));
    parallel_for(rows, (rows + pieces - 1) / pieces, [&](int64_t begin, int64_t end) {
        memset((void*)(out + begin * width), 0, (end - begin) * width * sizeof(T));
        for (int64_t i = 0; i < n; i++) {
            int64_t id = ids[i];
            if (id < begin || id >= end || id == padding) continue;
            T* o = out + id * width;
            const T* v = g + i * width;
            if (by_frequency) {
                A scale = (A)1 / (A)counts[id];
                for (int64_t k = 0; k < width; k++) store<T>(o + k, load(o + k) + load(v + k) * scale);
            } else {
                for (int64_t k = 0; k < width; k++) store<T>(o + k, load(o + k) + load(v + k));
            }
        }
    });
    return 0;
}

#define EMBEDDING_CASES(...) PYX_SWITCH(dtype, PYX_HALF_CASES(__VA_ARGS__) PYX_FLOAT_CASES(__VA_ARGS__))

int backward(int dtype, const int64_t* ids, int64_t n, const void* g, void* out, int64_t rows, int64_t width,
             int64_t padding, int by_frequency, int64_t* bad) {
    if (!ids_in_range(ids, n, rows, bad)) return -2;
    EMBEDDING_CASES(return backward_all(ids, n, (const T*)g, (T*)out, rows, width, padding, by_frequency))
    return 0;
}

template <class T>
int bag_all(int mode, const T* table, int64_t width, const int64_t* ids, const int64_t* offsets, int64_t bags,
            const T* weights, int64_t padding, T* out, int64_t* taken, int64_t* sizes) {
    typedef acc_t<T> A;
    bool failed = false;
    parallel_for(bags, 64, [&](int64_t begin, int64_t end) {
        scratch<A> sum(width + 1);
        if (!sum) {
            failed = true;
            return;
        }
        for (int64_t b = begin; b < end; b++) {
            int64_t count = 0;
            int64_t* from = taken ? taken + b * width : nullptr;
            for (int64_t k = 0; k < width; k++) sum[k] = 0;
            if (from) std::fill(from, from + width, -1);
            for (int64_t i = offsets[b]; i < offsets[b + 1]; i++) {
                if (ids[i] == padding) continue;
                const T* row = table + ids[i] * width;
                if (mode == PYX_BAG_MAX) {
                    for (int64_t k = 0; k < width; k++) {
                        A v = load(row + k);
                        if (count == 0 || v > sum[k]) {
                            sum[k] = v;
                            from[k] = ids[i];
                        }
                    }
                } else if (weights) {
                    A w = load(weights + i);
                    for (int64_t k = 0; k < width; k++) sum[k] += load(row + k) * w;
                } else {
                    for (int64_t k = 0; k < width; k++) sum[k] += load(row + k);
                }
                count++;
            }
            sizes[b] = count;
            A scale = mode == PYX_BAG_MEAN && count ? (A)1 / (A)count : (A)1;
            for (int64_t k = 0; k < width; k++) store<T>(out + b * width + k, sum[k] * scale);
        }
    });
    return failed ? -4 : 0;
}

int bag(int dtype, int mode, const void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n,
        const int64_t* offsets, int64_t bags, const void* weights, int64_t padding, void* out, int64_t* taken,
        int64_t* sizes, int64_t* bad) {
    if (!ids_in_range(ids, n, rows, bad)) return -2;
    EMBEDDING_CASES(return bag_all(mode, (const T*)table, width, ids, offsets, bags, (const T*)weights, padding, (T*)out, taken, sizes))
    return 0;
}

template <class T>
int renorm_all(T* table, int64_t width, const int64_t* ids, int64_t n, double max_norm, double p) {
    /* An id that comes again finds its row within the norm. */
    for (int64_t i = 0; i < n; i++) {
        T* row = table + ids[i] * width;
        double norm = 0;
        for (int64_t k = 0; k < width; k++) {
            double v = fabs((double)load(row + k));
            norm = p == 2 ? norm + v * v : p == 1 ? norm + v : p == __builtin_inf() ? std::max(norm, v) : norm + pow(v, p);
        }
        if (p != 1 && p != __builtin_inf()) norm = p == 2 ? sqrt(norm) : pow(norm, 1 / p);
        if (norm <= max_norm) continue;
        acc_t<T> scale = (acc_t<T>)(max_norm / (norm + 1e-7));
        for (int64_t k = 0; k < width; k++) store<T>(row + k, load(row + k) * scale);
    }
    return 0;
}

int renorm(int dtype, void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n, double max_norm,
           double p, int64_t* bad) {
    if (!ids_in_range(ids, n, rows, bad)) return -2;
    EMBEDDING_CASES(return renorm_all((T*)table, width, ids, n, max_norm, p))
    return 0;
}

const pyx_embedding_kernels table = {backward, bag, renorm};
}  // namespace

PYX_KERNELS(embedding, table)
