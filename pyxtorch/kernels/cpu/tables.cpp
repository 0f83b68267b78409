/* What the CPU's kernels do as it comes: a line for each family. Who writes a kernel for half precision or for
   another layout says so here, and it is called; see pyx_table. */
#include <string.h>

#include "pyxtorch/formula.h"
#include "pyxtorch/kernel_table.h"
#include "pyxtorch/kernels/conv.h"
#include "pyxtorch/kernels/elementwise.h"
#include "pyxtorch/kernels/embedding.h"
#include "pyxtorch/kernels/index.h"
#include "pyxtorch/kernels/matmul.h"
#include "pyxtorch/kernels/norm.h"
#include "pyxtorch/kernels/optim.h"
#include "pyxtorch/kernels/pool.h"
#include "pyxtorch/kernels/random.h"
#include "pyxtorch/kernels/reduce.h"
#include "pyxtorch/kernels/rnn.h"
#include "pyxtorch/kernels/scan.h"
#include "pyxtorch/kernels/softmax.h"
#include "pyxtorch/kernels/sort.h"
#include "tables.h"

#define EVERY ((1u << PYX_NUM_DTYPES) - 1)

struct Family {
    const char* name;
    pyx_table about;
};
#define FAMILY(name, dtypes, layouts) {#name, {PYX_KERNELS_ABI, sizeof(pyx_##name##_kernels), dtypes, layouts, nullptr}}

static Family families[] = {
    FAMILY(conv, PYX_FLOATS | PYX_WIDE_COMPLEXES, PYX_ROWS),
    FAMILY(elementwise, PYX_ALL, PYX_ROWS),
    FAMILY(embedding, PYX_FLOATS, PYX_ROWS),
    FAMILY(index, EVERY, PYX_ROWS),
    FAMILY(matmul, PYX_REALS | PYX_WIDE_COMPLEXES, PYX_ROWS),
    FAMILY(norm, PYX_WIDE_FLOATS, PYX_ROWS),
    FAMILY(optim, PYX_FLOATS, PYX_ROWS),
    FAMILY(pool, PYX_INTS | PYX_WIDE_FLOATS, PYX_ROWS | PYX_CHANNELS_LAST),
    FAMILY(random, PYX_ALL, PYX_ROWS),
    FAMILY(reduce, PYX_BITS | PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES, PYX_ROWS),
    FAMILY(rnn, PYX_WIDE_FLOATS, PYX_ROWS),
    FAMILY(scan, PYX_INTS | PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES, PYX_ROWS),
    FAMILY(softmax, PYX_WIDE_FLOATS, PYX_ROWS),
    FAMILY(sort, PYX_ORDERED, PYX_ROWS),
};

const pyx_table* pyx_described(const char* name, const void* kernels) {
    for (Family& f : families)
        if (strcmp(f.name, name) == 0) {
            f.about.kernels = kernels;
            return &f.about;
        }
    return nullptr;
}
