/* Who is told of what is written beside the tables of kernels while a step is recorded (recorder.h).
   `on` is 0 unless something is being recorded, so that elsewhere all of it costs one look. */
#pragma once
#include "kernels/optim.h"
#include "storage.h"

typedef void (*pyx_own_scalars)(double t, const pyx_optim_options* o, double* each);

typedef struct pyx_listener {
    int on;
    void (*made)(pyx_storage* s);                                  /* memory of a new tensor */
    void (*copied)(char* to, const char* from, int64_t nbytes);
    void (*zeroed)(char* to, int64_t nbytes);
    void (*wrote)(char* to, int64_t nbytes);                       /* numbers of Python's lie there now */
    void (*looked)(const char* at, int64_t nbytes, const char* what);  /* an element becomes a number or a truth value of Python */
    void (*refuse)(const char* why);                               /* something that cannot be replayed */
    /* An optimiser's host part, before its kernel: steps that were counted up by one (float32: 1, float64: 0 in
       `narrow`), what makes `each` of them, and the group (a dict, borrowed) whose "lr" is read at each replay. */
    void (*stepped)(pyx_own_scalars fill, int64_t count, char* const* steps, const unsigned char* narrow, void* group);
} pyx_listener;
