"""Random numbers. Every number is a function of (seed, place in the stream): see include/pyxtorch/philox.h."""
cimport cython
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, check_inplace, rebase, rebasing, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._factory cimport laid_out, only_plain
from pyxtorch.ops._common import strict_out

cdef pyx_random_kernels** tables = <pyx_random_kernels**>kernel_tables(b"random", sizeof(pyx_random_kernels))


cdef pyx_random_kernels* random_kernels(TensorBase x, str op) except NULL:
    return <pyx_random_kernels*>table_for(<void**>tables, x, op)


# ----------------------------------------------------------------------------------- generators

cdef uint64_t seed_of(object seed) except? 0:
    n = int(seed)
    if not -0x8000_0000_0000_0000 <= n <= 0xffff_ffff_ffff_ffff:
        raise RuntimeError(f"manual_seed: the seed {n} is out of range [-0x8000_0000_0000_0000, 0xffff_ffff_ffff_ffff].")
    return n % (1 << 64)


@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
cdef class Generator:
    """A stream of random numbers: a seed, and the place reached in the stream.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> torch.rand(2, generator=g)
    """
    def __init__(self, device="cpu"):
        cdef int index
        self._device = device_of(parse_device(device, &index), index)
        self._seed = 67280421310721
        self._offset = 0

    @property
    def device(self):
        return self._device

    cdef uint64_t advance(self, int64_t blocks) noexcept:
        cdef uint64_t place = self._offset
        self._offset += <uint64_t>blocks
        return place

    def manual_seed(self, seed):
        """Start the stream of `seed` from its beginning; returns the generator."""
        self._seed = seed_of(seed)
        self._offset = 0
        return self

    def seed(self):
        """Start a stream of a seed from the system's entropy; returns it."""
        import os
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def initial_seed(self):
        """The seed of the stream."""
        return self._seed

    def get_state(self):
        """Seed and place as a uint8 tensor of 16 elements."""
        cdef int64_t n = 16
        cdef Variable state = <Variable>new_empty(1, &n, UINT8, CPU, 0)
        memcpy(state.ptr, &self._seed, 8)
        memcpy(state.ptr + 8, &self._offset, 8)
        return state

    def set_state(self, new_state):
        """Go back to a state that `get_state` gave."""
        cdef Variable state
        if not isinstance(new_state, Variable) or (<Variable>new_state).dt != UINT8 or (<Variable>new_state).dev != CPU:
            raise TypeError("set_state: expected a torch.ByteTensor (uint8, on the CPU).")
        state = dense(<Variable>new_state)
        if state.n != 16:
            raise RuntimeError(f"set_state: RNG state is wrong size: {state.n} elements, expected 16. Use a state from get_state().")
        memcpy(&self._seed, state.ptr, 8)
        memcpy(&self._offset, state.ptr + 8, 8)
        return self

    def get_offset(self):
        """The place reached in the stream, in blocks of 128 bits."""
        return self._offset

    def set_offset(self, offset):
        """Go to a place in the stream."""
        self._offset = seed_of(offset)

    def clone_state(self):
        """A generator of the same stream at the same place."""
        cdef Generator g = Generator(self._device)
        g._seed, g._offset = self._seed, self._offset
        return g

    graphsafe_get_state = clone_state

    def __reduce__(self):
        return _restored, (str(self._device), self._seed, self._offset)

    def __repr__(self):
        return f"<torch.Generator on {self._device}: seed {self._seed}>"


def _restored(device, seed, offset):
    cdef Generator g = Generator(device).manual_seed(seed)
    g._offset = offset
    return g


default_generator = Generator()
default_generator.seed()
cdef Generator _default = default_generator


cdef Generator generator_of(object generator):
    if generator is None:
        return _default
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a torch.Generator, not {type(generator).__name__}")
    return <Generator>generator


def manual_seed(seed):
    """Seed the default generator (of all devices); returns it."""
    return default_generator.manual_seed(seed)


def seed():
    """Seed the default generator from the system's entropy; returns the seed."""
    return default_generator.seed()


