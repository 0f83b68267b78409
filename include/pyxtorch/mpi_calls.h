/* Collectives on any MPI without its header: a table of pointers found at run time, handles as words of 64 bits.

   An int handle (MPICH, Intel) is the low half of such a word, a pointer (Open MPI) all of it; both pass in the same register.
   Everything travels as bytes, is sent without blocking and waited for by asking, so that a wait can end: for a signal, a time
   limit, or a rank that is gone. Reductions are rank_reduce.h's. */
#pragma once
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "rank_reduce.h"

typedef uint64_t pyx_word;

struct pyx_mpi {
    int (*isend)(const void*, int, pyx_word, int, int, pyx_word, pyx_word*);
    int (*irecv)(void*, int, pyx_word, int, int, pyx_word, pyx_word*);
    int (*test)(pyx_word*, int*, void*);
    int (*get_count)(const void*, pyx_word, int*);
    int (*ibarrier)(pyx_word, pyx_word*);
    int (*ibcast)(void*, int, pyx_word, int, pyx_word, pyx_word*);
    int (*iallgather)(const void*, int, pyx_word, void*, int, pyx_word, pyx_word, pyx_word*);
    pyx_word byte;
    void* in_place;
    int source_at; /* where in a status the sender's rank is */
};

enum pyx_call_kind { PYX_BARRIER, PYX_BROADCAST, PYX_ALL_GATHER, PYX_ALL_REDUCE, PYX_REDUCE, PYX_REDUCE_SCATTER, PYX_EXCHANGE };

struct pyx_part {
    char* data;
    int64_t bytes;
    int peer;
};

struct pyx_call {
    const pyx_mpi* mpi;
    pyx_word comm;
    int kind, rank, size, dtype, op, root, tag;
    int64_t count; /* elements; bytes for what is only moved */
    double factor;
    char *in, *out;
    pyx_part *sends, *recvs; /* of an exchange */
    int nsends, nrecvs;
    int (*idle)(pyx_call*, double); /* asked now and then while it waits: not 0 ends it */
    void* context;
    int code; /* MPI's error */
};

