/* The family's table: formulas by name, walks over strided operands. */
#include "pyxtorch/kernels/elementwise.h"

#include <string.h>

#include "elementwise_cast.h"
#include "elementwise_groups.h"
#include "pyxtorch/half.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* ------------------------------------------------------------------------------- formulas */

constexpr int max_formulas = 512;
static Formula formulas[max_formulas];
static int formula_count = 0;

static int find(const char* name) {
    for (int i = 0; i < formula_count; i++)
        if (strcmp(formulas[i].name, name) == 0) return i;
    return -1;
}

Formula& formula_entry(const char* name, int result, int operands, int64_t grain) {
    int i = find(name);
    if (i < 0) {
        i = formula_count < max_formulas - 1 ? formula_count++ : formula_count;
        formulas[i] = Formula{name, 0, result, operands, grain, {}, {}};
    }
    /* A function that is real for complex numbers and the same for real ones */
    if (result == PYX_TO_REAL) formulas[i].result = result;
    return formulas[i];
}

static int enter_formulas() {
    enter_unary_basic();
    enter_unary_math();
    enter_unary_activation();
    enter_unary_complex();
    enter_unary_special();
    enter_binary_arithmetic();
    enter_binary_comparison();
    enter_binary_integer();
    enter_binary_math();
    enter_binary_backward();
    enter_binary_special();
    enter_ternary();
    return formula_count;
}

/* Filled by the first question for a name: all other entries take a number that came from it. */
static int formula(const char* name) {
    static const int count = enter_formulas();
    (void)count;
    return find(name);
}

static const Formula* defined(int f, int dtype) {
    if (f < 0 || f >= formula_count || dtype < 0 || dtype >= PYX_NUM_DTYPES) return nullptr;
    return formulas[f].kernels[dtype] ? &formulas[f] : nullptr;
}

static int result_dtype(int f, int dtype) {
    const Formula* e = defined(f, dtype);
    if (!e) return -1;
    switch (e->result) {
        case PYX_TO_BOOL: return PYX_BOOL;
        case PYX_TO_REAL: return dtype == PYX_COMPLEX32 ? PYX_FLOAT16 : dtype == PYX_COMPLEX64 ? PYX_FLOAT32 : dtype == PYX_COMPLEX128 ? PYX_FLOAT64 : dtype;
        case PYX_TO_COMPLEX: return dtype == PYX_FLOAT64 ? PYX_COMPLEX128 : dtype == PYX_FLOAT32 ? PYX_COMPLEX64 : dtype == PYX_FLOAT16 ? PYX_COMPLEX32 : -1;
        default: return dtype;
    }
}

static pyx_loop loop(int f, int dtype) {
    const Formula* e = defined(f, dtype);
    return e ? e->loops[dtype] : nullptr;
}

/* ---------------------------------------------------------------------------- moving bytes */

template <class T>
static void gather_as(char* dst, const char* src, int64_t stride, int64_t n) {
    if (stride == 0) {
        const T value = *(const T*)src;
        T* y = (T*)dst;
        for (int64_t i = 0; i < n; i++) y[i] = value;
        return;
    }
    for (int64_t i = 0; i < n; i++) ((T*)dst)[i] = *(const T*)(src + i * stride);
}
struct sixteen {
    uint64_t a, b;
};
void gather(char* dst, const char* src, int64_t stride, int64_t n, int size) {
    switch (size) {
        case 1: gather_as<uint8_t>(dst, src, stride, n); break;
        case 2: gather_as<uint16_t>(dst, src, stride, n); break;
        case 4: gather_as<uint32_t>(dst, src, stride, n); break;
        case 8: gather_as<uint64_t>(dst, src, stride, n); break;
        default: gather_as<sixteen>(dst, src, stride, n);
    }
}
template <class T>
static void scatter_as(char* dst, int64_t stride, const char* src, int64_t n) {
    for (int64_t i = 0; i < n; i++) *(T*)(dst + i * stride) = ((const T*)src)[i];
}
void scatter(char* dst, int64_t stride, const char* src, int64_t n, int size) {
    switch (size) {
        case 1: scatter_as<uint8_t>(dst, stride, src, n); break;
        case 2: scatter_as<uint16_t>(dst, stride, src, n); break;
        case 4: scatter_as<uint32_t>(dst, stride, src, n); break;
        case 8: scatter_as<uint64_t>(dst, stride, src, n); break;
        default: scatter_as<sixteen>(dst, stride, src, n);
    }
}

