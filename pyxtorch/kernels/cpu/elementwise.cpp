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
        case PYX_TO_REAL: return dtype == PYX_COMPLEX64 ? PYX_FLOAT32 : dtype == PYX_COMPLEX128 ? PYX_FLOAT64 : dtype;
        case PYX_TO_COMPLEX: return dtype == PYX_FLOAT64 ? PYX_COMPLEX128 : PYX_COMPLEX64;
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
    if (from == FROM_F16) to_floats((const f16*)src, (float*)dst, n);
    else to_floats((const bf16*)src, (float*)dst, n);
}
static inline void narrow(int to, char* dst, const char* src, int64_t n) {
    if (to == FROM_F16) from_floats((const float*)src, (f16*)dst, n);
    else from_floats((const float*)src, (bf16*)dst, n);
}

constexpr int64_t buffer_bytes = 16384;
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
    if (stride != 2) {
        gather(b.half, src, stride, n, 2);
        src = b.half;
    }
    widen(k.convert[i], b.of[i], src, n);
}
static void save(const Kernel& k, Buffers& b, char* dst, int64_t stride, int64_t n) {
    if (!k.convert[0]) {
        scatter(dst, stride, b.of[0], n, k.size[0]);
    } else if (stride == 2) {
        narrow(k.convert[0], dst, b.of[0], n);
    } else {
        narrow(k.convert[0], b.half, b.of[0], n);
        scatter(dst, stride, b.half, n, 2);
    }
}

/* ------------------------------------------------------------------------------- the walk */

/* n elements, contiguous and in the types computed in: whole vectors, then a padded rest. */
static inline void compute(const Kernel& k, char* const* p, int64_t n, const double* s) {
    int64_t whole = n & -(int64_t)k.width, rest = n - whole;
    if (whole) k.block(p, whole, s);
    if (!rest) return;
    alignas(64) char pad[max_loop_operands][1024];
    char* q[max_loop_operands] = {pad[0], pad[1], pad[2], pad[3]};
    for (int i = 1; i < k.operands; i++) {
        /* One vector is cleared at least, so that a small rest costs no more than it must. */
        memset(pad[i], 0, k.width * k.size[i]);
        memcpy(pad[i], p[i] + whole * k.size[i], rest * k.size[i]);
    }
    k.block(q, k.width, s);
    memcpy(p[0] + whole * k.size[0], pad[0], rest * k.size[0]);
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
        if (strides[i] != k.size[i]) {
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

/* Short rows are collected into longer pieces, so that the work on a row is not lost in calls. */
static __attribute__((noinline)) void run_short_rows(const Kernel& k, const pyx_strided* w, const double* s, int64_t begin, int64_t end) {
    Buffers b;
    Position at(w, begin), start = at;
    int64_t chunk = chunk_of(k);
    char* q[max_loop_operands] = {b.of[0], b.of[1], b.of[2], b.of[3]};
    while (begin < end) {
        int64_t count = end - begin < chunk ? end - begin : chunk, done = 0;
        start = at;
        while (done < count) {
            int64_t row = w->shape[0] - at.at[0];
            if (row > count - done) row = count - done;
            for (int i = 1; i < k.operands; i++)
                gather((k.convert[i] ? b.half + 0 : b.of[i]) + done * k.memory[i], at.p[i], w->strides[i][0], row, k.memory[i]);
            at.forward(w, row);
            done += row;
        }
        for (int i = 1; i < k.operands; i++)
            if (k.convert[i]) break;
        compute(k, q, count, s);
        done = 0;
        while (done < count) {
            int64_t row = w->shape[0] - start.at[0];
            if (row > count - done) row = count - done;
            scatter(start.p[0], w->strides[0][0], b.of[0] + done * k.memory[0], row, k.memory[0]);
            start.forward(w, row);
            done += row;
        }
        begin += count;
    }
}

static int run(int f, int dtype, const pyx_strided* walk, const double* params) {
    const Formula* e = defined(f, dtype);
    if (!e || walk->noperands != e->operands) return -1;
    const Kernel& k = *e->kernels[dtype];
    const pyx_strided* w = walk;
    int64_t inner = w->shape[0];
    bool converts = false;
    for (int i = 0; i < k.operands; i++) converts |= k.convert[i] != 0;
    bool by_rows = w->ndim > 1 && (inner >= 32 || converts);
    parallel_for(w->numel, e->grain, [&](int64_t begin, int64_t end) {
        if (w->ndim > 1 && !by_rows) {
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
