/* Kernels that run without Python's lock, and the memory that they read.

   While a kernel runs unlocked, another Python thread may make its tensors look elsewhere (`set_`,
   `.data =`, `resize_`, `.grad = None`). So no storage is freed as long as a kernel may run that began
   before the storage was let go of. Kernels are counted by the phase in which they began; a storage
   that is let go of waits until all kernels of its phase and of the one before have ended. All counts
   are changed under Python's lock. Nothing is paid where the lock is kept.

   Every `with nogil` of a module that includes this header is counted: the two functions by which the
   lock is let go of and taken again are wrapped below. The phase travels in the lowest bits
   of the saved thread state, an aligned pointer. Include after Python.h. */
#pragma once
#include "storage.h"

typedef struct pyx_unlocked {
    int64_t running[2];   /* kernels, by the phase in which they began */
    int phase;
    pyx_storage* fresh;   /* let go of in this phase, linked by `version` */
    pyx_storage* waiting; /* in the phase before */
} pyx_unlocked;

/* The one of the process, kept by pyxtorch._storage; NULL when Python is closing and can import nothing more. */
static inline pyx_unlocked* pyx_unlocked_now(void) {
    static pyx_unlocked* found = NULL;
    if (!found) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        found = (pyx_unlocked*)PyCapsule_Import("pyxtorch._storage.unlocked", 0);
        if (!found) PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    return found;
}

/* Free what no kernel that still runs can know. What is freed may let go of more. */
static inline void pyx_unlocked_turn(pyx_unlocked* u) {
    while (!u->running[!u->phase] && (u->waiting || u->fresh)) {
        pyx_storage* s = u->waiting;
        u->waiting = u->fresh;
        u->fresh = NULL;
        u->phase = !u->phase;
        while (s) {
            pyx_storage* next = (pyx_storage*)(intptr_t)s->version;
            s->release(s);
            s = next;
        }
    }
}

/* Let go of a storage that no tensor holds any more. */
static inline void pyx_retire(pyx_unlocked* u, pyx_storage* s) {
    if (!u) return;  /* the process ends; its memory goes with it */
    if (!(u->running[0] | u->running[1])) {
        s->release(s);
        return;
    }
    s->version = (int64_t)(intptr_t)u->fresh;
    u->fresh = s;
    pyx_unlocked_turn(u);
}

static inline PyThreadState* pyx_save_thread(void) {
    pyx_unlocked* u = pyx_unlocked_now();
    uintptr_t bits = 0;
    if (u) {
        bits = 2 | (uintptr_t)u->phase;
        u->running[bits & 1]++;
    }
    return (PyThreadState*)((uintptr_t)(PyEval_SaveThread)() | bits);
}

static inline void pyx_restore_thread(PyThreadState* saved) {
    uintptr_t bits = (uintptr_t)saved & 3;
    (PyEval_RestoreThread)((PyThreadState*)((uintptr_t)saved & ~(uintptr_t)3));
    if (!bits) return;
    pyx_unlocked* u = pyx_unlocked_now();
    if (--u->running[bits & 1] == 0 && (u->fresh || u->waiting)) pyx_unlocked_turn(u);
}

#define PyEval_SaveThread() pyx_save_thread()
#define PyEval_RestoreThread(saved) pyx_restore_thread(saved)
