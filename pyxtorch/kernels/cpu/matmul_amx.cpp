/* The products of matmul_amx.h.

   Both operands are packed into tiles of 16 rows of 64 bytes. A tile of the left operand holds 16
   rows and 32 columns of one part (k): its lane r is the pair of columns (r, r + 16), so that
   neither operand needs a shuffle where memory runs the right way. The right operand's tile is the
   same thing transposed. Tiles are grouped: for each step of 32 in k the three parts of one or two
   tiles side by side; and these groups follow each other along k, one chunk of KC after the other. */
#include "matmul_amx.h"

#if PYX_LEVEL == 4 && defined(__linux__)
#include <cpuid.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace amx {
namespace {

constexpr int64_t STEP = 32;   /* of k in one tile */
constexpr int64_t TILE = 512;  /* 16-bit numbers in one */
constexpr int PARTS = 3;
constexpr int64_t GROUP = PARTS * TILE; /* of one tile, for one step */

constexpr int64_t KC = 512;  /* does not change a bit of the sums */
constexpr int64_t MC = 256;  /* rows of a task: their parts, MC x KC x 6 bytes, stay in the second-level cache */

typedef uint16_t part;

/* --------------------------------------------------------------------------------- packing */

/* The parts of 16 floats, each in the upper half of a lane. Magnitudes are rounded half away. */
inline void split(__m512 x, __m512i* h) {
    const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32((int)0xffff0000);
    h[0] = _mm512_add_epi32(_mm512_castps_si512(x), half);
    __m512 r = _mm512_sub_ps(x, _mm512_castsi512_ps(_mm512_and_si512(h[0], upper)));
    h[1] = _mm512_add_epi32(_mm512_castps_si512(r), half);
    h[2] = _mm512_castps_si512(_mm512_sub_ps(r, _mm512_castsi512_ps(_mm512_and_si512(h[1], upper))));
}

/* One row of the three tiles at `out` from two vectors. `apart`: between the parts. */
inline void put(__m512 low, __m512 high, part* out, int64_t apart) {
    __m512i a[PARTS], b[PARTS];
    split(low, a);
    split(high, b);
#pragma GCC unroll 3
    for (int s = 0; s < PARTS; s++)
        _mm512_store_si512((void*)(out + s * apart), _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(a[s], 16), b[s]));
}

inline __mmask16 first(int64_t count) { return count >= 16 ? 0xffff : count <= 0 ? 0 : (__mmask16)((1u << count) - 1); }

/* The largest magnitude, collected in lanes. NaN is passed over: it stays NaN on its way. */
inline void collect(__m512& most, __m512 x) { most = _mm512_range_ps(most, x, 0x0b); }

/* One tile, of `width` <= 16 lanes across and `count` <= 32 along k, from x[w * across + q * along].
   LEFT: the tile's rows are lanes across; else they are pairs along k. */
template <bool LEFT>
inline void pack_tile(const float* x, int64_t across, int64_t along, int64_t width, int64_t count, part* out, int64_t apart, __m512& most) {
    if (LEFT ? along == 1 : across == 1) {
        /* Memory runs along the tile's rows: row i is 16 numbers here and 16 further on. */
        int64_t row = LEFT ? across : along, further = LEFT ? 16 : 16 * along;
        if (width == 16 && count == STEP) {
            __m512 m0 = most, m1 = most;
#pragma GCC unroll 2
            for (int i = 0; i < 16; i++, x += row, out += 32) {
                __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + further);
                collect(m0, low);
                collect(m1, high);
                put(low, high, out, apart);
            }
            collect(m0, m1);
            most = m0;
            return;
        }
        __mmask16 in_low = first(LEFT ? count : width), in_high = first(LEFT ? count - 16 : width);
        for (int i = 0; i < 16; i++, x += row) {
            __m512 low = i < (LEFT ? width : count) ? _mm512_maskz_loadu_ps(in_low, x) : _mm512_setzero_ps();
            __m512 high = (LEFT ? i < width && in_high : i + 16 < count) ? _mm512_maskz_loadu_ps(in_high, x + further) : _mm512_setzero_ps();
            collect(most, low);
            collect(most, high);
            put(low, high, out + i * 32, apart);
        }
        return;
    }
    typename lanes<float>::type low[16], high[16];
    if (LEFT ? across == 1 : along == 1) {
        /* The other way: 16 x 16 transposes. */
        for (int i = 0; i < 16; i++) {
            if (LEFT) {
                low[i] = i < count ? (lanes<float>::type)_mm512_maskz_loadu_ps(first(width), x + i * along) : lanes<float>::type{};
                high[i] = i + 16 < count ? (lanes<float>::type)_mm512_maskz_loadu_ps(first(width), x + (i + 16) * along) : lanes<float>::type{};
            } else {
                const float* r = x + i * across;
                low[i] = i < width ? (lanes<float>::type)_mm512_maskz_loadu_ps(first(count), r) : lanes<float>::type{};
                high[i] = i < width && count > 16 ? (lanes<float>::type)_mm512_maskz_loadu_ps(first(count - 16), r + 16) : lanes<float>::type{};
            }
        }
        transpose<float>(low);
        transpose<float>(high);
    } else {
        for (int i = 0; i < 16; i++)
            for (int j = 0; j < 16; j++) {
                int w = LEFT ? i : j, q = LEFT ? j : i;
                low[i][j] = w < width && q < count ? x[w * across + q * along] : 0.0f;
                high[i][j] = w < width && q + 16 < count ? x[w * across + (q + 16) * along] : 0.0f;
            }
    }
    for (int i = 0; i < 16; i++) {
        collect(most, (__m512)low[i]);
        collect(most, (__m512)high[i]);
        put((__m512)low[i], (__m512)high[i], out + i * 32, apart);
    }
}

