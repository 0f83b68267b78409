"""In-place forms of operations: computed beside self, copied into it, the history moved over."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport DUAL, Node, Variable, carry, check_inplace, grad_fn_of, rebase, rebasing, recorded_flags, recording_any
from pyxtorch.ops._common cimport clone_raw, copy_raw


cdef Variable before_change(Variable x):
    """The values and the history that x has now, in memory of their own."""
    cdef Variable y = clone_raw(x)
    y._grad_fn = grad_fn_of(x)
    y.output_nr = x.output_nr
    y.flags |= x.flags & REQUIRES_GRAD
    if x.flags & DUAL:
        carry(y, x)
    return y


cdef int keep_before(Variable x, Node node) except -1:
    """x is about to be overwritten with what `node` made of it: should the node have saved x, give it a copy."""
    cdef Variable old = None
    cdef int i
    if node is None:
        return 0
    if node.s0 is x:
        old = before_change(x)
        node.s0, node.v0 = old, old.st.version
    if node.s1 is x:
        old = old if old is not None else before_change(x)
        node.s1, node.v1 = old, old.st.version
    if node.s2 is x:
        old = old if old is not None else before_change(x)
        node.s2, node.v2 = old, old.st.version
    if node.s_more is not None:
        for i in range(len(node.s_more)):
            if node.s_more[i] is x:
                old = old if old is not None else before_change(x)
                node.s_more[i], node.v_more[i] = old, old.st.version
    return 0


cdef Variable write_inplace(Variable x, Variable result, str op):
    """`result` was computed from x: let x hold it, history included."""
    check_inplace(x, op)
    if result is x:
        return x
    if not can_cast(result.dt, x.dt):
        raise RuntimeError(f"{op}: result type {dtype_of(result.dt).name} can't be cast to the desired output type {dtype_of(x.dt).name}")
    if not same_shape(result, x):
        raise RuntimeError(
            f"{op}: output with shape {list(shape_of(x))} doesn't match the broadcast shape {list(shape_of(result))}; "
            "an in-place operation cannot change its shape."
        )
    if result.dt != x.dt:
        result = result.to(dtype_of(x.dt))
    if result._grad_fn is not None:
        keep_before(x, <Node>result._grad_fn)
    copy_raw(x, result)
    bump(x)
    if rebasing(x, result.flags):
        rebase(x, result)
    return x


cdef bint one_step(Variable result, Variable x, tuple operands):
    """Whether the history of `result` is one node right above x and `operands`, which keeps nothing of x's memory but x itself.

    Then what it saved can be replaced (`keep_before`) after the fact. Other nodes in between may have saved x, too.
    """
    cdef Node node = <Node>result._grad_fn
    cdef int i
    if node is None:
        return result is not x
    if node.extra is not None:
        return False        # saved tensors are packed by somebody's hooks
    known = [(<Variable>t)._grad_fn if (<Variable>t)._grad_fn is not None else t for t in (x, *operands) if isinstance(t, Variable)]
    for i in range(node.n_inputs):
        edge = node.edge(i)
        if edge is not None:
            for target in known:
                if edge is target:
                    break
            else:
                return False
    for saved in (node.s0, node.s1, node.s2, *(node.s_more or ())):
        if saved is not None and saved is not x and same_memory(<TensorBase>saved, x):
            return False
    return True


def inplace(function, name=None):
    """The in-place form of `function`: compute, copy into self, move the history over.

    A function of one operand with out= writes straight into self where nothing is recorded. Where something is, self is
    copied before only if the node saved it, or if the function consists of several operations, any of which may have.
    """
    op = name or function.__name__ + "_"
    takes_out = "out" in getattr(getattr(function, "__code__", None), "co_varnames", ())
    composed = 0        # bit dt: of several operations for this dtype, learnt from the first recorded call

    def method(self, *args, **kwargs):
        nonlocal composed
        cdef Variable x
        if not isinstance(self, Variable):
            return function(self, *args, **kwargs)     # TypeError
        x = <Variable>self
        dtype = kwargs.get("dtype")
        if dtype is not None and dtype_code(dtype) != x.dt:
            raise RuntimeError(f"{op}: Bad in-place call: input tensor dtype {self.dtype} and output tensor dtype {dtype} should match.")
        if recording_any((self, *args)) or recording_any(tuple(kwargs.values())):
            check_inplace(x, op)
            if not composed >> x.dt & 1 and not x.flags & DUAL:
                result = function(self, *args, **kwargs)
                if one_step(result, x, (*args, *kwargs.values())):
                    return write_inplace(x, result, op)
                composed |= 1 << x.dt
            before = before_change(x)       # in the place of x wherever it stands
            args = tuple([before if a is self else a for a in args])
            kwargs = {name: before if a is self else a for name, a in kwargs.items()}
            return write_inplace(x, function(before, *args, **kwargs), op)
        if takes_out and not args and not kwargs and (x._base is None or not recorded_flags()):
            check_inplace(x, op)
            return function(self, out=self)
        return write_inplace(x, function(self, *args, **kwargs), op)

    method.__name__ = method.__qualname__ = op
    method.__doc__ = f"In-place form of `{function.__name__}`."
    return method
