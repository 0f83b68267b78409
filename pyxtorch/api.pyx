"""What compiled modules of others use of pyxtorch: api.pxd from Cython, the capsule `table` (include/pyxtorch/capi.h) from C and C++."""
from cpython.object cimport PyObject
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.ref cimport Py_XDECREF
from libc.stdint cimport uintptr_t
from libc.string cimport memset
from pyxtorch._core cimport (
    NUM_DTYPES, TensorBase, bump, device_name, dtype_of, itemsize_of, kernel_tables, mul_sizes, new_empty, new_foreign, pyx_storage, same_shape,
    shape_of,
)
from pyxtorch.autograd cimport Function, Variable, record_many, recording
from pyxtorch.kernels.matmul cimport pyx_gemm, pyx_matmul_kernels
from pyxtorch.ops._common cimport dense

from pyxtorch._gate import Operation
from pyxtorch._storage import runtime as _runtime

cdef extern from "pyxtorch/runtime.h" nogil:
    ctypedef void (*pyx_task)(void*, int64_t) noexcept nogil
    ctypedef struct pyx_runtime:
        void (*parallel)(int64_t, pyx_task, void*) noexcept nogil
        int (*num_threads)() noexcept nogil

cdef extern from "pyxtorch/capi.h":
    ctypedef struct pyx_tensor_view:
        void* data
        int dtype
        int device
        int device_index
        int ndim
        int64_t numel
        const int64_t* shape
        const int64_t* strides
        int contiguous
    ctypedef int (*pyx_backward)(void*, PyObject*, PyObject* const*, PyObject**) except -1
    ctypedef struct pyx_api:
        uint32_t version
        uint32_t size
        const pyx_runtime* runtime
        int (*view)(PyObject*, pyx_tensor_view*) except -1
        int (*need)(PyObject*, int, const char*, pyx_tensor_view*) except -1
        object (*empty)(int, const int64_t*, int, int, int)
        object (*from_memory)(void*, int, const int64_t*, int, void (*)(void*) noexcept, void*)
        object (*as_strided)(PyObject*, int, const int64_t*, const int64_t*, int64_t)
        int (*changed)(PyObject*) except -1
        int (*recording)(PyObject*) except -1
        int (*record)(PyObject*, int, PyObject* const*, int, PyObject* const*, pyx_backward, void*, void (*)(void*) noexcept) except -1
        const void* (*kernels)(const char*, size_t, int) except NULL
        int (*gemm)(int, const pyx_gemm*) noexcept nogil


__all__ = ["operation"]
version = 1         # PYX_API_VERSION


def operation(function):
    """A function of tensors, compiled or not, as an operation: a decorator.

    It is then seen by what looks at operations: `__torch_function__`, modes, the profiler; and `vmap` calls it for each slice.
    """
    return Operation(function, function.__name__, function.__module__)


# ------------------------------------------------------------------------------------------ checks

cdef str described(TensorBase x):
    parts = [f"shape {shape_of(x)}", dtype_of(x.dt).name, f"on {device_name(x.dev)}"]
    if not x.flags & 1:
        parts.append("not contiguous")
    return ", ".join(parts)


cdef int refuse(Variable x, int code, str op) except -1:
    if x is None:
        raise TypeError(f"{op}: expected a Tensor, got None.")
    if code < 0 or code >= NUM_DTYPES:
        raise ValueError(f"{op}: {code} is no dtype's code.")
    raise ValueError(f"{op}: expected a contiguous tensor of {dtype_of(code).name} on the CPU, got one of {described(x)}.")


cdef int need_same_shape(Variable a, Variable b, str op) except -1:
    if not same_shape(a, b):
        raise ValueError(f"{op}: expected tensors of one shape, got {shape_of(a)} and {shape_of(b)}.")
    return 0


cdef int give(Function node, int i, object g, Variable x) except -1:
    cdef Variable t
    if i < 0 or i >= node.n_inputs:
        raise RuntimeError(f"{type(node).__name__}: a gradient for input {i} was given, but the operation was recorded with {node.n_inputs} input(s).")
    if x is None:
        raise TypeError(f"{type(node).__name__}: expected the Tensor that input {i} was, got None.")
    if g is None:
        return node.pass_grad(i, None)
    if not isinstance(g, Variable):
        raise TypeError(f"{type(node).__name__}: expected a Tensor or None as gradient {i}, got {type(g).__name__}.")
    t = <Variable>g
    if not same_shape(t, x) or t.dt != x.dt or t.dev != x.dev or t.dev_index != x.dev_index:
        raise RuntimeError(f"{type(node).__name__}: gradient {i} should be of shape {shape_of(x)}, {dtype_of(x.dt).name}, on {device_name(x.dev)}; "
                           f"got one of {described(t)}.")
    return node.pass_grad(i, g)


# ------------------------------------------------------------------------------------------ without Python's lock