/* What has been seen of an operand's magnitudes. */
struct Range {
    __m512 most = _mm512_setzero_ps();
    /* Parts of larger numbers round to infinity; those of smaller ones lose bits below 2^-126. */
    bool fits() const {
        float m = _mm512_reduce_max_ps(most);
        return m < bits<float>((pyx_u32)0x7f7f8000) && (m == 0 || m > bits<float>((pyx_u32)0x0d800000));
    }
};

/* --------------------------------------------------------------------------------- products */

struct __attribute__((packed)) Configuration {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/* The unit is set up for the scope. */
struct Tiles {
    Tiles() {
        Configuration c;
        asm volatile("ldtilecfg %0" ::"m"(c));
    }
    ~Tiles() { asm volatile("tilerelease"); }
};

/* c[16 R x 16 V] (+)= a b over `steps`; a and b are groups of R and V tiles. The pairs of parts are
   taken in an order in which each but one brings in only one new operand. */
template <int R, int V>
__attribute__((noinline)) void block(int64_t steps, const part* a, const part* b, float* c, int64_t c_row, bool fresh, const part* ahead, int lines, float* to, int64_t to_row) {
    int64_t row = c_row * (int64_t)sizeof(float);
    asm volatile("" ::: "memory"); /* the compiler does not know what the tile instructions read and write */
    if (fresh) {
        _tile_zero(0);
        if (V > 1) _tile_zero(1);
        if (R > 1) _tile_zero(2);
        if (R > 1 && V > 1) _tile_zero(3);
    } else {
        _tile_loadd(0, c, row);
        if (V > 1) _tile_loadd(1, c + 16, row);
        if (R > 1) _tile_loadd(2, c + 16 * c_row, row);
        if (R > 1 && V > 1) _tile_loadd(3, c + 16 * c_row + 16, row);
    }
    const float* end = to + 16 * R * to_row;
    int own = (int)((16 * R + steps - 1) / steps);
    for (; steps > 0; steps--, a += R * GROUP, b += V * GROUP) {
        for (int i = 0; i < lines; i++, ahead += 32) _mm_prefetch((const char*)ahead, _MM_HINT_T1);
        for (int i = 0; i < own && to < end; i++, to += to_row) {
            __builtin_prefetch(to, 1);
            if (V > 1) __builtin_prefetch(to + 16, 1);
        }
/* A sixth of the lines of the next step, into the first-level cache. */
#define NEXT(x, n, count) \
    for (int l = 8 * (n) * (count); l < 8 * ((n) + 1) * (count); l++) _mm_prefetch((const char*)(x) + 64 * l, _MM_HINT_T0);
#define LEFT_PART(s)                                    \
    _tile_loadd(4, a + (s) * R * TILE, 64);             \
    if (R > 1) _tile_loadd(5, a + (s) * R * TILE + TILE, 64);
#define RIGHT_PART(s)                                   \
    _tile_loadd(6, b + (s) * V * TILE, 64);             \
    if (V > 1) _tile_loadd(7, b + (s) * V * TILE + TILE, 64);
#define MULTIPLY(n)                                     \
    NEXT(a + R * GROUP, n, R) NEXT(b + V * GROUP, n, V) \
    _tile_dpbf16ps(0, 4, 6);                            \
    if (V > 1) _tile_dpbf16ps(1, 4, 7);                 \
    if (R > 1) _tile_dpbf16ps(2, 5, 6);                 \
    if (R > 1 && V > 1) _tile_dpbf16ps(3, 5, 7);
        LEFT_PART(2) RIGHT_PART(0) MULTIPLY(0)
        LEFT_PART(1) MULTIPLY(1)
        RIGHT_PART(1) MULTIPLY(2)
        LEFT_PART(0) MULTIPLY(3)
        RIGHT_PART(2) MULTIPLY(4)
        RIGHT_PART(0) MULTIPLY(5)
#undef LEFT_PART
#undef RIGHT_PART
#undef MULTIPLY
    }
    _tile_stored(0, c, row);
    if (V > 1) _tile_stored(1, c + 16, row);
    if (R > 1) _tile_stored(2, c + 16 * c_row, row);
    if (R > 1 && V > 1) _tile_stored(3, c + 16 * c_row + 16, row);
    asm volatile("" ::: "memory");
}

inline void any_block(int r, int v, int64_t steps, const part* a, const part* b, float* c, int64_t c_row, bool fresh, const part* ahead, int lines, float* to, int64_t to_row) {
    if (r == 2) (v == 2 ? block<2, 2> : block<2, 1>)(steps, a, b, c, c_row, fresh, ahead, lines, to, to_row);
    else (v == 2 ? block<1, 2> : block<1, 1>)(steps, a, b, c, c_row, fresh, ahead, lines, to, to_row);
}

/* C's corner (i, j) of `rows` x `columns` from the finished sums at `sum`, rows of 32. */
inline void finish(const product<float>& p, int64_t i, int64_t j, int64_t rows, int64_t columns, const float* sum) {
    const __m512 alpha = _mm512_set1_ps(p.alpha), beta = _mm512_set1_ps(p.beta);
    for (int64_t w = 0; w < columns; w += 16) {
        __mmask16 there = first(columns - w);
        float* c = p.c + i * p.c_row + j + w;
        const float* d = p.d ? p.d + i * p.d_row + j + w : nullptr;
        for (int64_t r = 0; r < rows; r++) {
            __m512 y = _mm512_mul_ps(_mm512_load_ps(sum + r * 32 + w), alpha);
            if (d) y = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(there, d + r * p.d_row), beta, y);
            _mm512_mask_storeu_ps(c + r * p.c_row, there, y);
        }
    }
}

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* Scratch for tiles, whose rows should not lie across cache lines. */
struct Room {
    scratch<part> memory;
    part* p;
    explicit Room(int64_t parts) : memory(parts + 32), p((part*)(((uintptr_t)memory.p + 63) & ~(uintptr_t)63)) {}
    explicit operator bool() const { return memory.p != nullptr; }
};

