"""The family `elementwise` on the GPU: chooses, compiles and launches the kernels of elementwise.cuh."""
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint32_t, uintptr_t
from libc.string cimport memcpy, memset
from pyxtorch._core cimport *
from pyxtorch._cuda cimport THREADS, blocks_for, fail, function, launch, memcpy_device, memset_device, device_of_call, register
from pyxtorch.kernels.elementwise cimport *

from pyxtorch._cuda_program import C_TYPES
from pyxtorch.kernels import formulas

cdef pyx_elementwise_kernels* cpu = <pyx_elementwise_kernels*>kernel_tables(b"elementwise", sizeof(pyx_elementwise_kernels))[CPU]

cdef enum:
    DEVICES = 16
    FORMULAS = 512
    VARIANTS = 3        # contiguous, strided with 32-bit indices, strided with 64-bit indices
    WIDTH = 4

# What a kernel takes: the same layout as in elementwise.cuh.
cdef struct Scalars:
    double value[8]
cdef struct Walk32:
    char* data[4]
    uint32_t numel
    int ndim
    uint32_t shape[8]
    uint32_t strides[4][8]
cdef struct Walk64:
    char* data[4]
    int64_t numel
    int ndim
    int64_t shape[64]
    int64_t strides[4][64]

WORDS = {1: "pyx_u8", 2: "pyx_u16", 4: "pyx_u32", 8: "pyx_u64", 16: "pyx_gpu::word16"}
SOURCE = "elementwise.cuh"
_KINDS = {"x": ("Unary", "u_"), "xy": ("Binary", "b_"), "xyz": ("Ternary", "t_"), "mxy": ("Masked", "m_")}


def formulas_by_name():
    """{name: [operands, whether complex types have a form of their own, how many scalars it reads]} of all formulas."""
    found = {}
    for f in formulas():
        entry = found.setdefault(f.name, ["".join(f.operands), False, 0])
        entry[1] = entry[1] or f.complex_form
        entry[2] = max(entry[2], f.scalars)
    return found


FORMULAS_BY_NAME = formulas_by_name()
_names = {}
for _name in FORMULAS_BY_NAME:
    _number = cpu.formula(_name.encode())
    if 0 <= _number < FORMULAS:
        _names[_number] = _name


def operation(str name, int dtype):
    """The C++ type that computes a formula for a dtype."""
    operands, complex_form, _ = FORMULAS_BY_NAME[name]
    kind, prefix = _KINDS[operands]
    space = "pyx::of_complex::" if complex_form and dtype > FLOAT64 else "pyx::"
    moved = kind == "Masked" and (is_float8(dtype) or dtype == COMPLEX32)     # as an integer of its size
    return f"pyx_gpu::{kind}<{space}{prefix}{name}, {('pyx_u32' if dtype == COMPLEX32 else 'pyx_u8') if moved else C_TYPES[dtype]}>"


def kernel_name(str op, int variant):
    """The C++ name expression of one of an operation's kernels."""
    return (f"pyx_gpu::contiguous<{op} >", f"pyx_gpu::strided<{op}, pyx_u32, 8>", f"pyx_gpu::strided<{op}, pyx_i64, 64>")[variant]


def kernel_names(dtypes=range(NUM_DTYPES), variants=(0, 1, 2)):
    """The name expressions of every formula's kernels, for dtype codes."""
    return [kernel_name(operation(name, d), v) for name in FORMULAS_BY_NAME for d in dtypes
            if cpu.result_dtype(cpu.formula(name.encode()), d) >= 0 for v in variants]


def cast_names(variants=(0, 1, 2)):
    """The name expressions of all conversions and copies."""
    ops = [f"pyx_gpu::Cast<{a}, {b}>" for a in C_TYPES for b in C_TYPES if a != b]
    ops += [f"pyx_gpu::Move<{w}>" for w in WORDS.values()]
    return [kernel_name(op, v) for op in ops for v in variants] + [f"pyx_gpu::fill<{w}>" for w in WORDS.values()]


cdef void* formula_kernels[DEVICES][FORMULAS][NUM_DTYPES][VARIANTS]
cdef void* cast_kernels[DEVICES][NUM_DTYPES][NUM_DTYPES][VARIANTS]
cdef void* move_kernels[DEVICES][5][VARIANTS]
cdef void* fill_kernels[DEVICES][5]


cdef int size_number(int itemsize) noexcept nogil:
    return 0 if itemsize == 1 else 1 if itemsize == 2 else 2 if itemsize == 4 else 3 if itemsize == 8 else 4


