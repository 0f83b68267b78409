/* Permutations, draws by weight, and the samplers by rejection: the rest of the family `random`.
   Included by random.cpp, whose table holds these. */
#pragma once
#include "pyxtorch/kernels/random.h"
#include "random_lanes.h"

namespace {
using namespace pyx;

/* Fisher and Yates, on words of the stream drawn for the places begin..end of a list. */
inline void shuffle_piece(uint32_t* list, int64_t begin, int64_t end, uint64_t seed, uint64_t offset) {
    Words words;
    int64_t have = -1;
    for (int64_t i = end - 1; i > begin; i--) {
        int64_t group = i / 64;
        if (group != have) {
            draw(seed, offset + (uint64_t)group * LANES, words);
            have = group;
        }
        uint64_t j = ((&words.w[0][0])[i % 64] * (uint64_t)(i - begin + 1)) >> 32;
        std::swap(list[i], list[begin + (int64_t)j]);
    }
}

/* Rao and Sandelius: deal the numbers into 256 hands by a random byte each, then shuffle each hand,
   which fits the cache. Words 0..n-1 shuffle; the bytes of words from n on (rounded up) deal. */
int random_permutation(int64_t* out, int64_t n, uint64_t seed, uint64_t offset) {
    if (n >= ((int64_t)1 << 32)) return -4;
    scratch<uint32_t> list(n + 1);
    if (!list) return -4;
    if (n < 65536) {
        for (int64_t i = 0; i < n; i++) list[i] = (uint32_t)i;
        shuffle_piece(list, 0, n, seed, offset);
    } else {
        uint64_t deal = offset + (uint64_t)((n + 63) / 64) * LANES;
        scratch<uint8_t> hand(n + 256);
        if (!hand) return -4;
        int64_t starts[257] = {0};
        parallel_for(n, 65536, [&](int64_t begin, int64_t end) {
            Words words;
            for (int64_t i = begin; i < end; i += 256) {
                draw(seed, deal + (uint64_t)(i / 256) * LANES, words);
                memcpy(hand + i, &words.w[0][0], std::min<int64_t>(256, end - i));
            }
        });
        int64_t counts[4][256] = {{0}};
        int64_t i = 0;
        for (; i + 4 <= n; i += 4)
            for (int k = 0; k < 4; k++) counts[k][hand[i + k]]++;
        for (; i < n; i++) counts[0][hand[i]]++;
        for (int h = 0; h < 256; h++) starts[h + 1] = starts[h] + counts[0][h] + counts[1][h] + counts[2][h] + counts[3][h];
        int64_t at[256];
        memcpy(at, starts, sizeof at);
        for (i = 0; i < n; i++) list[at[hand[i]]++] = (uint32_t)i;
        parallel_for(256, 16, [&](int64_t begin, int64_t end) {
            for (int64_t h = begin; h < end; h++) shuffle_piece(list, starts[h], starts[h + 1], seed, offset);
        });
    }
    parallel_for(n, 65536, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) out[i] = list[i];
    });
    return 0;
}

/* With replacement: inversion of the running sum. Without: the `count` largest of
   log(u) / weight (Efraimidis and Spirakis), which is drawing one after the other. */
template <class T>
int multinomial_all(const T* weights, int64_t rows, int64_t n, int64_t count, int replacement, int64_t* out,
                    uint64_t seed, uint64_t offset) {
    scratch<double> sums(n + 1);
    scratch<int64_t> order(n + 1);
    if (!sums || !order) return -4;
    for (int64_t r = 0; r < rows; r++) {
        const T* w = weights + r * n;
        int64_t* o = out + r * count;
        double total = 0;
        int64_t positive = 0, last = 0;
        for (int64_t i = 0; i < n; i++) {
            double v = (double)load(w + i);
            if (!(v >= 0) || v == __builtin_inf()) return -2;
            total += v;
            sums[i] = total;
            if (v > 0) {
                positive++;
                last = i;
            }
        }
        if (!(total > 0)) return -3;
        PrivateStream stream(seed, offset, (uint64_t)r);
        if (replacement) {
            for (int64_t k = 0; k < count; k++) {
                double u = (1.0 - stream.uniform()) * total;  /* [0, total) */
                int64_t i = std::upper_bound(sums.p, sums.p + n, u) - sums.p;
                o[k] = std::min(i, last);
            }
            continue;
        }
        if (positive < count) return -5;
        for (int64_t i = 0; i < n; i++) {
            double v = (double)load(w + i), u = stream.uniform();
            sums[i] = v > 0 ? log(u) / v : -__builtin_inf();
            order[i] = i;
        }
        auto before = [&](int64_t a, int64_t b) { return sums[a] != sums[b] ? sums[a] > sums[b] : a < b; };
        std::partial_sort(order.p, order.p + count, order.p + n, before);
        memcpy(o, order.p, count * sizeof(int64_t));
    }
    return 0;
}

#define RANDOM_FLOATS(...) PYX_SWITCH(dtype, PYX_HALF_CASES(__VA_ARGS__) PYX_FLOAT_CASES(__VA_ARGS__))

int random_multinomial(int dtype, const void* weights, int64_t rows, int64_t n, int64_t count, int replacement,
                       int64_t* out, uint64_t seed, uint64_t offset) {
    RANDOM_FLOATS(return multinomial_all((const T*)weights, rows, n, count, replacement, out, seed, offset))
    return 0;
}