/* The left operand's rows i0..i1 for one chunk of k: strips of 32 rows. */
void pack_rows(const product<float>& p, int64_t i0, int64_t i1, int64_t q, int64_t k, part* out, Range& range) {
    int64_t steps = (k + STEP - 1) / STEP;
    for (int64_t i = i0; i < i1; i += 32) {
        int tiles = i1 - i > 16 ? 2 : 1;
        for (int t = 0; t < tiles; t++)
            for (int64_t s = 0; s < steps; s++)
                pack_tile<true>(p.a + (i + 16 * t) * p.a_row + (q + s * STEP) * p.a_col, p.a_row, p.a_col, std::min<int64_t>(16, i1 - i - 16 * t),
                                std::min(STEP, k - s * STEP), out + s * tiles * GROUP + t * TILE, tiles * TILE, range.most);
        out += steps * tiles * GROUP;
    }
}

/* Where the right operand's strip of columns from j lies in a chunk of that many steps. */
inline int64_t strip_at(int64_t j, int64_t steps) { return j / 16 * steps * GROUP; }

/* The right operand's strips j0..j1 of one chunk of k, and in it the steps s0..s1. */
void pack_columns(const product<float>& p, int64_t j0, int64_t j1, int64_t q, int64_t k, int64_t s0, int64_t s1, part* chunk, Range& range) {
    int64_t steps = (k + STEP - 1) / STEP;
    auto one = [&](int64_t j, int64_t s) {
        int tiles = p.n - j / 32 * 32 > 16 ? 2 : 1, t = j % 32 / 16;
        pack_tile<false>(p.b + j * p.b_col + (q + s * STEP) * p.b_row, p.b_col, p.b_row, std::min<int64_t>(16, p.n - j), std::min(STEP, k - s * STEP),
                         chunk + strip_at(j / 32 * 32, steps) + s * tiles * GROUP + t * TILE, tiles * TILE, range.most);
    };
    if (p.b_col == 1)
        for (int64_t s = s0; s < s1; s++)
            for (int64_t j = j0; j < j1; j += 16) one(j, s);
    else
        for (int64_t j = j0; j < j1; j += 16)
            for (int64_t s = s0; s < s1; s++) one(j, s);
}

