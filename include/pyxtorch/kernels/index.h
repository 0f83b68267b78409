/* Kernels of the family `index`: elements moved to and from places that tensors name.

   Indices are int64, contiguous. They are checked before memory is touched: -2 is returned for one
   out of range, with bad[0] the index and bad[1] the position of its dimension (in
   `indexing.index`). -1: the dtype is not supported; -4: no memory. */
#pragma once
#include "../strided.h"

/* What becomes of an element that is written: replaced, or combined with what is there. */
enum pyx_put { PYX_PUT_SET = 0, PYX_PUT_ADD = 1, PYX_PUT_MUL = 2, PYX_PUT_MIN = 3, PYX_PUT_MAX = 4 };

/* A tensor x of which some dimensions are indexed. The other side, `values`, is contiguous with
   the dimensions [before..., count, after...]; before and after are those not indexed. */
typedef struct pyx_indexing {
    int64_t count;                           /* elements in each index tensor */
    int nindex;
    int wrap;                                /* negative indices count from the end */
    const int64_t* index[PYX_MAX_DIMS];
    int64_t size[PYX_MAX_DIMS];              /* of the indexed dimensions */
    int64_t stride[PYX_MAX_DIMS];            /* theirs, in bytes */
    int nbefore, nafter;
    int64_t rest_size[PYX_MAX_DIMS];         /* before, then after; outermost first */
    int64_t rest_stride[PYX_MAX_DIMS];       /* bytes */
} pyx_indexing;

typedef struct pyx_index_kernels {
    /* values = x[index] */
    int (*get)(int itemsize, const pyx_indexing* at, const char* x, char* values, int64_t* bad);
    /* x[index] = values, or combined by `put`, in the order of the indices. scalar: `values` is
       a single element. */
    int (*put)(int put, int dtype, const pyx_indexing* at, char* x, const char* values, int scalar,
               int64_t* bad);
    /* Negative indices are out of range for gather and scatter.
       out[..., i, ...] = x[..., index[..., i, ...], ...] along dim; index and out are contiguous of
       `shape`, x has strides in bytes and `size` elements along dim. */
    int (*gather)(int itemsize, int nd, const int64_t* shape, int dim, int64_t size, const char* x,
                  const int64_t* strides, const int64_t* index, char* out, int64_t* bad);
    /* x[..., index[..., i, ...], ...] = or combined with src[..., i, ...]; src has strides in
       bytes, all 0 for a scalar. */
    int (*scatter)(int put, int dtype, int nd, const int64_t* shape, int dim, int64_t size, char* x,
                   const int64_t* strides, const int64_t* index, const char* src,
                   const int64_t* src_strides, int64_t* bad);
    /* Number of true elements of a contiguous mask. */
    int64_t (*count_true)(const uint8_t* mask, int64_t n);
    /* What goes by a mask returns -3, having kept to `room`, where the mask is not as it was counted:
       another thread may write it meanwhile.
       The elements of x where the mask is true, in order; out has room for just so many. */
    int (*masked_select)(int itemsize, const char* x, const uint8_t* mask, int64_t n, int64_t room, char* out);
    /* x[i] = the next element of source, where the mask is true; source has `room` elements. */
    int (*masked_scatter)(int itemsize, char* x, const uint8_t* mask, int64_t n, int64_t room, const char* source);
    /* Coordinates of the `room` true elements: `nd` int64 for each, in row-major order. */
    int (*nonzero)(const uint8_t* mask, int nd, const int64_t* shape, int64_t room, int64_t* out);
    /* The lower (upper = 0) or upper triangle of `batch` matrices; the rest is zero. */
    int (*triangle)(int itemsize, int upper, int64_t diagonal, int64_t batch, int64_t rows,
                    int64_t columns, const char* x, char* y);
    /* Position i, repeats[i] times, for all i; `total` positions in all. -3: a negative count. */
    int (*repeat_index)(const int64_t* repeats, int64_t n, int64_t* out, int64_t total);
} pyx_index_kernels;
