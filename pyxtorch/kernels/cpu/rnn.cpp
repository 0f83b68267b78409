/* One step of a recurrent cell after its products: gates, new state, and their gradients. */
#include "pyxtorch/kernels/rnn.h"

#include "elementwise_wide.h"
#include "pyxtorch/loops.h"
#include "pyxtorch/unary.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

/* Units that are computed at once, in buffers of the first-level cache: their activations are the
   elementwise family's own loops, which want whole vectors. What lies beyond the end is not used. */
constexpr int64_t UNITS = 128;

template <class F, class T> inline void apply(T* x, int64_t n) {
    char* p[2] = {(char*)x, (char*)x};
    Unary<F, T>::block(p, (n + Unary<F, T>::width - 1) & -(int64_t)Unary<F, T>::width, nullptr);
}
template <class T> struct Buffer {
    alignas(64) T x[UNITS] = {};
    void add(const T* a, const T* b, int64_t m) {
        for (int64_t k = 0; k < m; k++) x[k] = a[k] + b[k];
    }
    void store(T* to, int64_t m) const {
        for (int64_t k = 0; k < m; k++) to[k] = x[k];
    }
};

/* f(row, first unit, how many) over all pieces of all rows */
template <class F> void each_piece(int64_t rows, int64_t n, F f) {
    parallel_for(rows, std::max<int64_t>(1, 2048 / std::max<int64_t>(1, n)), [=](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; row++)
            for (int64_t u = 0; u < n; u += UNITS) f(row, u, std::min(UNITS, n - u));
    });
}

template <class T>
int lstm_of(const T* a, const T* b, const T* c, T* next_h, T* next_c, T* gates, int64_t rows, int64_t n) {
    each_piece(rows, n, [=](int64_t row, int64_t u, int64_t m) {
        int64_t at = row * n + u, wide = row * 4 * n + u;
        Buffer<T> gate[4], t;
        for (int k = 0; k < 4; k++) {
            gate[k].add(a + wide + k * n, b + wide + k * n, m);
            if (k == 2) apply<u_tanh>(gate[k].x, m);
            else apply<u_sigmoid>(gate[k].x, m);
            gate[k].store(gates + wide + k * n, m);
        }
        for (int64_t k = 0; k < m; k++) t.x[k] = gate[1].x[k] * c[at + k] + gate[0].x[k] * gate[2].x[k];
        t.store(next_c + at, m);
        apply<u_tanh>(t.x, m);
        for (int64_t k = 0; k < m; k++) next_h[at + k] = gate[3].x[k] * t.x[k];
    });
    return 0;
}

template <class T>
int lstm_backward_of(const T* grad_h, const T* grad_c, const T* gates, const T* c, const T* next_c, T* grad_gates, T* grad_old_c,
                     int64_t rows, int64_t n) {
    each_piece(rows, n, [=](int64_t row, int64_t u, int64_t m) {
        int64_t at = row * n + u, wide = row * 4 * n + u;
        const T *i = gates + wide, *f = i + n, *g = f + n, *o = g + n;
        T *di = grad_gates + wide, *df = di + n, *dg = df + n, *d_o = dg + n;
        Buffer<T> t, dh, dc;
        for (int64_t k = 0; k < m; k++) t.x[k] = next_c[at + k];
        apply<u_tanh>(t.x, m);
        if (grad_h)
            for (int64_t k = 0; k < m; k++) dh.x[k] = grad_h[at + k];
        if (grad_c)
            for (int64_t k = 0; k < m; k++) dc.x[k] = grad_c[at + k];
        for (int64_t k = 0; k < m; k++) {
            T d = dc.x[k] + dh.x[k] * o[k] * ((T)1 - t.x[k] * t.x[k]);
            di[k] = d * g[k] * i[k] * ((T)1 - i[k]);
            df[k] = d * c[at + k] * f[k] * ((T)1 - f[k]);
            dg[k] = d * i[k] * ((T)1 - g[k] * g[k]);
            d_o[k] = dh.x[k] * t.x[k] * o[k] * ((T)1 - o[k]);
            grad_old_c[at + k] = d * f[k];
        }
    });
    return 0;
}