bool supported() {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    bool tile = d >> 24 & 1, bf16 = d >> 22 & 1;
    if (!tile || !bf16 || getenv("PYXTORCH_CPU_LEVEL")) return false;
    /* The system must agree to keep the tiles of this process (ARCH_REQ_XCOMP_PERM, tile data). */
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

}  // namespace

bool ready() {
    static const bool yes = supported();
    return yes;
}

/* Packing an operand costs as much as multiplying it by some 50 rows or columns. */
bool suits(int64_t m, int64_t n, int64_t k) { return k >= 32 && m * n > 48 * (m + n) && ready(); }

/* One operand is packed as a whole beforehand, in parallel; a task packs its share of the other
   while it multiplies. Few rows are the one packed beforehand, and tasks are blocks of columns;
   else it is the right operand, and tasks are blocks of rows. */
int gemm(const product<float>& p, bool parallel) {
    bool few_rows = p.m <= MC;

    int64_t rows = few_rows ? p.m : p.m >= 4 * MC ? MC : round_up((p.m + 3) / 4, 32);
    int64_t columns = std::min<int64_t>(1024, round_up(few_rows && (double)p.m * p.n * p.k > 1.5e6 ? (p.n + 3) / 4 : p.n, 32));
    int64_t row_blocks = (p.m + rows - 1) / rows, column_blocks = (p.n + columns - 1) / columns;
    int64_t chunks = (p.k + KC - 1) / KC, steps = (p.k + STEP - 1) / STEP;
    int64_t tiles = ((few_rows ? p.m : p.n) + 15) / 16;
    parallel = parallel && row_blocks * column_blocks > 1;

    /* Beforehand: the shared operand, in pieces of some tiles and one chunk. */
    Room shared(steps * tiles * GROUP);
    if (!shared) return -2;
    auto chunk_at = [&](int64_t q) { return shared.p + q / STEP * tiles * GROUP; };
    bool whole = true;
    int64_t most = few_rows ? p.m : p.n;
    int64_t piece = few_rows || p.b_col != 1 ? 64 : round_up(p.n, 32), pieces = (most + piece - 1) / piece;
    int64_t depth = few_rows || p.b_col != 1 ? KC : 2 * STEP, slices = (p.k + depth - 1) / depth;
    auto fill = [&](int64_t from, int64_t to) {
        Range range;
        for (int64_t t = from; t < to; t++) {
            int64_t j = t % pieces * piece, s = t / pieces * depth, q = s / KC * KC, k = std::min(KC, p.k - q);
            if (few_rows)
                pack_rows(p, j, std::min(p.m, j + piece), q, k, chunk_at(q) + strip_at(j, (k + STEP - 1) / STEP), range);
            else
                pack_columns(p, j, std::min(p.n, j + piece), q, k, (s - q) / STEP, (std::min(k, s - q + depth) + STEP - 1) / STEP, chunk_at(q), range);
        }
        if (!range.fits()) __atomic_store_n(&whole, false, __ATOMIC_RELAXED);
    };
    if (parallel && most * p.k > 32768) parallel_for(slices * pieces, std::max<int64_t>(1, slices * pieces / 16), fill);
    else fill(0, slices * pieces);
    if (!whole) return gemm_tiles<float>(p, parallel);

    int failed = 0;
    auto work_on = [&](int64_t task, int64_t) {
        int64_t i0 = task / column_blocks * rows, i1 = std::min(p.m, i0 + rows);
        int64_t j0 = task % column_blocks * columns, j1 = std::min(p.n, j0 + columns);
        int64_t high = round_up(i1 - i0, 32), wide = round_up(j1 - j0, 32), longest = std::min(steps, KC / STEP);
        int64_t span = p.b_col == 1 ? 128 : 32; /* of columns packed together: whole cache lines, few pages */
        Room own((few_rows ? span : high) / 16 * longest * GROUP);
        Room sums((chunks > 1 ? high * wide : 32 * 32) * 2);
        if (!own || !sums) { failed = -2; return; }
        float* sum = (float*)sums.p;
        Range range;
        Tiles tiles_on;
        for (int64_t q = 0; q < p.k; q += KC) {
            int64_t k = std::min(KC, p.k - q), steps = (k + STEP - 1) / STEP;
            bool last = q + KC >= p.k;
            if (!few_rows) pack_rows(p, i0, i1, q, k, own.p, range);
            for (int64_t j = j0; j < j1; j += 32) {
                int v = p.n - j > 16 ? 2 : 1;
                const part* b;
                /* The next strip of a shared operand comes from far: fetched ahead, a share with each block. */
                const part* ahead = chunk_at(q) + strip_at(j + 32, steps);
                int lines = 0;
                if (few_rows) {
                    if ((j - j0) % span == 0) pack_columns(p, j, std::min(j1, j + span), q, k, 0, steps, own.p - strip_at(j, steps), range);
                    b = own.p + strip_at((j - j0) % span, steps);
                } else {
                    b = chunk_at(q) + strip_at(j, steps);
                    if (j + 64 <= j1) lines = (int)((PARTS * 2 * 16 * 32 + high - 1) / high);
                }
                if (!range.fits()) break;
                for (int64_t i = i0; i < i1; i += 32, ahead += lines * steps * 32) {
                    int r = i1 - i > 16 ? 2 : 1;
                    const part* a = few_rows ? chunk_at(q) + strip_at(i, steps) : own.p + strip_at(i - i0, steps);
                    float *s = sum + (chunks > 1 ? ((j - j0) / 32 * (high / 32) + (i - i0) / 32) * 1024 : 0), *c = p.c + i * p.c_row + j;
                    if (chunks == 1 && p.alpha == 1 && !p.d && i1 - i >= 32 && j1 - j >= 32) {
                        block<2, 2>(steps, a, b, c, p.c_row, true, ahead, lines, c, p.c_row);
                        continue;
                    }
                    any_block(r, v, steps, a, b, s, 32, q == 0, ahead, lines, last ? c : s, last ? p.c_row : 32);
                    if (last) finish(p, i, j, std::min<int64_t>(32, i1 - i), std::min<int64_t>(32, j1 - j), s);
                }
            }
            if (!range.fits()) break;
        }
        if (range.fits()) return;
        product<float> rest = p;
        rest.m = i1 - i0, rest.n = j1 - j0;
        rest.a += i0 * p.a_row, rest.b += j0 * p.b_col, rest.c += i0 * p.c_row + j0;
        if (rest.d) rest.d += i0 * p.d_row + j0;
        if (gemm_tiles<float>(rest, false)) failed = -2;
    };
    if (parallel) parallel_for(row_blocks * column_blocks, 1, work_on);
    else for (int64_t t = 0; t < row_blocks * column_blocks; t++) work_on(t, t + 1);
    return failed;
}