static inline void widen(int from, char* dst, const char* src, int64_t n) {
    if (from != FROM_BF16) to_floats((const f16*)src, (float*)dst, from == FROM_C32 ? 2 * n : n);
    else to_floats((const bf16*)src, (float*)dst, n);
}
static inline void narrow(int to, char* dst, const char* src, int64_t n) {
    if (to != FROM_BF16) from_floats((const float*)src, (f16*)dst, to == FROM_C32 ? 2 * n : n);
    else from_floats((const float*)src, (bf16*)dst, n);
}

constexpr int64_t buffer_bytes = 8192;
struct Buffers {
    alignas(64) char half[buffer_bytes];
    alignas(64) char of[max_loop_operands][buffer_bytes];
};

/* Operand i's n elements at src into its buffer */
static void load(const Kernel& k, int i, Buffers& b, const char* src, int64_t stride, int64_t n) {
    if (!k.convert[i]) {
        gather(b.of[i], src, stride, n, k.size[i]);
        return;
    }
    if (stride != k.memory[i]) {
        gather(b.half, src, stride, n, k.memory[i]);
        src = b.half;
    }
    widen(k.convert[i], b.of[i], src, n);
}
static void save(const Kernel& k, Buffers& b, char* dst, int64_t stride, int64_t n) {
    if (!k.convert[0]) {
        scatter(dst, stride, b.of[0], n, k.size[0]);
    } else if (stride == k.memory[0]) {
        narrow(k.convert[0], dst, b.of[0], n);
    } else {
        narrow(k.convert[0], b.half, b.of[0], n);
        scatter(dst, stride, b.half, n, k.memory[0]);
    }
}

/* ------------------------------------------------------------------------------- the walk */

/* `bytes` of src to dst, and zeros up to `room`, whole vectors; and back without the zeros. Masked
   moves are read back at once by the kernel, which pieces of several sizes would hold up. */
#if defined(__AVX512BW__)
static inline uint64_t first_bytes(int64_t n) { return n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1; }
static inline void pad_in(char* dst, const char* src, int64_t bytes, int64_t room) {
    for (int64_t i = 0; i < room; i += 64)
        _mm512_store_si512(dst + i, _mm512_maskz_loadu_epi8(first_bytes(bytes > i ? bytes - i : 0), src + i));
}
static inline void pad_out(char* dst, const char* src, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64)
        _mm512_mask_storeu_epi8(dst + i, first_bytes(bytes - i), _mm512_load_si512(src + i));
}
#else
static inline void pad_in(char* dst, const char* src, int64_t bytes, int64_t room) {
    memset(dst, 0, room);
    memcpy(dst, src, bytes);
}
static inline void pad_out(char* dst, const char* src, int64_t bytes) { memcpy(dst, src, bytes); }
#endif

/* n elements, contiguous and in the types computed in: whole vectors, then a padded rest. */
static inline void compute(const Kernel& k, char* const* p, int64_t n, const double* s) {
    int64_t whole = n & -(int64_t)k.width, rest = n - whole;
    if (whole) k.block(p, whole, s);
    if (!rest) return;
    alignas(64) char pad[max_loop_operands][1024];
    char* q[max_loop_operands] = {pad[0], pad[1], pad[2], pad[3]};
    for (int i = 1; i < k.operands; i++)
        pad_in(pad[i], p[i] + whole * k.size[i], rest * k.size[i], k.width * k.size[i]);
    k.block(q, k.width, s);
    pad_out(p[0] + whole * k.size[0], pad[0], rest * k.size[0]);
}

static int64_t chunk_of(const Kernel& k) {
    int largest = 1;
    for (int i = 0; i < k.operands; i++) largest = k.size[i] > largest ? k.size[i] : largest;
    return buffer_bytes / largest;
}

