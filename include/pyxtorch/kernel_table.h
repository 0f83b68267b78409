/* What is said of a family's table of kernels beside the kernels themselves; checked where tables are opened. */
#pragma once
#include "dtype.h"

/* Raised when the meaning of an entry changes, so that kernels of another build are refused instead of called. */
#define PYX_KERNELS_ABI 1

/* What an entry that a device lacks returns, after it has raised an error (no_kernel in _storage.pyx). Whoever calls
   kernels from Cython finds out by itself: every entry is declared `except? NO_KERNEL`. */
enum { PYX_NO_KERNEL = -1000 };

/* How an image's elements may lie in memory. */
enum pyx_layout { PYX_ROWS = 1, PYX_CHANNELS_LAST = 2 };

typedef struct pyx_table {
    uint32_t abi;     /* PYX_KERNELS_ABI */
    uint32_t size;    /* of the table in bytes */
    uint32_t dtypes;  /* 1 << dtype for each that is computed as it is: other half precision is computed in float32 */
    uint32_t layouts; /* pyx_layout, or'ed: what else comes is copied into rows first */
    const void* kernels;
} pyx_table;