template <class T>
int gru_of(const T* a, const T* b, const T* h, T* next_h, T* gates, int64_t rows, int64_t n) {
    each_piece(rows, n, [=](int64_t row, int64_t u, int64_t m) {
        int64_t at = row * n + u, wide = row * 3 * n + u;
        Buffer<T> r, z, c;
        r.add(a + wide, b + wide, m);
        apply<u_sigmoid>(r.x, m);
        r.store(gates + wide, m);
        z.add(a + wide + n, b + wide + n, m);
        apply<u_sigmoid>(z.x, m);
        z.store(gates + wide + n, m);
        for (int64_t k = 0; k < m; k++) c.x[k] = a[wide + 2 * n + k] + r.x[k] * b[wide + 2 * n + k];
        apply<u_tanh>(c.x, m);
        c.store(gates + wide + 2 * n, m);
        for (int64_t k = 0; k < m; k++) next_h[at + k] = c.x[k] + z.x[k] * (h[at + k] - c.x[k]);
    });
    return 0;
}

template <class T>
int gru_backward_of(const T* grad, const T* gates, const T* b, const T* h, T* grad_a, T* grad_b, T* grad_h, int64_t rows, int64_t n) {
    each_piece(rows, n, [=](int64_t row, int64_t u, int64_t m) {
        int64_t at = row * n + u, wide = row * 3 * n + u;
        const T *r = gates + wide, *z = r + n, *c = z + n;
        T *ar = grad_a + wide, *az = ar + n, *ac = az + n, *br = grad_b + wide, *bz = br + n, *bc = bz + n;
        for (int64_t k = 0; k < m; k++) {
            T d = grad[at + k], dc = d * ((T)1 - z[k]) * ((T)1 - c[k] * c[k]);
            T dz = d * (h[at + k] - c[k]) * z[k] * ((T)1 - z[k]);
            T dr = dc * b[wide + 2 * n + k] * r[k] * ((T)1 - r[k]);
            ar[k] = br[k] = dr;
            az[k] = bz[k] = dz;
            ac[k] = dc;
            bc[k] = dc * r[k];
            grad_h[at + k] = d * z[k];
        }
    });
    return 0;
}

#define FLOATS(...) PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return __VA_ARGS__; })) return -1;
#define P(x) (T*)x
#define C(x) (const T*)x

int lstm(int dtype, const void* a, const void* b, const void* c, void* next_h, void* next_c, void* gates, int64_t rows, int64_t n) {
    FLOATS(lstm_of<T>(C(a), C(b), C(c), P(next_h), P(next_c), P(gates), rows, n))
}
int lstm_backward(int dtype, const void* grad_h, const void* grad_c, const void* gates, const void* c, const void* next_c, void* grad_gates,
                  void* grad_old_c, int64_t rows, int64_t n) {
    FLOATS(lstm_backward_of<T>(C(grad_h), C(grad_c), C(gates), C(c), C(next_c), P(grad_gates), P(grad_old_c), rows, n))
}
int gru(int dtype, const void* a, const void* b, const void* h, void* next_h, void* gates, int64_t rows, int64_t n) {
    FLOATS(gru_of<T>(C(a), C(b), C(h), P(next_h), P(gates), rows, n))
}
int gru_backward(int dtype, const void* grad, const void* gates, const void* b, const void* h, void* grad_a, void* grad_b, void* grad_h,
                 int64_t rows, int64_t n) {
    FLOATS(gru_backward_of<T>(C(grad), C(gates), C(b), C(h), P(grad_a), P(grad_b), P(grad_h), rows, n))
}

const pyx_rnn_kernels table = {lstm, lstm_backward, gru, gru_backward};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(rnn, pyx::table)