static __attribute__((noinline)) void run_buffered(const Kernel& k, char* const* p, const int64_t* strides, int64_t n, const double* s) {
    Buffers b;
    int64_t chunk = chunk_of(k);
    bool direct[max_loop_operands];
    char* q[max_loop_operands];
    for (int i = 0; i < k.operands; i++) {
        direct[i] = strides[i] == k.memory[i] && !k.convert[i];
        q[i] = b.of[i];
        if (i && strides[i] == 0) load(k, i, b, p[i], 0, n < chunk ? n : chunk);
    }
    for (int64_t begin = 0; begin < n; begin += chunk) {
        int64_t count = n - begin < chunk ? n - begin : chunk;
        for (int i = 0; i < k.operands; i++) {
            if (direct[i]) q[i] = p[i] + begin * strides[i];
            else if (i && strides[i]) load(k, i, b, p[i] + begin * strides[i], strides[i], count);
        }
        compute(k, q, count, s);
        if (!direct[0]) save(k, b, p[0] + begin * strides[0], strides[0], count);
    }
}

void run_loop(const Kernel& k, char* const* p, const int64_t* strides, int64_t n, const double* s) {
    for (int i = 0; i < k.operands; i++)
        if (strides[i] != k.size[i] || k.convert[i]) {
            run_buffered(k, p, strides, n, s);
            return;
        }
    compute(k, p, n, s);
}

/* Where an index lies: its coordinates, and each operand's address. */
struct Position {
    int64_t at[PYX_MAX_DIMS];
    char* p[PYX_MAX_OPERANDS];

    Position(const pyx_strided* w, int64_t index) {
        for (int i = 0; i < w->noperands; i++) p[i] = w->data[i];
        for (int d = 0; d < w->ndim; d++) {
            at[d] = index % w->shape[d];
            index /= w->shape[d];
            for (int i = 0; i < w->noperands; i++) p[i] += at[d] * w->strides[i][d];
        }
    }
    /* The same for one operand; the others' addresses are then no longer right. */
    void forward_one(const pyx_strided* w, int i, int64_t count) {
        at[0] += count;
        p[i] += count * w->strides[i][0];
        for (int d = 0; at[d] == w->shape[d] && d + 1 < w->ndim; d++) {
            at[d] = 0;
            at[d + 1]++;
            p[i] += w->strides[i][d + 1] - w->shape[d] * w->strides[i][d];
        }
    }
    /* On by `count` elements of dimension 0, at most to its end */
    void forward(const pyx_strided* w, int64_t count) {
        at[0] += count;
        for (int i = 0; i < w->noperands; i++) p[i] += count * w->strides[i][0];
        for (int d = 0; at[d] == w->shape[d] && d + 1 < w->ndim; d++) {
            at[d] = 0;
            at[d + 1]++;
            for (int i = 0; i < w->noperands; i++) p[i] += w->strides[i][d + 1] - w->shape[d] * w->strides[i][d];
        }
    }
};

/* `count` elements of operand i from position `at` on, which is left where it was, to dst or, for
   the result, from it. */
template <class T>
static void move_rows(const pyx_strided* w, int i, Position at, int64_t count, char* buffer) {
    T* b = (T*)buffer;
    const int64_t s0 = w->strides[i][0], s1 = w->strides[i][1], inner = w->shape[0];
    while (count > 0) {
        if (at.at[0] == 0 && count >= inner) {
            /* whole rows of the first two dimensions */
            int64_t rows = std::min(w->shape[1] - at.at[1], count / inner);
            char* p = at.p[i];
            for (int64_t r = 0; r < rows; r++, p += s1, b += inner)
                for (int64_t c = 0; c < inner; c++) {
                    if (i) b[c] = *(const T*)(p + c * s0);
                    else *(T*)(p + c * s0) = b[c];
                }
            count -= rows * inner;
            /* to the end of the last row: forward() does the carries */
            at.at[0] = inner - 1;
            at.at[1] += rows - 1;
            at.p[i] += (rows - 1) * s1 + (inner - 1) * s0;
            at.forward_one(w, i, 1);
        } else {
            int64_t n = std::min(inner - at.at[0], count);
            for (int64_t c = 0; c < n; c++) {
                if (i) b[c] = *(const T*)(at.p[i] + c * s0);
                else *(T*)(at.p[i] + c * s0) = b[c];
            }
            b += n;
            count -= n;
            at.forward_one(w, i, n);
        }
    }
}
static void move_rows(const pyx_strided* w, int i, int size, const Position& at, int64_t count, char* buffer) {
    switch (size) {
        case 1: move_rows<uint8_t>(w, i, at, count, buffer); break;
        case 2: move_rows<uint16_t>(w, i, at, count, buffer); break;
        case 4: move_rows<uint32_t>(w, i, at, count, buffer); break;
        case 8: move_rows<uint64_t>(w, i, at, count, buffer); break;
        default: move_rows<sixteen>(w, i, at, count, buffer);
    }
}

