/* GPU kernels of the family `norm`. x is (N, C, S) for all of them; a row of layer normalisation is a channel of one image.

   Statistics are taken in double, of pieces of a channel: first the mean, then the squares about it. The pieces are
   merged in their order, so the bits depend on the sizes alone. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/math.h"

namespace pyx_gpu {

/* A piece: `images` images, or `length` elements of one. Where S is 1 a thread keeps to one channel. */
struct Pieces {
    pyx_i64 N, C, S;
    pyx_i64 images, length;   /* of a piece */
    pyx_i64 across_pieces;    /* pieces along S */
    pyx_i64 count;            /* pieces of a channel */
    int across, along;        /* of a box: threads along S (or, where S is 1, along C), and along N */
};

struct Moments {
    double n, mean, squares;
};
/* Chan, Golub and LeVeque, as in reduce.cuh. */
__device__ inline Moments merged(Moments a, Moments b) {
    if (b.n == 0) return a;
    if (a.n == 0) return b;
    double n = a.n + b.n, gap = b.mean - a.mean, share = b.n / n;
    return Moments{n, a.mean + gap * share, a.squares + b.squares + gap * gap * a.n * share};
}
struct Pair {
    double a, b;
};

/* Where a thread works: f(channel, offset of the element) for each of its elements of piece p. */
struct Walk {
    pyx_i64 c, n0, n1, s0, s1;
    int dn, ds;
    bool inside;
    __device__ Walk(const Pieces& q, pyx_i64 job) {
        pyx_i64 p = job % q.count;
        n0 = p / q.across_pieces * q.images;
        n1 = n0 + q.images < q.N ? n0 + q.images : q.N;
        s0 = p % q.across_pieces * q.length;
        s1 = s0 + q.length < q.S ? s0 + q.length : q.S;
        int column = (int)threadIdx.x % q.across, step = (int)threadIdx.x / q.across;
        n0 += step;
        dn = q.along;
        ds = q.across;
        if (q.S == 1) c = job / q.count * q.across + column;
        else c = job / q.count, s0 += column;
        inside = c < q.C;
    }
    template <class F>
    __device__ void each(const Pieces& q, F f) const {
        if (!inside) return;
        for (pyx_i64 n = n0; n < n1; n += dn)
            for (pyx_i64 s = s0; s < s1; s += ds) f((n * q.C + c) * q.S + s, s);
    }
};

/* The fold of a value over the threads that share a channel; for all of them. */
template <class W, class F>
__device__ W channel_fold(const Pieces& q, W value, W* shared, F f) {
    return Box(q.S == 1 ? q.across : 1, q.S == 1 ? q.along : THREADS).fold(value, shared, f);
}
__device__ inline bool first_of(const Pieces& q) { return (int)threadIdx.x < (q.S == 1 ? q.across : 1); }
__device__ inline pyx_i64 jobs(const Pieces& q) { return (q.S == 1 ? (q.C + q.across - 1) / q.across : q.C) * q.count; }

/* Moments of each piece of each channel: (C, count). */
template <class T>
__global__ void moments(const T* x, Moments* out, Pieces q) {
    __shared__ Pair shared[THREADS];
    auto add = [](Pair u, Pair v) { return Pair{u.a + v.a, u.b + v.b}; };
#pragma unroll 1
    for (pyx_i64 job = blockIdx.x; job < jobs(q); job += gridDim.x) {
        Walk w(q, job);
        double n = 0, sum = 0;
        w.each(q, [&](pyx_i64 at, pyx_i64) { n += 1; sum += (double)x[at]; });
        Pair total = channel_fold(q, Pair{n, sum}, shared, add);
        double mean = total.b / total.a, squares = 0, rest = 0;
        w.each(q, [&](pyx_i64 at, pyx_i64) { double d = (double)x[at] - mean; squares += d * d; rest += d; });
        Pair off = channel_fold(q, Pair{squares, rest}, shared, add);
        double shift = total.a > 0 ? off.b / total.a : 0; /* what rounding left of the mean */
        if (first_of(q) && w.inside) out[w.c * q.count + job % q.count] = Moments{total.a, mean + shift, off.a - off.b * shift};
    }
}

/* Each channel's statistics; var may be NULL. */
template <class T>
__global__ void statistics(const Moments* part, pyx_i64 C, pyx_i64 count, T* mean, T* var, T* rstd, double eps) {
    PYX_EACH(c, C) {
        Moments m = {0, 0, 0};
        for (pyx_i64 p = 0; p < count; p++) m = merged(m, part[c * count + p]);
        double v = m.n > 0 ? m.squares / m.n : not_a_number<double>();
        mean[c] = (T)(m.n > 0 ? m.mean : not_a_number<double>());
        if (var) var[c] = (T)v;
        rstd[c] = (T)(1 / ::sqrt(v + eps));
    }
}

