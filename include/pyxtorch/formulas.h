/* Every formula as data: its name, its text and what it is defined for. What makes code of formulas at run time (a
   fuser, an exporter, another device's kernels) reads this array, and no header. */
#pragma once
#include <stdint.h>

typedef struct pyx_formula {
    const char* name;
    const char* text;     /* in C++, over the operands, the scalars s[0], s[1] ... and T, the type computed in */
    const char* operands; /* "x", "xy", "xyz", or "mxy", of which m is bool */
    int scalars;          /* how many it reads */
    int result;           /* of T: PYX_SAME, PYX_TO_BOOL, PYX_TO_REAL or PYX_TO_COMPLEX */
    uint32_t dtypes;      /* a bit each that it is computed in */
    int complex_form;     /* 1: written for complex numbers apart, in the namespace of_complex */
} pyx_formula;
