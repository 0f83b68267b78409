/* The caching CPU allocator.

   A block is its header (pyx_storage, 64 bytes) and, up to 1 MiB, its data behind it; larger data
   lie in a block of their own. Freed blocks wait in one list for each size class (steps of 64
   bytes to 1 KiB, then eight steps for each doubling, so at most an eighth is wasted) until their
   bytes exceed the cap. Reusing large blocks is what matters: fresh pages cost more than most
   operations on them. Sizes are bytes. */
#pragma once
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>

#include "storage.h"

namespace pyx_alloc {

constexpr int64_t INLINE_LIMIT = 1 << 20, HUGE = 2 << 20;
constexpr int CLASSES = 360;

struct Stats {
    int64_t allocated, allocated_peak; /* in use */
    int64_t cached;                    /* freed and kept */
    int64_t reserved_peak;             /* allocated + cached, at most */
    int64_t allocations, frees, misses;
    int64_t cap = -1;                  /* on cached; -1: not yet read */
};

struct Free { Free* next; };

inline std::atomic_flag lock = ATOMIC_FLAG_INIT;
inline Stats stats = {};
inline Free* lists[CLASSES];
inline bool caching = true;
inline bool filling = false;  /* every block is first filled with NaNs, for tests */

inline void hold() { while (lock.test_and_set(std::memory_order_acquire)) {} }
inline void let_go() { lock.clear(std::memory_order_release); }

struct Guard {
    Guard() { hold(); }
    ~Guard() { let_go(); }
};

inline int class_of(int64_t size) {
    if (size <= 1024) return (int)((size + 63) >> 6);
    int top = 63 - __builtin_clzll((uint64_t)(size - 1));  /* 2^top < size <= 2^(top+1) */
    int64_t step = (int64_t)1 << (top - 3);
    return 17 + (top - 10) * 8 + (int)((size - 1 - ((int64_t)1 << top)) / step);
}

inline int64_t size_of(int c) {
    if (c <= 16) return (int64_t)c << 6;
    int top = 10 + (c - 17) / 8;
    return ((int64_t)1 << top) + (((int64_t)1 << (top - 3)) * ((c - 17) % 8 + 1));
}

inline void start() {
    const char* text = getenv("PYXTORCH_CPU_CACHE_BYTES");
    stats.cap = text ? atoll(text) : (int64_t)2 << 30;
    caching = stats.cap > 0;
    text = getenv("PYXTORCH_CPU_FILL");
    filling = text && *text == '1';
    /* A fork waits until no other thread is at the lists: in the child nobody would let go of the lock. */
    pthread_atfork(hold, let_go, let_go);
}

/* Give cached blocks back to the system until at most `keep` bytes are cached. Largest first. The caller holds the lock. */
inline void trim(int64_t keep) {
    for (int c = CLASSES - 1; c >= 0 && stats.cached > keep; c--)
        while (lists[c] && stats.cached > keep) {
            Free* f = lists[c];
            lists[c] = f->next;
            stats.cached -= size_of(c);
            ::free(f);
        }
}

/* Keep at most `nbytes` of freed memory from now on. */
inline void set_cap(int64_t nbytes) {
    Guard guard;
    if (stats.cap < 0) start();
    stats.cap = nbytes;
    caching = stats.cap > 0;
    trim(stats.cap);
}

inline void empty() {
    Guard guard;
    trim(0);
}

inline Stats look() {
    Guard guard;
    return stats;
}

/* Count peaks from now on. */
inline void reset_peaks() {
    Guard guard;
    stats.allocated_peak = stats.allocated;
    stats.reserved_peak = stats.allocated + stats.cached;
}

inline void* system_block(int64_t size) {
    if (size > INLINE_LIMIT) {
        void* p = nullptr;
        if (size > ((int64_t)1 << 46) || posix_memalign(&p, size >= HUGE ? HUGE : 4096, (size_t)size)) return nullptr;
#ifdef MADV_HUGEPAGE
        if (size >= HUGE) madvise(p, (size_t)size, MADV_HUGEPAGE);
#endif
        return p;
    }
    void* p = nullptr;
    return posix_memalign(&p, 64, (size_t)size) ? nullptr : p;
}

inline void* take(int64_t size, int* size_class) {
    if (size > ((int64_t)1 << 46)) return nullptr;
    int c = class_of(size);
    *size_class = c;
    int64_t rounded = size_of(c);
    void* p = nullptr;
    {
        Guard guard;
        if (stats.cap < 0) start();
        stats.allocations++;
        stats.allocated += rounded;
        if (stats.allocated > stats.allocated_peak) stats.allocated_peak = stats.allocated;
        if (lists[c]) {
            p = lists[c];
            lists[c] = lists[c]->next;
            stats.cached -= rounded;
        } else {
            stats.misses++;
        }
        if (stats.allocated + stats.cached > stats.reserved_peak)
            stats.reserved_peak = stats.allocated + stats.cached;
    }
    if (!p) p = system_block(rounded);
    if (!p) {
        {
            Guard guard;
            trim(0);
        }
        p = system_block(rounded);
        if (!p) {
            Guard guard;
            stats.allocated -= rounded;
        }
    }
    if (filling && p) memset(p, 0xff, (size_t)rounded);
    return p;
}

inline void give(void* p, int c) {
    int64_t rounded = size_of(c);
    Guard guard;
    stats.frees++;
    stats.allocated -= rounded;
    if (!caching || rounded > stats.cap) {
        ::free(p);
        return;
    }
    Free* f = (Free*)p;
    f->next = lists[c];
    lists[c] = f;
    stats.cached += rounded;
    if (stats.cached > stats.cap) trim(stats.cap - stats.cap / 4);
}

/* Scratch for kernels: the class is kept in the 64 bytes before the block. */
inline void* scratch(int64_t nbytes) {
    int c;
    char* p = nbytes < 0 ? nullptr : (char*)take(nbytes + 64, &c);
    if (!p) return nullptr;
    *(int*)p = c;
    return p + 64;
}

inline void scratch_free(void* p) { give((char*)p - 64, *(int*)((char*)p - 64)); }

inline void release(pyx_storage* s) {
    if (s->data != (char*)(s + 1) && s->data) give(s->data, (int)(intptr_t)s->owner);
    give(s, s->size_class);
}

inline pyx_storage* storage(int64_t nbytes) {
    if (nbytes < 0) return nullptr;
    int c;
    bool large = nbytes > INLINE_LIMIT;
    pyx_storage* s = (pyx_storage*)take((int64_t)sizeof(pyx_storage) + (large ? 0 : nbytes), &c);
    if (!s) return nullptr;
    s->refcount = 1;
    s->nbytes = nbytes;
    s->version = 0;
    s->device_type = PYX_CPU;
    s->device_index = 0;
    s->size_class = c;
    s->resizable = 1;
    s->release = release;
    s->owner = nullptr;
    s->data = (char*)(s + 1);
    if (large) {
        s->data = (char*)take(nbytes, &c);
        if (!s->data) {
            give(s, s->size_class);
            return nullptr;
        }
        s->owner = (void*)(intptr_t)c;
    }
    return s;
}

}  // namespace pyx_alloc