inline double one_normal(PrivateStream& s) {
    double r = sqrt(-2 * log(s.uniform()));
    return r * cos(6.283185307179586477 * s.uniform());
}

/* log(k!) by Stirling's series. */
inline double log_factorial(double k) {
    static const double small[10] = {0, 0, 0.693147180559945309, 1.791759469228055, 3.178053830347946, 4.787491742782046,
                                     6.579251212010101, 8.525161361065415, 10.60460290274525, 12.80182748008147};
    if (k < 10) return small[(int)k];
    double x = k + 1, z = 1 / (x * x);
    return (x - 0.5) * log(x) - x + 0.918938533204672742 + (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260))) / x;
}

/* Small rates: products of uniforms (Knuth). Large ones: transformed rejection, PTRS (Hoermann,
   "The transformed rejection method for generating Poisson random variables", 1993). */
inline double one_poisson(double rate, PrivateStream& s) {
    if (rate == 0) return 0;
    if (rate < 10) {
        double limit = exp(-rate), product = 1;
        for (double k = 0;; k++) {
            product *= s.uniform();
            if (product <= limit) return k;
        }
    }
    double root = sqrt(rate), log_rate = log(rate);
    double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
    double inv = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u = s.uniform() - 0.5, v = s.uniform(), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + rate + 0.43);
        if (us >= 0.07 && v <= v_r) return k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (log(v) + log(inv) - log(a / (us * us) + b) <= -rate + k * log_rate - log_factorial(k)) return k;
    }
}

/* Few expected successes: jumps between them. Many: transformed rejection, BTRS (Hoermann, "The
   generation of binomial random variates", 1993). */
inline double one_binomial(double n, double p, PrivateStream& s) {
    if (n <= 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - one_binomial(n, 1 - p, s);
    if (n * p < 10) {
        double scale = log1p(-p), sum = 0;
        for (double k = 0;; k++) {
            sum += ceil(log(s.uniform()) / scale);
            if (sum > n || sum == 0) return k < n ? k : n;
        }
    }
    double spread = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
    double c = n * p + 0.5, v_r = 0.92 - 4.2 / b, odds = p / (1 - p), alpha = (2.83 + 5.1 / b) * spread;
    double m = floor((n + 1) * p);
    for (;;) {
        double u = s.uniform() - 0.5, v = s.uniform(), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + c);
        if (us >= 0.07 && v <= v_r) return k;
        if (k < 0 || k > n) continue;
        v = log(v * alpha / (a / (us * us) + b));
        double edge = (m - k) * -log(odds) + log_factorial(m) + log_factorial(n - m) - log_factorial(k) - log_factorial(n - k);
        if (v <= edge) return k;
    }
}

/* Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). */
inline double one_gamma(double shape, PrivateStream& s) {
    double boost = 1;
    if (shape < 1) {
        boost = pow(s.uniform(), 1 / shape);
        shape += 1;
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = one_normal(s), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        double u = s.uniform();
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return boost * d * v;
    }
}

template <class T, class F>
int each_sample(T* out, int64_t n, uint64_t seed, uint64_t offset, F&& f) {
    parallel_for(n, 1024, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            PrivateStream s(seed, offset, (uint64_t)i);
            store<T>(out + i, (acc_t<T>)f(i, s));
        }
    });
    return 0;
}

int random_poisson(int dtype, const void* rate, void* out, int64_t n, uint64_t seed, uint64_t offset) {
    RANDOM_FLOATS({
        const T* r = (const T*)rate;
        for (int64_t i = 0; i < n; i++)
            if (!((double)load(r + i) >= 0) || (double)load(r + i) > 9.2e18) return -2;
        return each_sample((T*)out, n, seed, offset, [&](int64_t i, PrivateStream& s) { return one_poisson((double)load(r + i), s); });
    })
    return 0;
}

int random_binomial(int dtype, const void* count, const void* p, void* out, int64_t n, uint64_t seed, uint64_t offset) {
    RANDOM_FLOATS({
        const T* c = (const T*)count;
        const T* q = (const T*)p;
        for (int64_t i = 0; i < n; i++)
            if (!((double)load(c + i) >= 0) || (double)load(c + i) > 9.2e18 || !((double)load(q + i) >= 0 && (double)load(q + i) <= 1)) return -2;
        return each_sample((T*)out, n, seed, offset,
                           [&](int64_t i, PrivateStream& s) { return one_binomial(floor((double)load(c + i)), (double)load(q + i), s); });
    })
    return 0;
}

int random_gamma(int dtype, const void* shape, void* out, int64_t n, uint64_t seed, uint64_t offset) {
    RANDOM_FLOATS({
        const T* a = (const T*)shape;
        for (int64_t i = 0; i < n; i++)
            if (!((double)load(a + i) > 0) || (double)load(a + i) == __builtin_inf()) return -2;
        const double tiny = sizeof(T) == 8 ? 2.2250738585072014e-308 : 1.17549435e-38;
        return each_sample((T*)out, n, seed, offset, [&](int64_t i, PrivateStream& s) {
            return std::max(one_gamma((double)load(a + i), s), tiny);
        });
    })
    return 0;
}
}  // namespace
