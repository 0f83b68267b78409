/* pyxtorch from C and C++: one table of functions, which a capsule hands over.

   Include Python.h before this header, and call `pyx_import_api()` once, where the module is made:

       const pyx_api* pyx;
       PyMODINIT_FUNC PyInit_mine(void) {
           if (!(pyx = pyx_import_api())) return NULL;    // ImportError: what to build again
           ...

   Everything but `runtime` is called with Python's lock. Functions that give an int give -1 with an error of Python set,
   those that give an object NULL. Objects given back are new references. */
#pragma once
#include "dtype.h"
#include "kernels/matmul.h"
#include "runtime.h"

/* Raised when a function here, or the layout of what Cython modules derive from, changes; growth at the end does not raise it. */
#define PYX_API_VERSION 1
#define PYX_API_CAPSULE "pyxtorch.api.table"

typedef struct _object PyObject;

/* A tensor as it lies in memory. Pointers are good as long as the tensor is held and nobody resizes it. */
typedef struct pyx_tensor_view {
    void* data;             /* NULL on the device meta */
    int dtype, device, device_index, ndim;
    int64_t numel;
    const int64_t* shape;   /* ndim entries */
    const int64_t* strides; /* in elements */
    int contiguous;
} pyx_tensor_view;

/* The gradients of inputs, for one of the result: fills `grad_inputs` (new references; NULL: none for that input). The gradient
   is contiguous, of the result's shape and dtype. `saved` are the tensors that were saved. */
typedef int (*pyx_backward)(void* context, PyObject* grad_output, PyObject* const* saved, PyObject** grad_inputs);

typedef struct pyx_api {
    uint32_t version; /* PYX_API_VERSION */
    uint32_t size;    /* of this table in bytes */
    /* The thread pool and scratch memory. May be called without Python's lock. */
    const pyx_runtime* runtime;
    /* What a tensor is; TypeError for what is none. */
    int (*view)(PyObject* tensor, pyx_tensor_view* out);
    /* The same, and it must be a contiguous tensor of the CPU of this dtype; ValueError with what it is, naming `op`. */
    int (*need)(PyObject* tensor, int dtype, const char* op, pyx_tensor_view* out);
    /* New tensors: uninitialised; on memory of somebody else, contiguous, for which `release(owner)` is called at the end; and
       a view of `base`, which must lie within its storage (`offset`, from its first element, and strides in elements). */
    PyObject* (*empty)(int ndim, const int64_t* shape, int dtype, int device, int device_index);
    PyObject* (*from_memory)(void* data, int ndim, const int64_t* shape, int dtype, void (*release)(void*), void* owner);
    PyObject* (*as_strided)(PyObject* base, int ndim, const int64_t* shape, const int64_t* strides, int64_t offset);
    /* To be called after memory of a tensor was written that others may have seen: what is saved for backward notices. */
    int (*changed)(PyObject* tensor);
    /* Whether an operation on it must be recorded; and the record, as the last thing, with a function for the gradient.
       `saved` are kept for it (what is `output` itself may be among them); `release(context)` may be NULL. */
    int (*recording)(PyObject* tensor);
    int (*record)(PyObject* output, int ninputs, PyObject* const* inputs, int nsaved, PyObject* const* saved, pyx_backward backward,
                  void* context, void (*release)(void*));
    /* A family's table of kernels (kernels/FAMILY.h) for a device; ImportError where `size` is not that of this build. */
    const void* (*kernels)(const char* family, size_t size, int device);
    /* kernels/matmul.h on the CPU. May be called without Python's lock. */
    int (*gemm)(int dtype, const pyx_gemm* product);
} pyx_api;

#ifdef Py_PYTHON_H
/* The table, or NULL and an ImportError. */
static inline const pyx_api* pyx_import_api(void) {
    PyObject* module = PyImport_ImportModule("pyxtorch.api");
    if (!module) return NULL;
    Py_DECREF(module);
    const pyx_api* api = (const pyx_api*)PyCapsule_Import(PYX_API_CAPSULE, 0);
    if (!api) return NULL;
    if (api->version != PYX_API_VERSION || api->size < sizeof(pyx_api)) {
        PyErr_Format(PyExc_ImportError,
                     "this module was built for version %d of pyxtorch's C interface (%d bytes), but the installed pyxtorch has version "
                     "%d (%d bytes). Build the module again: pip install --force-reinstall --no-cache-dir --no-binary :all: it.",
                     PYX_API_VERSION, (int)sizeof(pyx_api), (int)api->version, (int)api->size);
        return NULL;
    }
    return api;
}
#endif
