/* GPU kernels of the family `embedding`. Ids have been checked before. Gradients are added up in the
   order of the ids, by one thread for each place: see index.cuh. */
#include "pyxtorch/cuda_block.h"

namespace pyx_gpu {

enum { SUM, MEAN, MAX };

/* How often each id occurs. */
__global__ void count(const pyx_i64* ids, pyx_i64 n, pyx_i64* counts) {
    PYX_EACH(i, n) { atomicAdd((unsigned long long*)(counts + ids[i]), 1ull); }
}

/* Column k of the rows id with id % shares == share, for each thread. counts: NULL unless by frequency. */
template <class T>
__global__ void backward(const pyx_i64* ids, pyx_i64 n, const T* g, T* out, pyx_i64 width, pyx_i64 padding, const pyx_i64* counts,
                         pyx_i64 shares) {
    PYX_EACH(i, width * shares) {
        pyx_i64 k = i % width, share = i / width;
#pragma unroll 1
        for (pyx_i64 j = 0; j < n; j++) {
            pyx_i64 id = ids[j];
            if (id % shares != share || id == padding) continue;
            acc_t<T> v = load(g + j * width + k);
            if (counts) v *= (acc_t<T>)1 / (acc_t<T>)counts[id];
            store<T>(out + id * width + k, load(out + id * width + k) + v);
        }
    }
}

template <class T>
__global__ void bag(int mode, const T* table, pyx_i64 width, const pyx_i64* ids, const pyx_i64* offsets, pyx_i64 bags, const T* weights,
                    pyx_i64 padding, T* out, pyx_i64* taken, pyx_i64* sizes) {
    typedef acc_t<T> A;
    PYX_EACH(i, bags * width) {
        pyx_i64 b = i / width, k = i % width, count = 0, from = -1;
        A sum = 0;
#pragma unroll 1
        for (pyx_i64 j = offsets[b]; j < offsets[b + 1]; j++) {
            if (ids[j] == padding) continue;
            A v = load(table + ids[j] * width + k);
            if (mode == MAX) {
                if (count == 0 || v > sum) {
                    sum = v;
                    from = ids[j];
                }
            } else {
                sum += weights ? v * load(weights + j) : v;
            }
            count++;
        }
        store<T>(out + i, mode == MEAN && count ? sum * ((A)1 / (A)count) : sum);
        if (taken) taken[i] = from;
        if (k == 0) sizes[b] = count;
    }
}

/* Rows whose p-norm exceeds max_norm are scaled down. One block: an id that comes again must find
   its row within the norm. */
template <class T>
__global__ void renorm(T* table, pyx_i64 width, const pyx_i64* ids, pyx_i64 n, double max_norm, double p) {
    __shared__ double shared[THREADS];
    Box box(1, THREADS);
    bool largest = p > 1.7976931348623157e308;
#pragma unroll 1
    for (pyx_i64 i = 0; i < n; i++) {
        T* row = table + ids[i] * width;
        double norm = 0;
        for (pyx_i64 k = threadIdx.x; k < width; k += THREADS) {
            double v = ::fabs((double)load(row + k));
            if (largest) norm = v > norm ? v : norm;
            else norm += p == 2 ? v * v : p == 1 ? v : ::pow(v, p);
        }
        norm = box.fold(norm, shared, [=](double a, double b) { return largest ? (a > b ? a : b) : a + b; });
        if (!largest && p != 1) norm = p == 2 ? ::sqrt(norm) : ::pow(norm, 1 / p);
        if (norm > max_norm) {
            acc_t<T> scale = (acc_t<T>)(max_norm / (norm + 1e-7));
            for (pyx_i64 k = threadIdx.x; k < width; k += THREADS) store<T>(row + k, load(row + k) * scale);
        }
        __syncthreads();
    }
}

}  // namespace pyx_gpu
