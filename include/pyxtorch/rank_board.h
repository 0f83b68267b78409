/* The board: memory that the ranks of a machine share, a line for each, where it writes what it is about to do with the others.

   Who waits reads it, and so can say whom it waits for and where that one is. */
#pragma once
#include <stdint.h>
#include <string.h>

enum { PYX_CALLS_KEPT = 64, PYX_BOARD_MAGIC = 0x70797862 };

/* One call: enough to see whether two ranks made the same one, and to say what it was. */
struct pyx_entry {
    uint64_t key; /* group << 32 | number of the call in it, written last */
    int64_t count;
    uint64_t kind; /* kind, dtype, op, root */
    int32_t line;
    int32_t unused;
};

struct pyx_line {
    int32_t magic, rank, pid, state;
    int32_t inside, line; /* in a call now; where in the program the last one was */
    int64_t since;        /* ns of the monotonic clock */
    uint64_t key, kind;
    int64_t count;
    char file[200], text[240];
    pyx_entry calls[PYX_CALLS_KEPT];
};

inline pyx_entry* pyx_entry_of(pyx_line* line, uint64_t key) { return &line->calls[(key ^ (key >> 32) * 7) % PYX_CALLS_KEPT]; }

inline void pyx_enter(pyx_line* line, uint64_t key, uint64_t kind, int64_t count, int number, int64_t now) {
    pyx_entry* e = pyx_entry_of(line, key);
    __atomic_store_n(&e->key, 0, __ATOMIC_RELEASE);
    e->count = count;
    e->kind = kind;
    e->line = line->line = number;
    line->key = key;
    line->kind = kind;
    line->count = count;
    line->since = now;
    __atomic_store_n(&e->key, key, __ATOMIC_RELEASE);
    line->inside = 1;
}

/* What a rank called there: 1 the same, 0 something else, -1 nothing (yet), or it is forgotten. */
inline int pyx_same_call(pyx_line* line, uint64_t key, uint64_t kind, int64_t count) {
    pyx_entry* e = pyx_entry_of(line, key);
    if (__atomic_load_n(&e->key, __ATOMIC_ACQUIRE) != key) return -1;
    return e->kind == kind && e->count == count;
}