/* y = (x - mean[c]) * scale[c] * weight[s] + (bias[s] or shift[c]); the last three may be NULL. */
template <class T>
__global__ void normalise(const T* x, const T* mean, const T* scale, const T* shift, const T* weight, const T* bias, T* y, pyx_i64 lines,
                          pyx_i64 C, pyx_i64 S, int across) {
    Box box(across, 1);
    pyx_i64 n = box.count(lines, S), o, s;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        if (!box.place(i, lines, S, o, s)) continue;
        pyx_i64 c = o % C;
        T v = (x[o * S + s] - mean[c]) * scale[c];
        if (weight) v *= weight[s];
        if (bias) v += bias[s];
        y[o * S + s] = shift ? v + shift[c] : v;
    }
}

/* Sums of g * weight[s] and of that times x - mean, of each piece of each channel; weight may be NULL. */
template <class T>
__global__ void gradient_sums(const T* g, const T* x, const T* weight, const T* mean, Pair* out, Pieces q) {
    __shared__ Pair shared[THREADS];
#pragma unroll 1
    for (pyx_i64 job = blockIdx.x; job < jobs(q); job += gridDim.x) {
        Walk w(q, job);
        double a = 0, b = 0, m = w.inside ? (double)mean[w.c] : 0;
        w.each(q, [&](pyx_i64 at, pyx_i64 s) {
            double v = (double)g[at] * (weight ? (double)weight[s] : 1);
            a += v;
            b += v * ((double)x[at] - m);
        });
        Pair total = channel_fold(q, Pair{a, b}, shared, [](Pair u, Pair v) { return Pair{u.a + v.a, u.b + v.b}; });
        if (first_of(q) && w.inside) out[w.c * q.count + job % q.count] = total;
    }
}

/* Pieces added into the first; of batch normalisation also the gradients of weight and bias, else NULL. */
template <class T>
__global__ void merge_sums(Pair* part, pyx_i64 C, pyx_i64 count, const T* rstd, T* gw, T* gb) {
    PYX_EACH(c, C) {
        Pair s = {0, 0};
        for (pyx_i64 p = 0; p < count; p++) s.a += part[c * count + p].a, s.b += part[c * count + p].b;
        part[c * count] = s;
        if (gw) gw[c] = (T)(s.b * (double)rstd[c]);
        if (gb) gb[c] = (T)s.a;
    }
}

/* The gradient of x: weight of an element or, where `by_channel`, of a channel. `sums` NULL: fixed statistics. */
template <class T>
__global__ void input_gradient(const T* g, const T* x, const T* weight, int by_channel, const T* mean, const T* rstd, const Pair* sums,
                               pyx_i64 count, double number, T* gx, pyx_i64 lines, pyx_i64 C, pyx_i64 S, int across) {
    Box box(across, 1);
    pyx_i64 n = box.count(lines, S), o, s;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        if (!box.place(i, lines, S, o, s)) continue;
        pyx_i64 c = o % C, at = o * S + s;
        T scale = rstd[c], v = g[at];
        if (weight && !by_channel) v *= weight[s];
        if (sums && number == 1 && !by_channel) {
            gx[at] = 0; /* a constant: exactly 0, where rounding would leave something times rstd */
            continue;
        }
        if (sums) {
            Pair t = sums[c * count];
            v = v - (T)(t.a / number) - (x[at] - mean[c]) * scale * (T)(t.b * (double)scale / number);
        }
        gx[at] = (weight && by_channel ? scale * weight[c] : scale) * v;
    }
}

/* Layer normalisation's gradients of weight and bias: sums over rows, of pieces of `piece` rows: (pieces, n). */
template <class T>
__global__ void column_sums(const T* g, const T* x, const T* mean, const T* rstd, Pair* out, pyx_i64 rows, pyx_i64 n, pyx_i64 pieces,
                            pyx_i64 piece, int across, int along) {
    __shared__ Pair shared[THREADS];
    Box box(across, along);
    pyx_i64 total = box.count(pieces, n), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < total; i += gridDim.x) {
        bool inside = box.place(i, pieces, n, o, c);
        Pair sum = {0, 0};
        pyx_i64 end = !inside ? 0 : (o + 1) * piece < rows ? (o + 1) * piece : rows;
        for (pyx_i64 r = o * piece + box.step; r < end; r += along) {
            double v = (double)g[r * n + c];
            sum.a += v;
            sum.b += v * (double)(x[r * n + c] - mean[r]) * (double)rstd[r];
        }
        sum = box.fold(sum, shared, [](Pair u, Pair v) { return Pair{u.a + v.a, u.b + v.b}; });
        if (inside && box.step == 0) out[o * n + c] = sum;
    }
}
template <class T>
__global__ void merge_columns(const Pair* part, pyx_i64 n, pyx_i64 pieces, T* gw, T* gb) {
    PYX_EACH(c, n) {
        Pair s = {0, 0};
        for (pyx_i64 p = 0; p < pieces; p++) s.a += part[p * n + c].a, s.b += part[p * n + c].b;
        if (gw) gw[c] = (T)s.b;
        if (gb) gb[c] = (T)s.a;
    }
}

}  // namespace pyx_gpu