cdef void* need_formula(int device, int f, int dtype, int variant) noexcept with gil:
    cdef void* kernel
    try:
        name = kernel_name(operation(_names[f], dtype), variant)
    except KeyError:
        fail(f"no GPU kernel for formula number {f}")
        return NULL
    kernel = function(device, SOURCE, name)
    formula_kernels[device][f][dtype][variant] = kernel
    return kernel


cdef void* need_cast(int device, int to, int source, int variant) noexcept with gil:
    cdef void* kernel
    if to == source:
        kernel = function(device, SOURCE, kernel_name(f"pyx_gpu::Move<{WORDS[itemsize_of(to)]}>", variant))
        move_kernels[device][size_number(itemsize_of(to))][variant] = kernel
    else:
        kernel = function(device, SOURCE, kernel_name(f"pyx_gpu::Cast<{C_TYPES[to]}, {C_TYPES[source]}>", variant))
        cast_kernels[device][to][source][variant] = kernel
    return kernel


cdef void* need_fill(int device, int itemsize) noexcept with gil:
    cdef void* kernel = function(device, SOURCE, f"pyx_gpu::fill<{WORDS[itemsize]}>")
    fill_kernels[device][size_number(itemsize)] = kernel
    return kernel


cdef bint packed(const pyx_strided* walk) noexcept nogil:
    """Whether all operands are contiguous, in one order, and aligned for vector loads."""
    cdef int k, size, alignment
    if walk.ndim != 1:
        return False
    for k in range(walk.noperands):
        size = itemsize_of(walk.dtype[k])
        if walk.strides[k][0] != size:
            return False
        alignment = size * WIDTH if size * WIDTH < 16 else 16
        if <uintptr_t>walk.data[k] % alignment:
            return False
    return True


cdef int variant_of(const pyx_strided* walk) noexcept nogil:
    cdef int k, d
    if packed(walk):
        return 0
    if walk.ndim > 8 or walk.numel >= 0x7fffffff:
        return 2
    for k in range(walk.noperands):
        for d in range(walk.ndim):
            if walk.strides[k][d] >= 0x7fffffff or walk.strides[k][d] < 0:
                return 2
    return 1