/* ---------------------------------------------------------------------------------- strips */

/* The right operand comes from the cache: packing it costs less than in gemm. */
bool suits_strips(int64_t m, int64_t k) { return m >= 48 && k >= 32 && ready(); }

constexpr int64_t HEAD = 32; /* floats before the tiles: whether the operand fits, and room to align */

int64_t left_size(int64_t m, int64_t k) { return HEAD + (m + 15) / 16 * ((k + STEP - 1) / STEP) * GROUP / 2; }

inline part* tiles_of(const float* left) { return (part*)(((uintptr_t)(left + 1) + 63) & ~(uintptr_t)63); }

void pack_left(const float* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, float* out) {
    product<float> p{m, 0, k, a, a_row, a_col, nullptr, 0, 0, nullptr, 0, nullptr, 0, 1, 0};
    bool whole = true;
    parallel_for((m + 63) / 64, std::max<int64_t>(1, 1024 / k), [&](int64_t from, int64_t to) {
        Range range;
        for (int64_t q = 0; q < k; q += KC) {
            int64_t count = std::min(KC, k - q), steps = (count + STEP - 1) / STEP;
            part* chunk = tiles_of(out) + q / STEP * ((m + 15) / 16) * GROUP;
            pack_rows(p, from * 64, std::min(m, to * 64), q, count, chunk + strip_at(from * 64, steps), range);
        }
        if (!range.fits()) __atomic_store_n(&whole, false, __ATOMIC_RELAXED);
    });
    *out = whole;
}