namespace pyx_ranks {

enum { OK = 0, FAILED = 1, GIVEN_UP = 2, NO_MEMORY = 3, NO_DTYPE = 4, UNEQUAL = 5 };
static const int64_t PIECE = 4 << 20, LUMP = 1 << 30, SHORT = 2048;

inline double now() {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Asks until done: closely for 50 us, then letting others run, after 2 ms with short sleeps. */
inline int wait(pyx_call* c, pyx_word* request, char* status) {
    double start = 0, next = 0.02;
    for (int tries = 0;; tries++) {
        int done = 0, code = c->mpi->test(request, &done, status);
        if (code) return c->code = code, FAILED;
        if (done) return OK;
        if (tries < 64) {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
            continue;
        }
        double t = now();
        if (start == 0) start = t;
        double waited = t - start;
        if (waited > next) {
            if (c->idle && c->idle(c, waited)) return GIVEN_UP;
            next = now() - start + 0.02;
        }
        if (waited > 2e-3) {
            struct timespec nap = {0, 30000};
            nanosleep(&nap, nullptr);
        } else if (waited > 5e-5) sched_yield();
    }
}

/* Sends and receives at the same time. Long ones go in lumps that an int can count. */
inline int exchange(pyx_call* c, const pyx_part* sends, int nsends, const pyx_part* recvs, int nrecvs) {
    pyx_word few[64] = {0}, *requests = few;
    char status[256];
    int count = 0, asked = 0, result = OK;
    int64_t total = 0;
    for (int i = 0; i < nsends; i++) total += (sends[i].bytes + LUMP - 1) / LUMP;
    for (int i = 0; i < nrecvs; i++) total += (recvs[i].bytes + LUMP - 1) / LUMP;
    if (total > 64 && !(requests = (pyx_word*)calloc(total, sizeof(pyx_word)))) return NO_MEMORY;
    for (int way = 0; way < 2 && !c->code; way++) {
        const pyx_part* parts = way ? sends : recvs;
        for (int i = 0, n = way ? nsends : nrecvs; i < n && !c->code; i++)
            for (int64_t at = 0; at < parts[i].bytes && !c->code; at += LUMP) {
                int bytes = (int)(parts[i].bytes - at < LUMP ? parts[i].bytes - at : LUMP);
                c->code = way ? c->mpi->isend(parts[i].data + at, bytes, c->mpi->byte, parts[i].peer, c->tag, c->comm, &requests[count++])
                              : c->mpi->irecv(parts[i].data + at, bytes, c->mpi->byte, parts[i].peer, c->tag, c->comm, &requests[count++]);
            }
    }
    if (c->code) result = FAILED;
    for (int i = 0; i < nrecvs && result == OK; i++) /* what is shorter than expected would leave old numbers behind */
        for (int64_t at = 0; at < recvs[i].bytes && result == OK; at += LUMP) {
            int got = 0, bytes = (int)(recvs[i].bytes - at < LUMP ? recvs[i].bytes - at : LUMP);
            result = wait(c, &requests[asked++], status);
            if (result == OK && (c->mpi->get_count(status, c->mpi->byte, &got) || got != bytes)) result = UNEQUAL;
        }
    for (int i = asked; i < count && result == OK; i++) result = wait(c, &requests[i], status);
    if (requests != few) free(requests);
    return result;
}

inline int started(pyx_call* c, int code, pyx_word* request) {
    char status[256];
    if (code) return c->code = code, FAILED;
    return wait(c, request, status);
}

/* `mine` of all ranks into `all`, bytes each; mine may be its place there. */
inline int all_gather(pyx_call* c, const char* mine, char* all, int64_t bytes) {
    if (c->size > 8) {
        for (int64_t lump = LUMP / c->size; bytes > lump;) { /* too long for one call: everybody's, one after the other */
            if (mine != all + c->rank * bytes) memcpy(all + c->rank * bytes, mine, bytes);
            for (int r = 0; r < c->size; r++)
                for (int64_t at = 0; at < bytes; at += LUMP) {
                    pyx_word request = 0;
                    int n = (int)(bytes - at < LUMP ? bytes - at : LUMP);
                    if (int bad = started(c, c->mpi->ibcast(all + r * bytes + at, n, c->mpi->byte, r, c->comm, &request), &request)) return bad;
                }
            return OK;
        }
        pyx_word request = 0;
        bool placed = mine == all + c->rank * bytes;
        int code = c->mpi->iallgather(placed ? c->mpi->in_place : mine, (int)bytes, c->mpi->byte, all, (int)bytes, c->mpi->byte, c->comm, &request);
        return started(c, code, &request);
    }
    pyx_part sends[8], recvs[8];
    int n = 0;
    for (int r = 0; r < c->size; r++)
        if (r != c->rank) {
            sends[n] = pyx_part{(char*)mine, bytes, r};
            recvs[n++] = pyx_part{all + r * bytes, bytes, r};
        }
    if (mine != all + c->rank * bytes) memcpy(all + c->rank * bytes, mine, bytes);
    return exchange(c, sends, n, recvs, n);
}

/* Row r of `in` (stride apart) of every rank goes to rank r, who makes them one: written to `out`. */
inline int reduce_to_each(pyx_call* c, char* in, int64_t stride, int64_t count, char* out, char* room) {
    int64_t bytes = count * pyx_itemsize(c->dtype);
    pyx_part* parts = (pyx_part*)malloc(2 * c->size * sizeof(pyx_part));
    const char** rows = (const char**)malloc(c->size * sizeof(char*));
    int n = 0, result = parts && rows ? OK : NO_MEMORY;
    for (int r = 0; r < c->size && result == OK; r++) {
        rows[r] = r == c->rank ? in + r * stride : room + n * bytes;
        if (r == c->rank) continue;
        parts[n] = pyx_part{in + r * stride, bytes, r};
        parts[c->size + n] = pyx_part{room + n * bytes, bytes, r};
        n++;
    }
    if (result == OK) result = exchange(c, parts, n, parts + c->size, n);
    if (result == OK && !reduce(c->dtype, c->op, rows, c->size, count, out, c->factor)) result = NO_DTYPE;
    free(parts);
    free(rows);
    return result;
}

/* All ranks' `n` elements at `data`, which stay in place, as rows in `room`, made one. */
inline int all_reduce_short(pyx_call* c, char* data, int64_t n, char* room) {
    int64_t bytes = n * pyx_itemsize(c->dtype);
    const char* few[64];
    const char** rows = c->size <= 64 ? few : (const char**)malloc(c->size * sizeof(char*));
    if (!rows) return NO_MEMORY;
    int result = all_gather(c, data, room, bytes);
    for (int r = 0; r < c->size; r++) rows[r] = room + r * bytes;
    if (result == OK && !reduce(c->dtype, c->op, rows, c->size, n, data, c->factor)) result = NO_DTYPE;
    if (rows != few) free(rows);
    return result;
}

/* A piece at a time, while it is in the cache: each rank adds a slice of it for all. */
inline int all_reduce(pyx_call* c, char* room) {
    int64_t item = pyx_itemsize(c->dtype), piece = PIECE / item / c->size * c->size, at = 0;
    if (piece == 0) piece = c->size;
    int64_t brief = 16384 / item;
    while (at < c->count) {
        int64_t n = c->count - at < piece ? c->count - at : piece;
        char* data = c->out + at * item;
        if (n * c->size <= brief || n < c->size || n * item <= SHORT) {
            if (int bad = all_reduce_short(c, data, n, room)) return bad;
        } else {
            n = n / c->size * c->size;
            int64_t slice = n / c->size, bytes = slice * item;
            if (int bad = reduce_to_each(c, data, bytes, slice, data + c->rank * bytes, room)) return bad;
            if (int bad = all_gather(c, data + c->rank * bytes, data, bytes)) return bad;
        }
        at += n;
    }
    return OK;
}

inline int64_t room_of(const pyx_call* c) {
    int64_t item = pyx_itemsize(c->dtype), most = PIECE + (int64_t)(item + SHORT) * c->size;
    int64_t all = c->count * item * c->size;
    return all < most ? all : most;
}

/* To one: it adds them, a piece at a time. */
inline int reduce_to_root(pyx_call* c, char* room) {
    int64_t item = pyx_itemsize(c->dtype), piece = PIECE / item / c->size + 1;
    pyx_part* parts = (pyx_part*)malloc(c->size * sizeof(pyx_part));
    const char** rows = (const char**)malloc(c->size * sizeof(char*));
    int result = parts && rows ? OK : NO_MEMORY;
    for (int64_t at = 0; at < c->count && result == OK; at += piece) {
        int64_t count = c->count - at < piece ? c->count - at : piece;
        int n = 0;
        if (c->rank != c->root) {
            parts[0] = pyx_part{c->out + at * item, count * item, c->root};
            result = exchange(c, parts, 1, nullptr, 0);
            continue;
        }
        for (int r = 0; r < c->size; r++) {
            rows[r] = r == c->rank ? c->out + at * item : room + n * count * item;
            if (r != c->rank) parts[n] = pyx_part{room + n * count * item, count * item, r}, n++;
        }
        result = exchange(c, nullptr, 0, parts, n);
        if (result == OK && !reduce(c->dtype, c->op, rows, c->size, count, c->out + at * item, c->factor)) result = NO_DTYPE;
    }
    free(parts);
    free(rows);
    return result;
}

inline int reduce_scatter(pyx_call* c, char* room) {
    int64_t item = pyx_itemsize(c->dtype), piece = PIECE / item / c->size + 1;
    for (int64_t at = 0; at < c->count; at += piece) {
        int64_t n = c->count - at < piece ? c->count - at : piece;
        if (int bad = reduce_to_each(c, c->in + at * item, c->count * item, n, c->out + at * item, room)) return bad;
    }
    return OK;
}

inline int broadcast(pyx_call* c) {
    for (int64_t at = 0; at < c->count; at += LUMP) {
        pyx_word request = 0;
        int n = (int)(c->count - at < LUMP ? c->count - at : LUMP);
        if (int bad = started(c, c->mpi->ibcast(c->out + at, n, c->mpi->byte, c->root, c->comm, &request), &request)) return bad;
    }
    return OK;
}

/* Does a call; `OK`, or why not. */
inline int run(pyx_call* c) {
    if (c->kind == PYX_BARRIER) {
        pyx_word request = 0;
        return started(c, c->mpi->ibarrier(c->comm, &request), &request);
    }
    if (c->kind == PYX_EXCHANGE) return exchange(c, c->sends, c->nsends, c->recvs, c->nrecvs);
    if (c->kind == PYX_BROADCAST) return broadcast(c);
    if (c->kind == PYX_ALL_GATHER) return c->count ? all_gather(c, c->in, c->out, c->count) : OK;
    char few[4096], *room = few;
    int64_t bytes = room_of(c);
    if (bytes > (int64_t)sizeof(few) && !(room = (char*)malloc(bytes))) return NO_MEMORY;
    int result = c->kind == PYX_ALL_REDUCE ? all_reduce(c, room) : c->kind == PYX_REDUCE ? reduce_to_root(c, room) : reduce_scatter(c, room);
    if (room != few && (result == OK || result == NO_DTYPE)) free(room); /* else MPI may still write there */
    return result;
}

}  // namespace pyx_ranks

inline int pyx_run_call(pyx_call* c) { return pyx_ranks::run(c); }

/* One message from one rank to another: started, then waited for. What came from whom, and how many bytes. */
struct pyx_message {
    pyx_call call;
    pyx_word request;
    int source;
    int64_t bytes;
};

inline int pyx_start_message(pyx_message* m, bool sends, char* data, int peer) {
    const pyx_mpi* mpi = m->call.mpi;
    m->request = 0;
    m->call.code = sends ? mpi->isend(data, (int)m->call.count, mpi->byte, peer, m->call.tag, m->call.comm, &m->request)
                         : mpi->irecv(data, (int)m->call.count, mpi->byte, peer, m->call.tag, m->call.comm, &m->request);
    return m->call.code ? pyx_ranks::FAILED : pyx_ranks::OK;
}

inline int pyx_end_message(pyx_message* m, bool only_ask, int* done) {
    char status[256];
    int result = pyx_ranks::OK, got = 0;
    *done = 1;
    if (only_ask) {
        if ((m->call.code = m->call.mpi->test(&m->request, done, status))) return pyx_ranks::FAILED;
        if (!*done) return pyx_ranks::OK;
    } else result = pyx_ranks::wait(&m->call, &m->request, status);
    if (result == pyx_ranks::OK) {
        memcpy(&m->source, status + m->call.mpi->source_at, sizeof(int));
        if (!m->call.mpi->get_count(status, m->call.mpi->byte, &got)) m->bytes = got;
    }
    return result;
}

/* The thread that does the calls which nobody waits for, one after the other. */
struct pyx_ticket {
    pyx_call* call;
    int result;
    std::atomic<int> done;
    pyx_ticket* next;
};

struct pyx_queue {
    std::mutex lock;
    std::condition_variable work, done;
    pyx_ticket *first = nullptr, *last = nullptr;
    std::atomic<int> waiting{0}; /* tickets that are not done */
};

inline void pyx_serve(pyx_queue* q) {
    for (;;) {
        pyx_ticket* t;
        {
            std::unique_lock<std::mutex> held(q->lock);
            while (!q->first) q->work.wait(held);
            t = q->first;
            q->first = t->next;
            if (!q->first) q->last = nullptr;
        }
        int result = pyx_ranks::run(t->call);
        std::unique_lock<std::mutex> held(q->lock);
        t->result = result;
        q->waiting--;
        t->done = 1;
        q->done.notify_all();
    }
}

/* Never ended: a queue lives as long as its process, and its thread with it. */
inline pyx_queue* pyx_new_queue() {
    pyx_queue* q = new pyx_queue;
    pthread_t thread;
    if (pthread_create(&thread, nullptr, [](void* given) -> void* { return pyx_serve((pyx_queue*)given), nullptr; }, q)) {
        delete q;
        return nullptr;
    }
    pthread_detach(thread);
    return q;
}

inline pyx_ticket* pyx_new_ticket(pyx_call* call) {
    pyx_ticket* t = new pyx_ticket();
    t->call = call;
    return t;
}
inline void pyx_free_ticket(pyx_ticket* t) { delete t; }

inline void pyx_submit(pyx_queue* q, pyx_ticket* t) {
    std::unique_lock<std::mutex> held(q->lock);
    t->next = nullptr;
    t->done = 0;
    if (q->last) q->last->next = t;
    else q->first = t;
    q->last = t;
    q->waiting++;
    q->work.notify_one();
}

/* Whether a ticket is done, within some seconds. */
inline bool pyx_await(pyx_queue* q, pyx_ticket* t, double seconds) {
    for (int i = 0; i < 2000 && !t->done; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    if (t->done) return true;
    std::unique_lock<std::mutex> held(q->lock);
    q->done.wait_for(held, std::chrono::duration<double>(seconds), [t] { return t->done != 0; });
    return t->done;
}