cdef int begin(int device, void* kernel, int variant, const pyx_strided* walk, const double* params, int scalars) noexcept nogil:
    cdef Scalars s
    cdef Walk32 small
    cdef Walk64 large
    cdef void* p[6]
    cdef char* data[4]
    cdef int64_t n = walk.numel
    cdef int k, d
    memset(&s, 0, sizeof(s))
    if params != NULL:
        for k in range(scalars):
            s.value[k] = params[k]
    if variant == 0:
        for k in range(4):
            data[k] = walk.data[k] if k < walk.noperands else NULL
        p[0] = &data[0]
        p[1] = &data[1]
        p[2] = &data[2]
        p[3] = &data[3]
        p[4] = &n
        p[5] = &s
        launch(device, kernel, blocks_for((n + WIDTH - 1) // WIDTH, device), THREADS, p)
    elif variant == 1:
        memset(&small, 0, sizeof(small))
        small.numel = <uint32_t>n
        small.ndim = walk.ndim
        for d in range(walk.ndim):
            small.shape[d] = <uint32_t>walk.shape[d]
        for k in range(walk.noperands):
            small.data[k] = walk.data[k]
            for d in range(walk.ndim):
                small.strides[k][d] = <uint32_t>walk.strides[k][d]
        p[0] = &small
        p[1] = &s
        launch(device, kernel, blocks_for(n, device), THREADS, p)
    else:
        memset(&large, 0, sizeof(large))
        large.numel = n
        large.ndim = walk.ndim
        for d in range(walk.ndim):
            large.shape[d] = walk.shape[d]
        for k in range(walk.noperands):
            large.data[k] = walk.data[k]
            for d in range(walk.ndim):
                large.strides[k][d] = walk.strides[k][d]
        p[0] = &large
        p[1] = &s
        launch(device, kernel, blocks_for(n, device), THREADS, p)
    return 0

# ------------------------------------------------------------------- the table's entries

cdef pyx_loop no_loop(int f, int dtype) noexcept nogil:
    return NULL


cdef int scalar_counts[FORMULAS]
memset(scalar_counts, 0, sizeof(scalar_counts))
for _number, _name in _names.items():
    scalar_counts[_number] = FORMULAS_BY_NAME[_name][2]


cdef int run(int f, int dtype, const pyx_strided* walk, const double* params) noexcept nogil:
    cdef int device, variant
    cdef void* kernel
    if f < 0 or f >= FORMULAS or dtype < 0 or dtype >= NUM_DTYPES or cpu.result_dtype(f, dtype) < 0:
        return -1
    if walk.numel == 0:
        return 0
    device = device_of_call()
    variant = variant_of(walk)
    kernel = formula_kernels[device][f][dtype][variant]
    if kernel == NULL:
        kernel = need_formula(device, f, dtype, variant)
        if kernel == NULL:
            return 0        # kept, and raised later
    return begin(device, kernel, variant, walk, params, scalar_counts[f])


cdef int cast(const pyx_strided* walk) noexcept nogil:
    cdef int to = walk.dtype[0], source = walk.dtype[1], variant, device
    cdef void* kernel
    if walk.numel == 0:
        return 0
    device = device_of_call()
    if to == source and walk.ndim == 1 and walk.strides[0][0] == itemsize_of(to) and walk.strides[1][0] == itemsize_of(to):
        memcpy_device(walk.data[0], walk.data[1], walk.numel * itemsize_of(to))
        return 0
    variant = variant_of(walk)
    kernel = move_kernels[device][size_number(itemsize_of(to))][variant] if to == source else cast_kernels[device][to][source][variant]
    if kernel == NULL:
        kernel = need_cast(device, to, source, variant)
        if kernel == NULL:
            return 0
    return begin(device, kernel, variant, walk, NULL, 0)


cdef int fill(char* data, int64_t n, int itemsize, const char* value) noexcept nogil:
    cdef int device, i
    cdef void* kernel
    cdef void* p[3]
    cdef double word[2]
    cdef bint same = True
    if n <= 0:
        return 0
    for i in range(1, itemsize):
        same = same and value[i] == value[0]
    if same:
        memset_device(data, <unsigned char>value[0], n * itemsize)
        return 0
    device = device_of_call()
    kernel = fill_kernels[device][size_number(itemsize)]
    if kernel == NULL:
        kernel = need_fill(device, itemsize)
        if kernel == NULL:
            return 0
    memcpy(word, value, itemsize)
    p[0] = &data
    p[1] = &n
    p[2] = word
    launch(device, kernel, blocks_for(n, device), THREADS, p)
    return 0

cdef pyx_elementwise_kernels table
table.formula = cpu.formula
table.result_dtype = cpu.result_dtype
table.loop = no_loop
table.run = run
table.cast = cast
table.fill = fill
register(b"elementwise", &table, sizeof(pyx_elementwise_kernels), range(NUM_DTYPES))


def evaluate(str name, list operands not None, scalars=()):
    """A formula of the headers by its name, on the device of its operands: for tests.

    Args:
        operands: as many tensors of one shape, dtype and device as the formula has operands; the first of
            a masked one is bool.
        scalars: what the formula reads as s[0], s[1], ...

    Returns:
        The result as a new contiguous tensor; None where the formula is not defined for the dtype.

    Raises:
        RuntimeError: there is no such formula, or the operands do not fit it.
    """
    cdef pyx_elementwise_kernels** tables = <pyx_elementwise_kernels**>kernel_tables(b"elementwise", sizeof(pyx_elementwise_kernels))
    cdef pyx_strided walk
    cdef PyObject* p[4]
    cdef double s[8]
    cdef TensorBase x, y
    cdef int f = cpu.formula(name.encode()), i, dt
    if f < 0 or name not in FORMULAS_BY_NAME:
        raise RuntimeError(f"evaluate: there is no formula {name!r}.")
    letters, _, count = FORMULAS_BY_NAME[name]
    if len(operands) != len(letters) or not count <= len(scalars) <= 8:
        raise RuntimeError(f"evaluate: {name} got {len(operands)} operands and {len(scalars)} scalars, it needs {count} scalars.")
    x = operands[len(operands) - 1]
    for i, operand in enumerate(operands):
        y = operand
        if not same_shape(x, y) or y.dev != x.dev or y.dev_index != x.dev_index or y.dt != (BOOL if letters[i] == "m" else x.dt):
            raise RuntimeError(f"evaluate: operand {i} of {name} has another shape, dtype or device than the last one.")
        p[i + 1] = <PyObject*>y
    dt = cpu.result_dtype(f, x.dt)
    if dt < 0:
        return None
    for i in range(len(scalars)):
        s[i] = scalars[i]
    y = new_like(x, dt)
    p[0] = <PyObject*>y
    walk_init(&walk, y.nd, y.sizes, len(operands) + 1, p)
    enter_device(y.dev, y.dev_index, name)
    if tables[y.dev] == NULL or tables[y.dev].run(f, x.dt, &walk, s):
        raise RuntimeError(f"evaluate: {name} failed.")
    return y
