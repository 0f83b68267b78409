/* The one thread pool: `parallel(ntasks, task, context)`.

   A job is published as a 64-bit ticket, generation << 32 | unclaimed tasks; threads claim tasks
   by compare-exchange. The caller works too, and waits for tasks, not for workers, so an idle or
   descheduled worker costs nothing. A call from inside a task, or while another thread's job
   runs, is done serially. Workers start with the first job; after a fork the child starts anew. */
#pragma once
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "runtime.h"

namespace pyx_pool {

struct State {
    std::atomic<uint64_t> ticket{0};
    std::atomic<int64_t> unfinished{0};
    std::atomic<int32_t> generation{0};  /* futex word of sleeping workers */
    std::atomic<int32_t> sleepers{0};
    std::atomic<int32_t> busy{0};
    std::atomic<int32_t> waiting{0};  /* futex word of a sleeping caller */
    pyx_task task = nullptr;
    void* context = nullptr;
    int64_t ntasks = 0;
    int wanted = 0;   /* threads, the caller among them */
    int started = 0;  /* workers */
};

inline State state;
inline thread_local bool inside = false;

inline void futex(std::atomic<int32_t>* word, int op, int value) {
    syscall(SYS_futex, (int*)word, op, value, nullptr, nullptr, 0);
}

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Claim and run tasks of the present job until none is left. */
inline void work() {
    uint64_t t = state.ticket.load(std::memory_order_acquire);
    while ((uint32_t)t) {
        if (!state.ticket.compare_exchange_weak(t, t - 1, std::memory_order_acq_rel)) continue;
        int64_t index = state.ntasks - (int64_t)(uint32_t)t;
        state.task(state.context, index);
        if (state.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1 &&
            state.waiting.exchange(0, std::memory_order_acq_rel))
            futex(&state.waiting, FUTEX_WAKE_PRIVATE, 1);
        t = state.ticket.load(std::memory_order_acquire);
    }
}

inline void* worker(void* argument) {
    int number = (int)(intptr_t)argument;
    inside = true;
    for (;;) {
        int32_t seen = state.generation.load(std::memory_order_acquire);
        if (number < state.wanted) work();
        int spins = 2000;
        while (spins-- && state.generation.load(std::memory_order_acquire) == seen) pause();
        if (state.generation.load(std::memory_order_acquire) != seen) continue;
        state.sleepers.fetch_add(1, std::memory_order_seq_cst);
        if (state.generation.load(std::memory_order_seq_cst) == seen)
            futex(&state.generation, FUTEX_WAIT_PRIVATE, seen);
        state.sleepers.fetch_sub(1, std::memory_order_seq_cst);
    }
    return nullptr;
}

inline int cores() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return 1;
}

inline int num_threads() {
    if (!state.wanted) {
        const char* text = getenv("OMP_NUM_THREADS");
        int n = text ? atoi(text) : 0;
        state.wanted = n > 0 && n <= 1024 ? n : cores();
    }
    return state.wanted;
}

inline void after_fork() {
    /* The child has no workers, whatever its parent had; a job of another thread is gone. */
    state.started = 0;
    state.sleepers = 0;
    state.busy = 0;
    state.waiting = 0;
    state.ticket = 0;
    state.unfinished = 0;
    inside = false;
}

inline void parallel(int64_t ntasks, pyx_task task, void* context) {
    int threads = num_threads();
    if (ntasks <= 1 || threads <= 1 || inside || ntasks > 0xffffffffLL ||
        state.busy.exchange(1, std::memory_order_acquire)) {
        for (int64_t i = 0; i < ntasks; i++) task(context, i);
        return;
    }
    while (state.started + 1 < threads) {
        static bool registered = (pthread_atfork(nullptr, nullptr, after_fork), true);
        (void)registered;
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        int failed = pthread_create(&thread, &attributes, worker, (void*)(intptr_t)(state.started + 1));
        pthread_attr_destroy(&attributes);
        if (failed) break;  /* the caller does it alone */
        state.started++;
    }
    state.task = task;
    state.context = context;
    state.ntasks = ntasks;
    state.unfinished.store(ntasks, std::memory_order_relaxed);
    int32_t generation = state.generation.load(std::memory_order_relaxed) + 1;
    state.ticket.store((uint64_t)(uint32_t)generation << 32 | (uint64_t)ntasks, std::memory_order_release);
    state.generation.store(generation, std::memory_order_seq_cst);
    if (state.sleepers.load(std::memory_order_seq_cst)) futex(&state.generation, FUTEX_WAKE_PRIVATE, threads - 1);
    inside = true;
    work();
    inside = false;
    int spins = 4000;
    while (state.unfinished.load(std::memory_order_acquire)) {
        if (spins-- > 0) {
            pause();
            continue;
        }
        state.waiting.store(1, std::memory_order_seq_cst);
        if (state.unfinished.load(std::memory_order_seq_cst)) futex(&state.waiting, FUTEX_WAIT_PRIVATE, 1);
        state.waiting.store(0, std::memory_order_relaxed);
    }
    state.busy.store(0, std::memory_order_release);
}

}  // namespace pyx_pool