cdef const pyx_runtime* pool = <const pyx_runtime*>PyCapsule_GetPointer(_runtime, "pyxtorch._storage.runtime")
cdef void** matmul_tables = kernel_tables(b"matmul", sizeof(pyx_matmul_kernels))

cdef struct Pieces:
    task run
    void* context
    int64_t n
    int64_t grain


cdef void run_piece(void* context, int64_t i) noexcept nogil:
    cdef Pieces* p = <Pieces*>context
    cdef int64_t begin = i * p.grain
    p.run(p.context, begin, p.n if p.n - begin < p.grain else begin + p.grain)


cdef int parallel_for(int64_t n, int64_t grain, task run, void* context) noexcept nogil:
    cdef Pieces p
    if n <= 0:
        return 0
    p.run, p.context, p.n, p.grain = run, context, n, grain if grain > 0 else 1
    if p.grain >= n:
        run(context, 0, n)
    else:
        pool.parallel((n - 1) // p.grain + 1, run_piece, &p)
    return 0


cdef int num_threads() noexcept nogil:
    return pool.num_threads()


cdef int gemm(int dtype, const pyx_gemm* product) except? NO_KERNEL nogil:
    return (<pyx_matmul_kernels*>matmul_tables[CPU]).gemm(dtype, product)


cdef int matmul(int dtype, int64_t m, int64_t n, int64_t k, const void* a, const void* b, void* c) except? NO_KERNEL nogil:
    cdef pyx_gemm p
    memset(&p, 0, sizeof(p))
    p.m, p.n, p.k = m, n, k
    p.a, p.a_row, p.a_col = a, k, 1
    p.b, p.b_row, p.b_col = b, n, 1
    p.c, p.c_row = c, n
    p.alpha[0] = 1
    p.batch = 1
    return gemm(dtype, &p)


cdef void* kernels(const char* family, size_t size, int device) except NULL:
    cdef void** tables
    if device != CPU and device != CUDA and device != META:
        raise ValueError(f"kernels: {device} is no device; CPU, CUDA or META.")
    tables = kernel_tables(family, size)
    if tables[device] == NULL:
        raise RuntimeError(f"kernels: there are none of {family.decode()!r} for {device_name(device)}.")
    return tables[device]


# ------------------------------------------------------------------------------------------ the table for C

cdef Variable tensor_of(PyObject* x, str op):
    if x == NULL:
        raise TypeError(f"{op}: expected a Tensor, got NULL.")
    if not isinstance(<object>x, Variable):
        raise TypeError(f"{op}: expected a Tensor, got {type(<object>x).__name__}.")
    return <Variable>x


cdef void look(TensorBase x, pyx_tensor_view* out) noexcept:
    out.data = NULL if x.dev == META else x.ptr
    out.dtype, out.device, out.device_index, out.ndim = x.dt, x.dev, x.dev_index, x.nd
    out.numel, out.shape, out.strides, out.contiguous = x.n, x.sizes, x.strides, x.flags & 1


cdef int c_view(PyObject* tensor, pyx_tensor_view* out) except -1:
    look(tensor_of(tensor, "view"), out)
    return 0


cdef int c_need(PyObject* tensor, int dtype, const char* op, pyx_tensor_view* out) except -1:
    cdef Variable x = tensor_of(tensor, op.decode(errors="replace"))
    if x.dt != dtype or x.dev != CPU or not x.flags & 1:
        refuse(x, dtype, op.decode(errors="replace"))
    look(x, out)
    return 0


cdef int64_t checked_shape(str op, int ndim, const int64_t* shape, int dtype) except -1:
    """The number of elements."""
    cdef int64_t n = 1
    cdef int i
    if ndim < 0 or ndim > 64:
        raise ValueError(f"{op}: expected 0 to 64 dimensions, got {ndim}.")
    if dtype < 0 or dtype >= NUM_DTYPES:
        raise ValueError(f"{op}: {dtype} is no dtype's code.")
    for i in range(ndim):
        if shape[i] < 0:
            raise ValueError(f"{op}: size {shape[i]} of dimension {i} is negative.")
        n = mul_sizes(n, shape[i])
    return n


cdef object c_empty(int ndim, const int64_t* shape, int dtype, int device, int device_index):
    checked_shape("empty", ndim, shape, dtype)
    if device != CPU and device != CUDA and device != META:
        raise ValueError(f"empty: {device} is no device.")
    return new_empty(ndim, shape, dtype, device, device_index)


cdef struct Owner:
    void (*release)(void*) noexcept
    void* owner


cdef void release_owner(pyx_storage* s) noexcept:
    cdef Owner* o = <Owner*>s.owner
    if o.release != NULL:
        o.release(o.owner)
    PyMem_Free(o)
    PyMem_Free(s)


cdef object c_from_memory(void* data, int ndim, const int64_t* shape, int dtype, void (*release)(void*) noexcept, void* owner):
    cdef int64_t n = checked_shape("from_memory", ndim, shape, dtype), step = 1
    cdef int64_t strides[64]
    cdef Owner* o
    cdef int i
    if n and (data == NULL or <uintptr_t>data % (itemsize_of(dtype) if itemsize_of(dtype) < 8 else 8)):
        raise ValueError("from_memory: the memory is NULL, or its address does not suit the dtype.")
    if n > (<int64_t>1 << 62) // 16:
        raise ValueError(f"from_memory: {n} elements are too many.")
    for i in range(ndim - 1, -1, -1):
        strides[i] = step
        step *= shape[i] if shape[i] else 1
    o = <Owner*>PyMem_Malloc(sizeof(Owner))
    if o == NULL:
        raise MemoryError()
    o.release, o.owner = release, owner
    return new_foreign(<char*>data, n * itemsize_of(dtype), o, release_owner, CPU, 0, ndim, shape, strides, dtype)


cdef object c_as_strided(PyObject* base, int ndim, const int64_t* shape, const int64_t* strides, int64_t offset):
    cdef Variable x = tensor_of(base, "as_strided")
    checked_shape("as_strided", ndim, shape, x.dt)
    return x.as_strided([shape[i] for i in range(ndim)], [strides[i] for i in range(ndim)], x.storage_offset() + offset)


cdef int c_changed(PyObject* tensor) except -1:
    bump(tensor_of(tensor, "changed"))
    return 0


cdef int c_recording(PyObject* tensor) except -1:
    return recording(tensor_of(tensor, "recording"))


cdef class CFunction(Function):
    """An operation of C, in the graph: its gradient is a function of C."""
    cdef pyx_backward backward_of
    cdef void (*release_context)(void*) noexcept
    cdef void* context
    cdef list inputs        # (shape, dtype, device kind and number)

    def __dealloc__(self):
        if self.release_context != NULL:
            self.release_context(self.context)

    cdef int vjp(self, Variable g) except -1:
        cdef PyObject* saved[16]
        cdef PyObject* grads[16]
        cdef Py_ssize_t i, count = len(self.inputs)
        held = [self.saved(i) for i in range(self.n_saved)]
        for i in range(len(held)):
            saved[i] = <PyObject*>held[i]
        memset(grads, 0, sizeof(grads))
        h = dense(g)
        try:
            self.backward_of(self.context, <PyObject*>h, saved, grads)
            for i in range(count):
                if grads[i] != NULL and self.needs(i):
                    check_gradient(<object>grads[i], i, self.inputs[i])
                    self.pass_grad(i, <object>grads[i])
        finally:
            for i in range(count):
                Py_XDECREF(grads[i])
        return 0


cdef int check_gradient(object g, Py_ssize_t i, tuple expected) except -1:
    found = facts(tensor_of(<PyObject*>g, f"gradient {i}"))
    if found != expected:
        raise RuntimeError(f"the backward of a C function gave for input {i} a gradient of (shape, dtype, device) {found[:2]} on {found[2]}; "
                           f"expected {expected[:2]} on {expected[2]}.")
    return 0


cdef tuple facts(TensorBase x):
    return shape_of(x), dtype_of(x.dt).name, f"{device_name(x.dev)}:{x.dev_index}"


cdef int c_record(PyObject* output, int ninputs, PyObject* const* inputs, int nsaved, PyObject* const* saved, pyx_backward backward, void* context,
                  void (*release)(void*) noexcept) except -1:
    cdef CFunction node
    cdef Variable x, y = tensor_of(output, "record")
    if ninputs < 1 or ninputs > 16 or nsaved < 0 or nsaved > 16:
        raise ValueError(f"record: expected 1 to 16 inputs and at most 16 saved tensors, got {ninputs} and {nsaved}.")
    given = [tensor_of(inputs[i], "record") for i in range(ninputs)]
    node = <CFunction>CFunction.__new__(CFunction)
    node.inputs = [facts(v) for v in given]
    for i in range(nsaved):
        x = tensor_of(saved[i], "record")
        if x is y:
            node.save_output(y, 0)
        else:
            node.save(x)
    node.backward_of, node.context, node.release_context = backward, context, release
    record_many(node, [y], given)
    return 0


cdef const void* c_kernels(const char* family, size_t size, int device) except NULL:
    return kernels(family, size, device)


cdef int c_gemm(int dtype, const pyx_gemm* product) noexcept nogil:
    return (<pyx_matmul_kernels*>matmul_tables[CPU]).gemm(dtype, product)


cdef pyx_api the_table
the_table.version = version
the_table.size = sizeof(pyx_api)
the_table.runtime = pool
the_table.view = c_view
the_table.need = c_need
the_table.empty = c_empty
the_table.from_memory = c_from_memory
the_table.as_strided = c_as_strided
the_table.changed = c_changed
the_table.recording = c_recording
the_table.record = c_record
the_table.kernels = c_kernels
the_table.gemm = c_gemm
table = PyCapsule_New(&the_table, "pyxtorch.api.table", NULL)
