/* GPU kernels of the family `conv`: convolution and its two gradients as products of matrices of which only tiles
   are ever made, in shared memory ("implicit GEMM": Chetlur and others, "cuDNN: Efficient Primitives for Deep
   Learning", 2014).

   C[m, n] = sum over k of A[m, k] B[k, n], for each group:
     forward      m filter,   n position of y,      k channel and tap       A = w,   B = x
     by the input m channel,  n position of x,      k filter and tap        A = w,   B = gy
     by the weight m filter,  n channel and tap,    k position of y         A = gy,  B = x
   An element of B lies at the sum of what n and what k say of it (Site): a base, and a place in space. */
#include "pyxtorch/cuda_block.h"

namespace pyx_gpu {

/* The layout of pyx_conv. */
struct Conv {
    pyx_i64 batch, groups, channels, filters;
    pyx_i64 in[3], kernel[3], out[3], stride[3], padding[3], dilation[3];
    int precise;
};

enum Way { FORWARD, BY_INPUT, BY_WEIGHT };

/* What an index contributes: to the place in B, to that in A (indices k) or in C (indices n). */
struct Site {
    pyx_i64 base, other;
    int z, y, x;
};

/* Sizes of the product; all of one group. */
struct Sizes {
    pyx_i64 M, N, K;
    pyx_i64 in, out, taps;      /* elements of a plane and of a kernel */
    pyx_i64 piece, pieces;      /* k is cut into pieces, each with a C of its own */
};

template <int way>
__device__ Site position_of(const Conv& c, const Sizes& s, pyx_i64 i) { /* of y; for BY_INPUT of x */
    const pyx_i64* size = way == BY_INPUT ? c.in : c.out;
    pyx_i64 plane = way == BY_INPUT ? s.in : s.out;
    pyx_i64 b = i / plane, r = i % plane;
    int z = (int)(r / (size[1] * size[2])), y = (int)(r / size[2] % size[1]), x = (int)(r % size[2]);
    if (way == BY_INPUT) /* the place in gy, times stride */
        return Site{b * c.filters * s.out, b * c.channels * s.in + r, z + (int)c.padding[0], y + (int)c.padding[1], x + (int)c.padding[2]};
    return Site{b * c.channels * s.in, b * c.filters * s.out + r, z * (int)c.stride[0] - (int)c.padding[0],
                y * (int)c.stride[1] - (int)c.padding[1], x * (int)c.stride[2] - (int)c.padding[2]};
}
template <int way>
__device__ Site tap_of(const Conv& c, const Sizes& s, pyx_i64 i) { /* of a channel; for BY_INPUT of a filter */
    pyx_i64 plane = i / s.taps, t = i % s.taps;
    int z = (int)(t / (c.kernel[1] * c.kernel[2]) * c.dilation[0]), y = (int)(t / c.kernel[2] % c.kernel[1] * c.dilation[1]),
        x = (int)(t % c.kernel[2] * c.dilation[2]);
    if (way == BY_INPUT) return Site{plane * s.out, plane * (c.channels / c.groups) * s.taps + t, -z, -y, -x};
    return Site{plane * s.in, i, z, y, x};
}

/* The element of B where two sites meet; 0 outside. */
template <int way, class T>
__device__ acc_t<T> meet(const Conv& c, const T* B, const Site& p, const Site& q) {
    int z = p.z + q.z, y = p.y + q.y, x = p.x + q.x;
    const pyx_i64* size = way == BY_INPUT ? c.out : c.in;
    if (way == BY_INPUT) {
        if (z < 0 || y < 0 || x < 0) return 0;
        int a = (int)c.stride[0], b = (int)c.stride[1], d = (int)c.stride[2];
        if (a != 1 || b != 1 || d != 1) {
            if (z % a || y % b || x % d) return 0;
            z /= a, y /= b, x /= d;
        }
    }
    if ((unsigned)z >= (unsigned)size[0] || (unsigned)y >= (unsigned)size[1] || (unsigned)x >= (unsigned)size[2]) return 0;
    return load(B + p.base + q.base + ((pyx_i64)z * size[1] + y) * size[2] + x);
}

/* A block makes a tile of C of MT by NT elements, a thread RM by RN of them, KT indices k at a time. */
template <int way, class T, int MT, int NT, int KT, int RM, int RN>
__global__ void correlate(const T* A, const T* B, const T* bias, void* C, Conv c, Sizes s) {
    typedef acc_t<T> V;
    constexpr int TX = NT / RN;
    __shared__ V a[KT][MT + 1];
    __shared__ V b[KT][NT];
    __shared__ Site sites[KT];
    int t = (int)threadIdx.x, tx = t % TX, ty = t / TX;
    pyx_i64 wide = (s.N + NT - 1) / NT, high = (s.M + MT - 1) / MT, tiles = wide * high * c.groups * s.pieces;
    pyx_i64 step = way == FORWARD ? s.K : way == BY_INPUT ? s.taps : s.out;    /* from row to row of A */
    pyx_i64 row = way == FORWARD ? s.out : way == BY_INPUT ? s.in : s.N;       /* and of C */
#pragma unroll 1
    for (pyx_i64 tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        pyx_i64 n0 = tile % wide * NT, m0 = tile / wide % high * MT, g = tile / (wide * high) % c.groups, part = tile / (wide * high * c.groups);
        pyx_i64 k0 = part * s.piece, k1 = k0 + s.piece < s.K ? k0 + s.piece : s.K;
        const T* from_a = A + (way == BY_WEIGHT ? g * s.M * s.out : way == FORWARD ? g * s.M * s.K : g * (c.filters / c.groups) * s.M * s.taps);
        const T* from_b = B + (way == BY_INPUT ? g * (c.filters / c.groups) * s.out : g * (c.channels / c.groups) * s.in);
        pyx_i64 mine = n0 + t % NT;
        Site at = {0, 0, 0, 0, 0};
        if (mine < s.N) at = way == BY_WEIGHT ? tap_of<way>(c, s, mine) : position_of<way>(c, s, mine);
        V sum[RM][RN];
        for (int i = 0; i < RM; i++)
            for (int j = 0; j < RN; j++) sum[i][j] = 0;
#pragma unroll 1
        for (pyx_i64 k = k0; k < k1; k += KT) {
            if (t < KT && k + t < k1) sites[t] = way == BY_WEIGHT ? position_of<way>(c, s, k + t) : tap_of<way>(c, s, k + t);
            __syncthreads();
            for (int i = t; i < KT * MT; i += THREADS) {
                int kk = i % KT, m = i / KT;
                a[kk][m] = k + kk < k1 && m0 + m < s.M ? load(from_a + sites[kk].other + (m0 + m) * step) : (V)0;
            }
            for (int kk = t / NT; kk < KT; kk += THREADS / NT)
                b[kk][t % NT] = k + kk < k1 && mine < s.N ? meet<way>(c, from_b, at, sites[kk]) : (V)0;
            __syncthreads();
            for (int kk = 0; kk < KT; kk++) {
                V u[RM], v[RN];
                for (int i = 0; i < RM; i++) u[i] = a[kk][ty * RM + i];
                for (int j = 0; j < RN; j++) v[j] = b[kk][tx + j * TX];
                for (int i = 0; i < RM; i++)
                    for (int j = 0; j < RN; j++) sum[i][j] += u[i] * v[j];
            }
        }
        for (int j = 0; j < RN; j++) {
            pyx_i64 n = n0 + tx + j * TX;
            if (n >= s.N) continue;
            pyx_i64 to = way == BY_WEIGHT ? n : position_of<way>(c, s, n).other;
            for (int i = 0; i < RM; i++) {
                pyx_i64 m = m0 + ty * RM + i;
                if (m >= s.M) continue;
                pyx_i64 place = to + (g * s.M + m) * row;
                if (s.pieces > 1) ((V*)C)[part * c.groups * s.M * s.N + place] = sum[i][j];
                else store<T>((T*)C + place, way == FORWARD && bias ? sum[i][j] + load(bias + g * s.M + m) : sum[i][j]);
            }
        }
        __syncthreads();
    }
}

/* The pieces' results added in their order. */
template <class T>
__global__ void add_pieces(const acc_t<T>* part, T* y, pyx_i64 n, pyx_i64 pieces) {
    PYX_EACH(i, n) {
        acc_t<T> sum = 0;
        for (pyx_i64 p = 0; p < pieces; p++) sum += part[p * n + i];
        store<T>(y + i, sum);
    }
}

}  // namespace pyx_gpu