int gemm_strips(const product<float>& p, const float* left, const float* strips, int64_t size) {
    constexpr int64_t S = strip_width<float>;
    static_assert(S == 32, "a strip is two tiles wide");
    int64_t count = (p.n + S - 1) / S, high = round_up(p.m, 32), chunks = (p.k + KC - 1) / KC;
    int64_t longest = std::min((p.k + STEP - 1) / STEP, KC / STEP);
    Room right(*left ? count * 2 * longest * GROUP : 0);
    Room sums((chunks > 1 ? high * count * S : 32 * 32) * 2);
    if (!right || !sums) return -2;
    float* sum = (float*)sums.p;
    Range range;
    Tiles tiles_on;
    for (int64_t q = 0; q < p.k && *left && range.fits(); q += KC) {
        int64_t k = std::min(KC, p.k - q), steps = (k + STEP - 1) / STEP;
        bool last = q + KC >= p.k;
        const part* chunk = tiles_of(left) + q / STEP * ((p.m + 15) / 16) * GROUP;
        for (int64_t s = 0; s < count; s++) {
            const float* strip = strips + s * size + q * S;
            int tiles = p.n - s * S > 16 ? 2 : 1;
            for (int64_t step = 0; step < steps; step++)
                for (int t = 0; t < tiles; t++)
                    pack_tile<false>(strip + step * STEP * S + t * 16, 1, S, std::min<int64_t>(16, p.n - s * S - t * 16), std::min(STEP, k - step * STEP),
                                     right.p + s * 2 * steps * GROUP + step * tiles * GROUP + t * TILE, tiles * TILE, range.most);
        }
        if (!range.fits()) break;
        for (int64_t i = 0; i < p.m; i += 32) {
            int r = p.m - i > 16 ? 2 : 1;
            const part *a = chunk + strip_at(i, steps), *ahead = a + r * steps * GROUP;
            int lines = i + 64 <= p.m ? (int)((PARTS * 2 * 16 + count - 1) / count) : 0;
            for (int64_t s = 0; s < count; s++, ahead += lines * steps * 32) {
                int64_t j = s * S, columns = std::min(S, p.n - j);
                const part* b = right.p + s * 2 * steps * GROUP;
                float *to = chunks > 1 ? sum + (i / 32 * count + s) * 1024 : sum, *c = p.c + i * p.c_row + j;
                if (chunks == 1 && p.alpha == 1 && !p.d && p.m - i >= 32 && columns == 32) {
                    block<2, 2>(steps, a, b, c, p.c_row, true, ahead, lines, c, p.c_row);
                    continue;
                }
                any_block(r, columns > 16 ? 2 : 1, steps, a, b, to, 32, q == 0, ahead, lines, last ? c : to, last ? p.c_row : 32);
                if (last) finish(p, i, j, std::min<int64_t>(32, p.m - i), columns, to);
            }
        }
    }
    if (*left && range.fits()) return 0;
    for (int64_t s = 0; s < count; s++) {
        product<float> rest = p;
        rest.n = std::min(S, p.n - s * S);
        rest.b = strips + s * size, rest.b_row = S, rest.b_col = 1;
        rest.c += s * S;
        if (rest.d) rest.d += s * S;
        if (gemm_tiles<float>(rest, false)) return -2;
    }
    return 0;
}

}  // namespace amx
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

#else

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace amx {
bool ready() { return false; }
bool suits(int64_t, int64_t, int64_t) { return false; }
int gemm(const product<float>& p, bool parallel) { return gemm_tiles<float>(p, parallel); }
bool suits_strips(int64_t, int64_t) { return false; }
int64_t left_size(int64_t, int64_t) { return 0; }
void pack_left(const float*, int64_t, int64_t, int64_t, int64_t, float*) {}
int gemm_strips(const product<float>&, const float*, const float*, int64_t) { return 0; }
}  // namespace amx
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

#endif
