/* Several tensors walked together: operand 0 is written, the others are read.

   Strides are in bytes and zero where an operand is broadcast. pyx_strided_coalesce orders the
   dimensions from the fastest to the slowest and merges those that lie behind each other, so a
   contiguous walk always has one dimension. */
#pragma once
#include "dtype.h"

#define PYX_MAX_DIMS 64
#define PYX_MAX_OPERANDS 6

typedef struct pyx_strided {
    int ndim;                 /* at least 1; dimension 0 is the innermost */
    int noperands;
    int64_t numel;
    char* data[PYX_MAX_OPERANDS];
    uint8_t dtype[PYX_MAX_OPERANDS];
    int64_t shape[PYX_MAX_DIMS];
    int64_t strides[PYX_MAX_OPERANDS][PYX_MAX_DIMS];
} pyx_strided;
