/* What the core lends to kernels: its thread pool and its allocator.

   Kernels live in shared objects of their own (one for each instruction level) and reach the
   core through `pyx_rt`, which is set when they are loaded. */
#pragma once
#include "dtype.h"

typedef void (*pyx_task)(void* context, int64_t task);

typedef struct pyx_runtime {
    /* Run task(context, 0..ntasks-1), on several threads where that pays; returns when all are
       done. A call from inside a task runs its own tasks one after the other. */
    void (*parallel)(int64_t ntasks, pyx_task task, void* context);
    int (*num_threads)(void);
    /* Scratch memory, 64-byte aligned, from the caching allocator. NULL when there is none. */
    void* (*alloc)(int64_t nbytes);
    void (*free)(void* block);
} pyx_runtime;

#ifdef __cplusplus
extern "C" {
#endif
extern const pyx_runtime* pyx_rt;
#ifdef __cplusplus
}

#include <algorithm>
#include <type_traits>

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* Call f(begin, end) over pieces of 0..n. The pieces depend on n and grain alone, never on the
   number of threads, so that every sum is formed in the same order. */
template <class F>
inline void parallel_for(int64_t n, int64_t grain, F&& f) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    int64_t pieces = (n + grain - 1) / grain;
    if (pieces == 1) {
        f((int64_t)0, n);
        return;
    }
    struct Context {
        typename std::remove_reference<F>::type* f;
        int64_t n, grain;
    } context{&f, n, grain};
    pyx_rt->parallel(
        pieces,
        [](void* p, int64_t i) {
            Context* c = (Context*)p;
            (*c->f)(i * c->grain, std::min(c->n, (i + 1) * c->grain));
        },
        &context);
}

/* Scratch that is given back at the end of the scope. Test it: it is NULL when memory is out. */
template <class T>
struct scratch {
    T* p;
    explicit scratch(int64_t n) : p((T*)pyx_rt->alloc(n * (int64_t)sizeof(T))) {}
    ~scratch() { if (p) pyx_rt->free(p); }
    scratch(const scratch&) = delete;
    operator T*() const { return p; }
};

}  // namespace PYX_LEVEL_NS
}  // namespace pyx

/* A family's kernels announce themselves under the family's name:
       static const pyx_softmax_kernels table = {...};
       PYX_KERNELS(softmax, table)
   `find` of pyxtorch/kernels/cpu/module.cpp walks this list. */
struct pyx_kernel_entry {
    const char* family;
    const void* table;
    pyx_kernel_entry* next;
    static pyx_kernel_entry*& head();
    pyx_kernel_entry(const char* f, const void* t) : family(f), table(t), next(head()) { head() = this; }
};
#define PYX_KERNELS(family, table) static pyx_kernel_entry pyx_entry_##family(#family, &table);
#endif
