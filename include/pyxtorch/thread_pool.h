/* The one thread pool: `parallel(ntasks, task, context)`.

   Each thread has a share of the tasks, the same part of them in every job, so that what it has in
   its caches from the last operation is used by the next. It claims from the front of its share by
   compare-exchange, and then from the back of the others'. The caller works too, and waits for
   tasks, not for workers, so an idle or descheduled worker costs nothing. A call from inside a
   task, or while another thread's job runs, is done serially. Workers start with the first job;
   after a fork the child starts anew. */
#pragma once
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "runtime.h"

namespace pyx_pool {

constexpr int MAX_THREADS = 1024;

/* The unclaimed tasks of a share: first << 32 | end. A claim that succeeds is one of the present
   job, whenever the range was read, and that job cannot end before the claimed task has. */
struct alignas(64) Share {
    std::atomic<uint64_t> range{0};

    bool claim(bool from_end, int64_t* task) {
        uint64_t r = range.load(std::memory_order_acquire);
        for (;;) {
            uint32_t first = (uint32_t)(r >> 32), end = (uint32_t)r;
            if (first >= end) return false;
            *task = from_end ? end - 1 : first;
            if (range.compare_exchange_weak(r, from_end ? r - 1 : r + ((uint64_t)1 << 32), std::memory_order_acq_rel)) return true;
        }
    }
};

struct State {
    Share shares[MAX_THREADS];
    std::atomic<int> count{0};  /* of shares that have tasks */
    alignas(64) std::atomic<int64_t> unfinished{0};
    alignas(64) std::atomic<int32_t> generation{0};  /* futex word of sleeping workers */
    std::atomic<int32_t> sleepers{0};
    std::atomic<int32_t> busy{0};
    std::atomic<int32_t> waiting{0};  /* futex word of a sleeping caller */
    pyx_task task = nullptr;
    void* context = nullptr;
    std::atomic<int> wanted{0};  /* threads, the caller among them */
    int started = 0;             /* workers */
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
inline void work(int number) {
    int count = state.count.load(std::memory_order_acquire);
    int64_t task, done = 0;
    for (int k = 0; k < count; k++)
        for (; state.shares[(number + k) % count].claim(k != 0, &task); done++) state.task(state.context, task);
    if (done && state.unfinished.fetch_sub(done, std::memory_order_acq_rel) == done &&
        state.waiting.exchange(0, std::memory_order_acq_rel))
        futex(&state.waiting, FUTEX_WAKE_PRIVATE, 1);
}

inline void* worker(void* argument) {
    int number = (int)(intptr_t)argument;
    inside = true;
    for (;;) {
        int32_t seen = state.generation.load(std::memory_order_acquire);
        if (number < state.wanted) work(number);
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
        state.wanted = n > 0 && n <= MAX_THREADS ? n : std::min(cores(), MAX_THREADS);
    }
    return state.wanted;
}

inline void after_fork() {
    /* The child has no workers, whatever its parent had; a job of another thread is gone. */
    for (int i = 0; i < state.count; i++) state.shares[i].range = 0;
    state.count = 0;
    state.started = 0;
    state.sleepers = 0;
    state.busy = 0;
    state.waiting = 0;
    state.unfinished = 0;
    inside = false;
}

inline void parallel(int64_t ntasks, pyx_task task, void* context) {
    int threads = num_threads();
    if (ntasks <= 1 || threads <= 1 || inside || ntasks > 0x7fffffffLL ||
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
    state.unfinished.store(ntasks, std::memory_order_relaxed);
    int count = (int)std::min<int64_t>(ntasks, std::min(state.started + 1, threads));
    state.count.store(count, std::memory_order_release);
    for (int i = 0; i < count; i++)
        state.shares[i].range.store((uint64_t)(ntasks * i / count) << 32 | (uint64_t)(ntasks * (i + 1) / count), std::memory_order_release);
    state.generation.fetch_add(1, std::memory_order_seq_cst);
    if (state.sleepers.load(std::memory_order_seq_cst)) futex(&state.generation, FUTEX_WAKE_PRIVATE, count - 1);
    inside = true;
    work(0);
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
