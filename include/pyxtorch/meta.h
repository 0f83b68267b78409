/* The device `meta`: tensors with shapes and no memory. Its kernels do nothing and succeed; its storages
   have addresses of their own, so that views and overlaps are told apart as elsewhere, in a part of the
   address space where no memory can lie: reading through one is a fault at once, never a wrong number. */
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/index.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"
#include "kernels/pool.h"
#include "kernels/random.h"
#include "kernels/scan.h"
#include "kernels/softmax.h"
#include "kernels/sort.h"
#include "storage.h"

namespace pyx_meta {

const uint64_t FIRST = (uint64_t)1 << 55, LAST = (uint64_t)1 << 62; /* beyond what a process can map */

inline void release(pyx_storage* s) { free(s); }

inline pyx_storage* storage(int64_t nbytes) {
    static std::atomic<uint64_t> next{FIRST};
    if (nbytes < 0) return nullptr;
    pyx_storage* s = (pyx_storage*)calloc(1, sizeof(pyx_storage));
    if (!s) return nullptr;
    uint64_t step = ((uint64_t)nbytes | 63) + 65, at = next.fetch_add(step);
    if (at > LAST) next = (at = FIRST) + step; /* round: after so much, who could still overlap whom? */
    s->refcount = 1;
    s->data = (char*)(uintptr_t)at;
    s->nbytes = nbytes;
    s->device_type = PYX_META;
    s->size_class = -1;
    s->resizable = 1;
    s->release = release;
    return s;
}

/* Every kernel of every family takes numbers and pointers and returns a number or nothing: by the calling
   conventions of C one function can stand for them all. It returns 0, "done". */
typedef int64_t (*entry)();
inline int64_t nothing() { return 0; }

/* Where the CPU's kernel does not take a dtype, which is its first argument, or its second after an option,
   nothing is not done either. tests/test_meta.py compares every record in every dtype. */
template <unsigned TAKEN> int64_t takes(int dtype) { return TAKEN >> dtype & 1 ? 0 : -1; }
template <unsigned TAKEN> int64_t takes_second(int, int dtype) { return takes<TAKEN>(dtype); }
inline int64_t combines(int put, int dtype) { return put < PYX_PUT_MIN ? 0 : takes<PYX_ORDERED>(dtype); }

struct Taken {
    const char* family;
    size_t place;
    entry stand_in;
};
#define PYX_TAKES(family, name, ...) {#family, offsetof(pyx_##family##_kernels, name), (entry)__VA_ARGS__}
inline const Taken taken[] = {
    PYX_TAKES(matmul, gemm, takes<PYX_REALS | PYX_WIDE_COMPLEXES>),
    PYX_TAKES(conv, forward, takes<PYX_REALS | PYX_WIDE_COMPLEXES>),
    PYX_TAKES(conv, backward_data, takes<PYX_REALS | PYX_WIDE_COMPLEXES>),
    PYX_TAKES(conv, backward_weight, takes<PYX_REALS | PYX_WIDE_COMPLEXES>),
    PYX_TAKES(pool, max_forward, takes<PYX_INTS | PYX_WIDE_FLOATS>),
    PYX_TAKES(pool, scatter, takes<PYX_INTS | PYX_WIDE_FLOATS>),
    PYX_TAKES(pool, avg_forward, takes<1 << PYX_INT64 | PYX_WIDE_FLOATS>),
    PYX_TAKES(pool, avg_backward, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(pool, adaptive_max_forward, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(pool, adaptive_avg_forward, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(pool, adaptive_avg_backward, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(sort, sort, takes<PYX_ORDERED>),
    PYX_TAKES(sort, topk, takes<PYX_ORDERED>),
    PYX_TAKES(sort, kthvalue, takes<PYX_ORDERED>),
    PYX_TAKES(sort, mode, takes<PYX_ORDERED>),
    PYX_TAKES(sort, search, takes<PYX_ORDERED>),
    PYX_TAKES(sort, histogram, takes<PYX_FLOATS>),
    PYX_TAKES(scan, extreme, takes_second<PYX_BOOLS | PYX_INTS | PYX_WIDE_FLOATS>),
    PYX_TAKES(scan, recurrence, takes<PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES>),
    PYX_TAKES(embedding, backward, takes<PYX_FLOATS>),
    PYX_TAKES(embedding, bag, takes<PYX_FLOATS>),
    PYX_TAKES(embedding, renorm, takes<PYX_FLOATS>),
    PYX_TAKES(index, put, combines),
    PYX_TAKES(index, scatter, combines),
    PYX_TAKES(norm, layer_forward, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(norm, channel_stats, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(norm, channel_affine, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(softmax, forward, takes<PYX_WIDE_FLOATS>),
    PYX_TAKES(random, bernoulli, takes<PYX_ORDERED>),
    PYX_TAKES(random, dropout, takes<PYX_FLOATS | PYX_WIDE_COMPLEXES>),
};
#undef PYX_TAKES

/* A family's table. What the table of `elementwise` says of formulas, not of memory, is what the CPU's says. */
inline const void* table(const char* family, const void* cpu) {
    enum { ENTRIES = 64 }; /* more than any family has */
    entry* entries = new entry[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) entries[i] = nothing;
    for (const Taken& t : taken)
        if (!strcmp(t.family, family)) entries[t.place / sizeof(entry)] = t.stand_in;
    if (!strcmp(family, "elementwise")) {
        pyx_elementwise_kernels* formulas = (pyx_elementwise_kernels*)entries;
        formulas->formula = ((const pyx_elementwise_kernels*)cpu)->formula;
        formulas->result_dtype = ((const pyx_elementwise_kernels*)cpu)->result_dtype;
    }
    return entries;
}

}  // namespace pyx_meta