def initial_seed():
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Put the default generator back into a state."""
    default_generator.set_state(new_state)


# ---------------------------------------------------------------------------------------- filling

cdef object no_law(str op, int dt):
    return NotImplementedError(f'"{op}" not implemented for {dtype_of(dt).name!r}: floating-point tensors are filled.')


cdef Variable fill_law(Variable x, int law, double a, double b, object generator, str op):
    """Fill contiguous x; complex numbers of NORMAL and UNIFORM by their parts."""
    cdef Generator g = generator_of(generator)
    cdef pyx_random_kernels* k = random_kernels(x, op)
    cdef int dt = x.dt, code
    cdef int64_t n = x.n
    cdef uint64_t seed, place
    if is_complex_code(dt):
        if law != NORMAL and law != UNIFORM:
            raise no_law(op, dt)
        dt = real_code(dt)
        n *= 2
    if dt <= INT64 and law != GEOMETRIC and law != BERNOULLI:
        raise no_law(op, dt)
    seed = g._seed
    place = g.advance(k.blocks(n, k.words(law, dt)))
    if n > 2048:
        x_ptr = x.ptr
        with nogil:
            code = k.fill(law, dt, x_ptr, n, a, b, seed, place)
    else:
        code = k.fill(law, dt, x.ptr, n, a, b, seed, place)
    if code:
        raise no_law(op, dt)
    return x


cdef class Unrelated(Function):
    """What was there before has no influence: no gradient."""
    cdef int vjp(self, Variable g) except -1:
        return 0


cdef Variable written(Variable x, Variable fresh, str op):
    """x, which now holds random numbers (those of `fresh` if that is another tensor)."""
    cdef Variable y
    if fresh is not x:
        copy_raw(x, fresh)
    bump(x)
    if rebasing(x, 0):
        y = <Variable>alias(x)
        if recording(x):
            record1(Unrelated.__new__(Unrelated), y, x)
        rebase(x, y)
    return x


cdef Variable fill_inplace(Variable x, int law, double a, double b, object generator, str op):
    check_inplace(x, op)
    return written(x, fill_law(x if x.flags & CONTIGUOUS else <Variable>new_like(x, x.dt), law, a, b, generator, op), op)


def uniform_(Variable self not None, from_=0, to=1, *, generator=None, **named):
    """Fill with numbers from the uniform distribution on [from, to)."""
    low = named.pop("from", from_)
    if named:
        raise TypeError(f"uniform_() got an unexpected keyword argument {list(named)[0]!r}")
    if not low <= to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={to}")
    if is_complex_code(self.dt):    # both parts
        import pyxtorch
        pyxtorch.view_as_real(self).uniform_(low, to, generator=generator)
        return self
    return fill_inplace(self, UNIFORM, low, to, generator, "uniform_")


def normal_(Variable self not None, mean=0, std=1, *, generator=None):
    """Fill with numbers from the normal distribution (Box and Muller's method)."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if is_complex_code(self.dt):
        std = std * 0.5 ** 0.5
    return fill_inplace(self, NORMAL, mean, std, generator, "normal_")


def exponential_(Variable self not None, lambd=1, *, generator=None):
    """Fill with numbers from the exponential distribution of rate lambd."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    if is_complex_code(self.dt):
        raise no_law("exponential_", self.dt)
    return fill_inplace(self, EXPONENTIAL, lambd, 0, generator, "exponential_")


def log_normal_(Variable self not None, mean=1, std=2, *, generator=None):
    """Fill with numbers whose logarithm has the normal distribution."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    return fill_inplace(self, LOG_NORMAL, mean, std, generator, "log_normal_")


def cauchy_(Variable self not None, median=0, sigma=1, *, generator=None):
    """Fill with numbers from the Cauchy distribution."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    return fill_inplace(self, CAUCHY, median, sigma, generator, "cauchy_")


def geometric_(Variable self not None, p, *, generator=None):
    """Fill with numbers of trials up to the first success, of probability p each."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    if is_complex_code(self.dt) or self.dt == BOOL and False:
        raise no_law("geometric_", self.dt)
    return fill_inplace(self, GEOMETRIC, p, 0, generator, "geometric_")


cdef Variable bernoulli_fill(Variable y, Variable p, object generator, str op):
    """y contiguous; p contiguous float32 or float64 of as many elements."""
    cdef Generator g = generator_of(generator)
    cdef pyx_random_kernels* k = random_kernels(y, op)
    cdef uint64_t seed = g._seed
    cdef uint64_t place = g.advance(k.blocks(y.n, 2 if p.dt == FLOAT64 else 1))
    cdef int code
    if y.n > 2048:
        y_dt, p_ptr, p_dt, y_ptr, y_n = y.dt, p.ptr, p.dt, y.ptr, y.n
        with nogil:
            code = k.bernoulli(y_dt, p_ptr, p_dt, y_ptr, y_n, seed, place)
    else:
        code = k.bernoulli(y.dt, p.ptr, p.dt, y.ptr, y.n, seed, place)
    if code == -2:
        raise RuntimeError("bernoulli: Expected p_in >= 0 && p_in <= 1 to be true, but an element is outside [0, 1].")
    if code:
        raise no_law(op, y.dt)
    return y


cdef int check_probability(object p, str op) except -1:
    if not 0 <= p <= 1:
        raise RuntimeError(f"{op} expects p to be in [0, 1], but got p={p}")
    return 0


def bernoulli_(Variable self not None, p=0.5, *, generator=None):
    """Fill with 1 by probability p (a number, or a tensor that broadcasts), else 0."""
    cdef Variable q
    cdef Variable y
    check_inplace(self, "bernoulli_")
    if not isinstance(p, Variable):
        check_probability(p, "bernoulli_")
        return fill_inplace(self, BERNOULLI, p, 0, generator, "bernoulli_")
    q = <Variable>p
    if q.dt <= INT64 or is_complex_code(q.dt):
        raise RuntimeError(f"bernoulli_: expected probabilities tensor to have floating type, got {dtype_of(q.dt).name}")
    same_device(self, q, "bernoulli_")
    q = dense(<Variable?>q.detach().expand(shape_of(self)))
    q = cast_raw(q, FLOAT32 if q.dt != FLOAT64 else FLOAT64)
    y = self if self.flags & CONTIGUOUS else <Variable>new_like(self, self.dt)
    return written(self, bernoulli_fill(y, q, generator, "bernoulli_"), "bernoulli_")


def bernoulli(Variable input not None, p=None, *, generator=None, out=None):
    """0 or 1 by probability: that of each element of `input`, or p (a number) for all, in the dtype of input."""
    cdef Variable y = <Variable>new_like(input, input.dt)
    cdef Variable q
    if p is not None:
        if isinstance(p, Variable):
            return finish_out(bernoulli_(y, p, generator=generator), out, "bernoulli")
        check_probability(p, "bernoulli")
        y = fill_law(y, BERNOULLI, p, 0, generator, "bernoulli")
    else:
        if input.dt <= INT64 or is_complex_code(input.dt):
            raise no_law("bernoulli_tensor_cpu_p_", input.dt)
        q = cast_raw(<Variable?>input.detach(), FLOAT32 if input.dt != FLOAT64 else FLOAT64)
        bernoulli_fill(y, q, generator, "bernoulli")
    return finish_out(unrelated(y, input), out, "bernoulli")


cdef Variable unrelated(Variable y, Variable x):
    if recording(x):
        record1(Unrelated.__new__(Unrelated), y, x)
    return y


# --------------------------------------------------------------------------------------- integers

cdef Variable integers(Variable y, object low, object high, object generator, str op):
    """low <= y < high, into contiguous y."""
    cdef Generator g = generator_of(generator)
    cdef pyx_random_kernels* k = random_kernels(y, op)
    cdef uint64_t span, seed, place
    cdef int64_t start
    cdef int code
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if is_complex_code(y.dt):
        raise no_law(op, y.dt)
    least, most = whole_range(y.dt)
    if low < least or low > most:
        raise RuntimeError(f"from is out of bounds for {dtype_of(y.dt).name}")
    if high - 1 > most or high - 1 < least:
        raise RuntimeError(f"to - 1 is out of bounds for {dtype_of(y.dt).name}")
    span = (high - low) % (1 << 64)
    start = low
    seed = g._seed
    place = g.advance(k.blocks(y.n, 1 if span and span <= <uint64_t>1 << 32 else 2))
    y_dt, y_ptr, y_n = y.dt, y.ptr, y.n
    with nogil:
        code = k.integers(y_dt, y_ptr, y_n, start, span, seed, place)
    if code:
        raise no_law(op, y.dt)
    return y


cdef tuple whole_range(int dt):
    """The least and the greatest whole number to draw into a dtype."""
    return integer_range(dt if dt <= INT64 else INT64) if dt != FLOAT16 else (-65504, 65504)


def random_(Variable self not None, *args, generator=None, **named):
    """random_(), random_(to), random_(from, to): fill with whole numbers from <= x < to.

    By default from 0 to the dtype's largest number, or to that up to which a floating-point dtype holds all.
    """
    low = named.pop("from", None)
    high = named.pop("to", None)
    if named or len(args) > 2:
        raise TypeError(f"random_(): expected from and to, got {args} {named}")
    if len(args) == 2:
        low, high = args
    elif len(args) == 1:
        low, high = (low, args[0]) if high is None else (args[0], high)
    if low is None:
        low = 0
    if high is None:
        digits = {FLOAT16: 11, BFLOAT16: 8, FLOAT32: 24, FLOAT64: 53}.get(self.dt)
        high = (1 << digits) + 1 if digits else 2 if self.dt == BOOL else whole_range(self.dt)[1] + 1
    check_inplace(self, "random_")
    return written(self, integers(self if self.flags & CONTIGUOUS else <Variable>new_like(self, self.dt), int(low), int(high), generator, "random_"), "random_")


# -------------------------------------------------------------------------------------- creation

cdef Variable fresh(int nd, const int64_t* sizes, object dtype, object device, str op):
    cdef int index = 0, dev
    cdef int dt = default_dtype() if dtype is None else dtype_code(dtype)
    dev = parse_device(device, &index)
    for i in range(nd):
        if sizes[i] < 0:
            raise RuntimeError(f"{op}: Trying to create tensor with negative dimension {sizes[i]}: {[sizes[k] for k in range(nd)]}")
    return <Variable>new_empty(nd, sizes, dt, dev, index)


cdef object finished(Variable y, object out, bint requires_grad, str op):
    if out is not None:
        return finish_out(y, out, op)
    if requires_grad:
        y.requires_grad_(True)
    return y


cdef object by_law(tuple sizes, int law, object generator, object out, object dtype, object device, bint requires_grad, object size, str op):
    cdef int64_t lengths[64]
    cdef Variable y
    if size is not None and sizes:
        raise TypeError(f"{op}() got multiple values for argument 'size'")
    cdef int nd = parse_star(sizes if size is None else (size,), lengths, op)
    if out is not None and dtype is None:
        dtype = dtype_of((<Variable>checked(out, op, "out")).dt)
    y = fresh(nd, lengths, dtype, device, op)
    if y.dt <= INT64:
        raise no_law("uniform_" if law == UNIFORM else "normal_", y.dt)
    fill_law(y, law, 0, 0.5 ** 0.5 if law == NORMAL and is_complex_code(y.dt) else 1, generator, op)
    return finished(y, out, requires_grad, op)


def rand(*sizes, size=None, generator=None, names=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """Numbers from the uniform distribution on [0, 1)."""
    only_plain(layout, pin_memory, "rand")
    return by_law(sizes, UNIFORM, generator, out, dtype, device, requires_grad, size, "rand")


def randn(*sizes, size=None, generator=None, names=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """Numbers from the normal distribution of mean 0 and deviation 1 (complex: variance 1)."""
    only_plain(layout, pin_memory, "randn")
    return by_law(sizes, NORMAL, generator, out, dtype, device, requires_grad, size, "randn")


def rand_like(Variable input not None, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None):
    """`rand` in the shape, dtype and device of `input`."""
    only_plain(layout, pin_memory, "rand_like")
    y = by_law((shape_of(input),), UNIFORM, generator, None, dtype or dtype_of(input.dt), device or device_of(input.dev, input.dev_index), False, None, "rand_like")
    return laid_out(y, memory_format, True, requires_grad, "rand_like")


def randn_like(Variable input not None, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None):
    """`randn` in the shape, dtype and device of `input`."""
    only_plain(layout, pin_memory, "randn_like")
    y = by_law((shape_of(input),), NORMAL, generator, None, dtype or dtype_of(input.dt), device or device_of(input.dev, input.dev_index), False, None, "randn_like")
    return laid_out(y, memory_format, True, requires_grad, "randn_like")


def randint(low=None, high=None, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """randint([low=0], high, size): whole numbers low <= x < high, int64 by default."""
    only_plain(layout, pin_memory, "randint")
    cdef int64_t sizes[64]
    cdef int nd
    cdef Variable y
    if isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    elif low is None or high is None:
        low, high = 0, low if high is None else high
    if high is None:
        raise TypeError("randint(): missing argument: high.")
    if size is None:
        raise TypeError("randint(): missing argument: size.")
    if out is not None and dtype is None:
        dtype = dtype_of((<Variable>checked(out, "randint", "out")).dt)
    nd = parse_sizes(size, sizes, "randint")
    y = fresh(nd, sizes, dtype_of(INT64) if dtype is None else dtype, device, "randint")
    return finished(integers(y, as_index(low, "randint"), as_index(high, "randint"), generator, "randint"), out, requires_grad, "randint")


def randint_like(Variable input not None, low=None, high=None, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None):
    """`randint` in the shape, dtype and device of `input`."""
    only_plain(layout, pin_memory, "randint_like")
    if low is None or high is None:
        low, high = 0, low if high is None else high
    if high is None:
        raise TypeError("randint_like(): missing argument: high.")
    y = randint(low, high, shape_of(input), generator=generator, dtype=dtype or dtype_of(input.dt), device=device or device_of(input.dev, input.dev_index))
    return laid_out(y, memory_format, True, requires_grad, "randint_like")


def randperm(n, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """The numbers 0 to n - 1 in random order, int64 by default.

    Source: Rao and Sandelius' division into hands, each shuffled by Fisher and Yates' method.
    """
    only_plain(layout, pin_memory, "randperm")
    cdef Generator g = generator_of(generator)
    cdef int64_t count = as_index(n, "randperm")
    cdef Variable y
    cdef pyx_random_kernels* k
    cdef uint64_t seed, place
    cdef int code
    if count < 0:
        raise RuntimeError(f"n must be non-negative, got {count}")
    y = fresh(1, &count, dtype_of(INT64), device, "randperm")
    k = random_kernels(y, "randperm")
    seed = g._seed
    place = g.advance(k.blocks(2 * count, 1))
    y_ptr = y.ptr
    with nogil:
        code = k.permutation(<int64_t*>y_ptr, count, seed, place)
    if code:
        raise MemoryError(f"randperm: no memory for {count} numbers.")
    if dtype is not None and dtype_code(dtype) != INT64:
        dt = dtype_code(dtype)
        if dt == BOOL or is_complex_code(dt):
            raise no_law("randperm", dt)
        if count > (whole_range(dt)[1] if dt <= INT64 else 2 ** {FLOAT16: 11, BFLOAT16: 8, FLOAT32: 24}.get(dt, 53)) + 1:
            raise RuntimeError(f"n is too large for result tensor type: {dtype_of(dt).name}")
        y = cast_raw(y, dt)
    return finished(y, out, requires_grad, "randperm")


def normal(mean, std=1.0, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """Numbers from normal distributions: of the means and deviations in tensors, or of numbers for a given size."""
    only_plain(layout, pin_memory, "normal")
    if isinstance(mean, Variable) or isinstance(std, Variable):
        like = mean if isinstance(mean, Variable) else std
        if isinstance(mean, Variable) and isinstance(std, Variable):
            if mean.dtype.is_complex or std.dtype.is_complex:
                if std.dtype.is_complex:
                    raise RuntimeError("normal expects standard deviation to be non-complex")
            like = mean.detach() + std.detach()
        if isinstance(std, Variable):
            if std.dtype.is_complex:
                raise RuntimeError("normal expects standard deviation to be non-complex")
            if std.numel() and any_true(std < 0):
                raise RuntimeError("normal expects all elements of std >= 0.0")
        elif not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        like = <Variable>like
        z = randn_like(like if (<Variable>like).dt > INT64 else like.float(), generator=generator)
        y = z * (std.detach() if isinstance(std, Variable) else std) + (mean.detach() if isinstance(mean, Variable) else mean)
        return finish_out(y, out, "normal")
    if size is None:
        raise TypeError("normal(): missing argument: size (mean and std are numbers).")
    y = randn(size, generator=generator, out=out, dtype=dtype, device=device)
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    y.mul_(std).add_(mean)
    return y.requires_grad_(True) if requires_grad else y


# --------------------------------------------------------------------------------------- samplers

cdef int rejected(int code, Variable x, str op, str what) except -1:
    if code == -2:
        raise RuntimeError(f"{op}: {what}")
    if code == -1:
        raise no_law(op, x.dt)
    if code:
        raise MemoryError(f"{op}: no memory.")
    return 0


cdef int64_t private_blocks(TensorBase x) noexcept:
    """How far samplers by rejection go in the stream: nothing is drawn for tensors without elements to fill."""
    return 0 if x.dev == META else PRIVATE_BLOCKS


def multinomial(Variable input not None, num_samples, replacement=False, *, generator=None, out=None):
    """num_samples positions drawn from each row of weights (1-d or 2-d), with or without replacement.

    Raises:
        RuntimeError: a weight is negative, infinite or NaN, a row sums to 0, or fewer weights than draws are
            positive without replacement.
    Source: inversion; without replacement exponential keys (Efraimidis and Spirakis, 2006).
    """
    cdef Generator g = generator_of(generator)
    cdef Variable w
    cdef Variable y
    cdef int64_t sizes[2]
    cdef int64_t count = as_index(num_samples, "multinomial")
    cdef int64_t rows, n
    cdef int code, again = 1 if replacement else 0
    cdef pyx_random_kernels* k = random_kernels(input, "multinomial")
    cdef uint64_t seed, place
    if input.nd != 1 and input.nd != 2:
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, not {input.nd}")
    if input.dt <= INT64 or is_complex_code(input.dt):
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {dtype_of(input.dt).name}")
    n = input.sizes[input.nd - 1]
    strict_out(out, (input,), "multinomial", (INT64,))
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > n:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    w = dense(<Variable?>input.detach())
    rows = input.sizes[0] if input.nd == 2 else 1
    sizes[0] = rows
    sizes[input.nd - 1] = count
    y = <Variable>new_empty(input.nd, sizes, INT64, input.dev, input.dev_index)
    seed = g._seed
    place = g.advance(private_blocks(w))
    w_dt, w_ptr, y_ptr = w.dt, w.ptr, y.ptr
    with nogil:
        code = k.multinomial(w_dt, w_ptr, rows, n, count, again, <int64_t*>y_ptr, seed, place)
    if code == -3:
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if code == -5:
        raise RuntimeError("invalid multinomial distribution (with replacement=False, not enough non-negative category to sample)")
    rejected(code, w, "multinomial", "probability tensor contains either `inf`, `nan` or element < 0")
    return finish_out(y, out, "multinomial")


cdef Variable sampled(Variable a, Variable b, int kind, object generator, str op):
    """kind 0: poisson(a), 1: binomial(a, b), 2: gamma(a)."""
    cdef Generator g = generator_of(generator)
    cdef Variable x = dense(<Variable?>a.detach())
    cdef Variable p = dense(<Variable?>b.detach()) if b is not None else None
    cdef Variable y = <Variable>new_like(x, x.dt)
    cdef pyx_random_kernels* k = random_kernels(x, op)
    cdef uint64_t seed = g._seed
    cdef uint64_t place = g.advance(private_blocks(x))
    cdef int code
    x_dt, x_ptr, y_ptr, x_n = x.dt, x.ptr, y.ptr, x.n
    p_ptr = p.ptr if p is not None else NULL
    with nogil:
        if kind == 0:
            code = k.poisson(x_dt, x_ptr, y_ptr, x_n, seed, place)
        elif kind == 1:
            code = k.binomial(x_dt, x_ptr, p_ptr, y_ptr, x_n, seed, place)
        else:
            code = k.gamma(x_dt, x_ptr, y_ptr, x_n, seed, place)
    rejected(code, x, op, "invalid parameters: " + ("rates must be 0 or more", "counts must be 0 or more and probabilities in [0, 1]", "concentrations must be positive")[kind])
    return y


def poisson(Variable input not None, generator=None):
    """Numbers from Poisson distributions of the rates in `input`.

    Source: Hoermann, "The transformed rejection method for generating Poisson random variables" (1993).
    """
    return unrelated(sampled(input, None, 0, generator, "poisson"), input)


def binomial(Variable count not None, Variable prob not None, generator=None):
    """Numbers of successes in `count` trials of probability `prob` each (broadcast, floating point).

    Source: Hoermann, "The generation of binomial random variates" (1993).
    """
    cdef int64_t sizes[64]
    if count.dt != prob.dt:
        raise RuntimeError(f"binomial: Found dtype {dtype_of(prob.dt).name} but expected {dtype_of(count.dt).name}")
    same_device(count, prob, "binomial")
    cdef int nd = broadcast(count, prob, sizes, "binomial")
    shape = tuple([sizes[i] for i in range(nd)])
    return sampled(count.expand(shape), prob.expand(shape), 1, generator, "binomial")


__all__ = [
    "Generator", "default_generator", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "rand", "randn",
    "rand_like", "randn_like", "randint", "randint_like", "randperm", "normal", "bernoulli", "multinomial", "poisson",
    "binomial",
]
methods = {
    "uniform_": uniform_, "normal_": normal_, "exponential_": exponential_, "log_normal_": log_normal_, "cauchy_": cauchy_,
    "geometric_": geometric_, "bernoulli_": bernoulli_, "bernoulli": bernoulli, "random_": random_, "multinomial": multinomial,
}