/* Short rows are collected into longer pieces, so that the work on a row is not lost in calls.
   An operand that is contiguous as a whole is used where it is; one that repeats its first row is
   collected once, the pieces being whole numbers of rows. */
static __attribute__((noinline)) void run_short_rows(const Kernel& k, const pyx_strided* w, const double* s, int64_t begin, int64_t end) {
    Buffers b;
    int64_t inner = w->shape[0], chunk = chunk_of(k) / inner * inner;
    bool linear[max_loop_operands], repeats[max_loop_operands];
    char* q[max_loop_operands] = {b.of[0], b.of[1], b.of[2], b.of[3]};
    auto collect = [&](int i, const Position& at, int64_t index, int64_t count) {
        const char* source = w->data[i] + index * k.memory[i];
        if (!k.convert[i]) {
            if (linear[i]) q[i] = (char*)source;
            else move_rows(w, i, k.size[i], at, count, q[i]);
            return;
        }
        if (!linear[i]) move_rows(w, i, k.memory[i], at, count, b.half);
        widen(k.convert[i], q[i], linear[i] ? source : b.half, count);
    };
    for (int i = 0; i < k.operands; i++) {
        int64_t step = k.memory[i];
        linear[i] = repeats[i] = true;
        for (int d = 0; d < w->ndim; d++) {
            linear[i] &= w->strides[i][d] == step;
            repeats[i] &= d == 0 || w->strides[i][d] == 0;
            step *= w->shape[d];
        }
        repeats[i] &= !linear[i];
        if (i && repeats[i]) collect(i, Position(w, begin), begin, std::min(chunk, end - begin));
    }
    while (begin < end) {
        int64_t count = std::min(chunk, end - begin);
        Position at(w, begin);
        for (int i = 1; i < k.operands; i++)
            if (!repeats[i]) collect(i, at, begin, count);
        char* result = w->data[0] + begin * k.memory[0];
        if (linear[0] && !k.convert[0]) q[0] = result;
        compute(k, q, count, s);
        if (k.convert[0]) {
            char* narrowed = linear[0] ? result : b.half;
            narrow(k.convert[0], narrowed, q[0], count);
            if (!linear[0]) move_rows(w, 0, k.memory[0], at, count, narrowed);
        } else if (!linear[0]) {
            move_rows(w, 0, k.size[0], at, count, q[0]);
        }
        begin += count;
    }
}

static int run(int f, int dtype, const pyx_strided* walk, const double* params) {
    const Formula* e = defined(f, dtype);
    if (!e || walk->noperands != e->operands) return -1;
    const Kernel& k = *e->kernels[dtype];
    const pyx_strided* w = walk;
    if (w->numel <= 0) return 0;
    int64_t inner = w->shape[0];
    parallel_for(w->numel, e->grain, [&](int64_t begin, int64_t end) {
        if (w->ndim > 1 && inner < 32) {
            run_short_rows(k, w, params, begin, end);
            return;
        }
        int64_t strides[max_loop_operands];
        for (int i = 0; i < k.operands; i++) strides[i] = w->strides[i][0];
        Position at(w, begin);
        while (begin < end) {
            int64_t count = inner - at.at[0] < end - begin ? inner - at.at[0] : end - begin;
            run_loop(k, at.p, strides, count, params);
            at.forward(w, count);
            begin += count;
        }
    });
    return 0;
}

static const pyx_elementwise_kernels table = {formula, result_dtype, loop, run, cast, fill};

}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(elementwise, pyx::table)
