/* The gate's C side: who is to be asked, and the test in front of the slots and attributes of the class Tensor. Included by
   pyxtorch/_gate.pyx alone, after Python's own header. */
#pragma once

static int pyx_watching = 0;                      /* reasons to look at arguments */
static thread_local PyObject* pyx_modes = NULL;   /* list of the modes that this thread has entered */
static thread_local int pyx_silent = 0;           /* see set_silent */
static thread_local int pyx_around = 0;           /* what it was around the backward run that is going on */
static PyTypeObject* pyx_tensor = NULL;           /* the class Tensor: it overrides nothing */
static PyObject* pyx_disabled = NULL;             /* a class's `__torch_function__` that says the same */
static PyObject* pyx_override_name = NULL;

/* The `__torch_function__` of the class of `x`, or NULL if it overrides nothing (borrowed). */
static inline PyObject* pyx_override(PyObject* x) {
    PyTypeObject* type = Py_TYPE(x);
    if (type == pyx_tensor || type == &PyLong_Type || type == &PyFloat_Type || x == Py_None) return NULL;
    PyObject* found = _PyType_Lookup(type, pyx_override_name);
    return found == pyx_disabled ? NULL : found;
}
/* The fields of an Operation. `entry` is what the interpreter calls, one of the functions below; `code` is the C function
   behind `function`, which `entry` calls without another call between them. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc entry;
    vectorcallfunc call;        /* `function`'s own */
    void* code;
    PyObject* code_self;        /* its first argument, or the class that it must be of (both borrowed) */
    PyObject* function;
    PyObject* flags;            /* dict of parameters that are true or false, by name; None before the first call that needs it */
    PyObject* others;           /* dict of other names of parameters, by which they may be given, too; None as long as `flags` is */
    Py_ssize_t first_flag;      /* how many arguments can be given by place before one of them is a flag */
    PyObject* name;
} pyx_operation;

typedef PyObject* (*pyx_fast_code)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
static vectorcallfunc pyx_watched_call = NULL;          /* set by Cython code */
static vectorcallfunc pyx_after_error = NULL;
/* What a function of _arguments.py says; only asked where an operation is called for the first time, or has failed. */
static PyObject* pyx_ask_arguments(const char* function, PyObject* a, PyObject* b, PyObject* c) {
    PyObject *module = PyImport_ImportModule("pyxtorch._arguments"), *f = NULL, *result = NULL;
    if (module != NULL) f = PyObject_GetAttrString(module, function);
    if (f != NULL) result = PyObject_CallFunctionObjArgs(f, a, b, c, NULL);
    Py_XDECREF(f);
    Py_XDECREF(module);
    return result;
}
static int pyx_know_parameters(pyx_operation* op) {
    PyObject* known = pyx_ask_arguments("parameters_of", op->function, NULL, NULL);
    if (known == NULL) return -1;
    Py_SETREF(op->flags, Py_NewRef(PyTuple_GET_ITEM(known, 0)));
    Py_SETREF(op->others, Py_NewRef(PyTuple_GET_ITEM(known, 2)));
    op->first_flag = PyLong_AsSsize_t(PyTuple_GET_ITEM(known, 1));
    Py_DECREF(known);
    return 0;
}
static int pyx_is_flag(pyx_operation* op, PyObject* name, PyObject* value) {
    const char* kind = Py_TYPE(value)->tp_name;
    if (PyBool_Check(value) || strcmp(kind, "numpy.bool") == 0 || strcmp(kind, "numpy.bool_") == 0 || pyx_override(value)) return 1;
    PyErr_Format(PyExc_TypeError, "%S(): argument '%U' must be bool, not %s", op->name, name, kind);
    return 0;
}
/* Whether `name` is one of those in OTHER_NAMES, by a look that costs nothing; a false yes is only slower. */
static inline int pyx_may_be_other(PyObject* name) {
    Py_ssize_t n = PyUnicode_GET_LENGTH(name);
    return n <= 2 || (n == 4 && PyUnicode_READ_CHAR(name, 1) == 'x') || (n == 8 && PyUnicode_READ_CHAR(name, 7) == 's');
}
/* Whether all that is given for flags is true or false, as PyTorch demands: keepdim="no" would count as true. -1: names are not the operation's own. */
static int pyx_arguments_right(pyx_operation* op, PyObject* const* args, Py_ssize_t n, PyObject* names) {
    PyObject *name, *place;
    Py_ssize_t at = 0, i;
    if (op->flags == Py_None && pyx_know_parameters(op) < 0) return 0;
    if (names != NULL)
        for (i = 0; i < PyTuple_GET_SIZE(names); i++)
            if (pyx_may_be_other(PyTuple_GET_ITEM(names, i)) && PyDict_GetItem(op->others, PyTuple_GET_ITEM(names, i))) return -1;
    if (n > op->first_flag)
        while (PyDict_Next(op->flags, &at, &name, &place)) {
            i = PyLong_AsSsize_t(place);
            if (i >= 0 && i < n && !pyx_is_flag(op, name, args[i])) return 0;
        }
    if (names != NULL && PyDict_GET_SIZE(op->flags))
        for (i = 0; i < PyTuple_GET_SIZE(names); i++) {
            name = PyTuple_GET_ITEM(names, i);
            if (PyDict_GetItem(op->flags, name) && !pyx_is_flag(op, name, args[n + i])) return 0;
        }
    return 1;
}

/* Where Python itself found a number too large, or an array in place of one: the error that PyTorch raises. */
static void pyx_say_otherwise(PyObject* op) {
    PyObject *kind, *value, *trace, *other = NULL;
    if (!PyErr_ExceptionMatches(PyExc_OverflowError) && !PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_TypeError)) return;
    PyErr_Fetch(&kind, &value, &trace);
    if (value != NULL) other = pyx_ask_arguments("in_other_words", ((pyx_operation*)op)->name, value, NULL);
    if (other == NULL) PyErr_Clear();
    PyErr_Restore(kind, value, trace);
    if (other != NULL && other != Py_None) PyErr_SetObject((PyObject*)Py_TYPE(other), other);
    Py_XDECREF(other);
}

/* The call with the operation's own names, or NULL where the arguments are not right. */
static PyObject* pyx_by_own_names(int right, PyObject* self, PyObject* const* args, size_t n, PyObject* names) {
    pyx_operation* op = (pyx_operation*)self;
    Py_ssize_t count = right == 0 ? 0 : PyTuple_GET_SIZE(names), i, j;
    PyObject *own = right == 0 ? NULL : PyTuple_New(count), *result = NULL;
    if (own == NULL) return NULL;
    for (i = 0; i < count; i++) {
        PyObject* name = PyDict_GetItem(op->others, PyTuple_GET_ITEM(names, i));
        PyTuple_SET_ITEM(own, i, Py_NewRef(name ? name : PyTuple_GET_ITEM(names, i)));
    }
    for (i = 0; i < count; i++)
        for (j = 0; j < i; j++)
            if (PyUnicode_Compare(PyTuple_GET_ITEM(own, i), PyTuple_GET_ITEM(own, j)) == 0) {
                Py_XDECREF(pyx_ask_arguments("refuse_twice", op->name, PyTuple_GET_ITEM(names, j), PyTuple_GET_ITEM(names, i)));
                goto done;
            }
    result = op->entry(self, args, n, own);
done:
    Py_DECREF(own);
    return result;
}

/* An operation has refused its arguments: its result if this is a call in an order that was PyTorch's once (_old_calls.py); else NULL. */
static PyObject* pyx_as_years_ago(PyObject* self, PyObject* const* args, Py_ssize_t n) {
    PyObject *kind, *value, *trace, *module, *given = NULL, *found = NULL, *result = NULL;
    if (n < 3 || !PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
    PyErr_Fetch(&kind, &value, &trace);
    module = PyImport_ImportModule("pyxtorch._old_calls");
    if (module != NULL && (given = PyTuple_New(n)) != NULL) {
        for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(given, i, Py_NewRef(args[i]));
        found = PyObject_CallMethod(module, "again", "OO", self, given);    /* None, or the result in a tuple; its errors are the call's */
    }
    if (found == Py_None) PyErr_Restore(kind, value, trace);
    else {
        if (found != NULL) result = Py_NewRef(PyTuple_GET_ITEM(found, 0));
        Py_XDECREF(kind);
        Py_XDECREF(value);
        Py_XDECREF(trace);
    }
    Py_XDECREF(module);
    Py_XDECREF(given);
    Py_XDECREF(found);
    return result;
}

#define PYX_QUIET __builtin_expect(pyx_watching == 0, 1)
#define PYX_ENTRY(name, CALL) \
    static PyObject* name(PyObject* self, PyObject* const* args, size_t n, PyObject* names) { \
        pyx_operation* op = (pyx_operation*)self; \
        if (__builtin_expect(names != NULL || PyVectorcall_NARGS(n) > op->first_flag, 0)) { \
            int right = pyx_arguments_right(op, args, PyVectorcall_NARGS(n), names); \
            if (__builtin_expect(right < 1, 0)) return pyx_by_own_names(right, self, args, n, names); \
        } \
        PyObject* result; \
        if (PYX_QUIET) { \
            result = CALL; \
            if (__builtin_expect(result != NULL, 1)) return result; \
            result = pyx_after_error(self, args, n, names); \
        } \
        else result = pyx_watched_call(self, args, n, names); \
        if (result == NULL && names == NULL) result = pyx_as_years_ago(self, args, PyVectorcall_NARGS(n)); \
        if (result == NULL) pyx_say_otherwise(self); \
        return result; \
    }
PYX_ENTRY(pyx_enter, op->call(op->function, args, n, names))
PYX_ENTRY(pyx_enter_code, ((pyx_fast_code)op->code)(op->code_self, args, PyVectorcall_NARGS(n), names))
/* Methods: a call that does not suit is left to `function`, which says what is wrong with it. */
#define PYX_SUITS (PyVectorcall_NARGS(n) > 0 && PyObject_TypeCheck(args[0], (PyTypeObject*)op->code_self))
PYX_ENTRY(pyx_enter_method, PYX_SUITS ? ((pyx_fast_code)op->code)(args[0], args + 1, PyVectorcall_NARGS(n) - 1, names)
                                      : op->call(op->function, args, n, names))
PYX_ENTRY(pyx_enter_plain_method, PYX_SUITS && PyVectorcall_NARGS(n) == 1 && names == NULL ? ((PyCFunction)op->code)(args[0], NULL)
                                                                                          : op->call(op->function, args, n, names))

static void pyx_prepare(PyObject* self) {
    pyx_operation* op = (pyx_operation*)self;
    PyTypeObject* kind = Py_TYPE(op->function);
    op->entry = pyx_enter;
    op->first_flag = 1;     /* not known yet */
    op->call = PyVectorcall_Function(op->function);
    if (op->call == NULL) op->call = PyObject_Vectorcall;
    if (kind == &PyMethodDescr_Type) {
        PyMethodDef* def = ((PyMethodDescrObject*)op->function)->d_method;
        op->code = (void*)def->ml_meth;
        op->code_self = (PyObject*)PyDescr_TYPE(op->function);
        if (def->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) op->entry = pyx_enter_method;
        else if (def->ml_flags == METH_NOARGS) op->entry = pyx_enter_plain_method;
    }
    else if (strstr(kind->tp_name, "cython_function_or_method") && ((PyCFunctionObject*)op->function)->m_ml->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
        op->code = (void*)((PyCFunctionObject*)op->function)->m_ml->ml_meth;
        op->code_self = ((PyCFunctionObject*)op->function)->m_self;
        op->entry = pyx_enter_code;
    }
}

/* Called through pointers set by Cython code. */
typedef PyObject* (*pyx_slot_call)(int, void*, PyObject*, PyObject*, PyObject*);
static pyx_slot_call pyx_watched_slot = NULL;

/* How a slot is called, where it is, its name, what overrides are given, and the same where the tensor is on the right. */
#define PYX_SLOTS(X) \
    X(BINARY, tp_as_number->nb_add, nb_add, "add", "add") \
    X(BINARY, tp_as_number->nb_subtract, nb_subtract, "sub", "__rsub__") \
    X(BINARY, tp_as_number->nb_multiply, nb_multiply, "mul", "mul") \
    X(BINARY, tp_as_number->nb_true_divide, nb_true_divide, "div", "__rdiv__") \
    X(BINARY, tp_as_number->nb_floor_divide, nb_floor_divide, "__floordiv__", "__rfloordiv__") \
    X(BINARY, tp_as_number->nb_remainder, nb_remainder, "remainder", "__rmod__") \
    X(BINARY, tp_as_number->nb_matrix_multiply, nb_matrix_multiply, "matmul", "__rmatmul__") \
    X(BINARY, tp_as_number->nb_and, nb_and, "__and__", "bitwise_and") \
    X(BINARY, tp_as_number->nb_or, nb_or, "__or__", "bitwise_or") \
    X(BINARY, tp_as_number->nb_xor, nb_xor, "__xor__", "bitwise_xor") \
    X(BINARY, tp_as_number->nb_lshift, nb_lshift, "__lshift__", "__rlshift__") \
    X(BINARY, tp_as_number->nb_rshift, nb_rshift, "__rshift__", "__rrshift__") \
    X(BINARY, tp_as_number->nb_inplace_add, nb_inplace_add, "add_", NULL) \
    X(BINARY, tp_as_number->nb_inplace_subtract, nb_inplace_subtract, "sub_", NULL) \
    X(BINARY, tp_as_number->nb_inplace_multiply, nb_inplace_multiply, "mul_", NULL) \
    X(BINARY, tp_as_number->nb_inplace_true_divide, nb_inplace_true_divide, "div_", NULL) \
    X(BINARY, tp_as_number->nb_inplace_floor_divide, nb_inplace_floor_divide, "floor_divide_", NULL) \
    X(BINARY, tp_as_number->nb_inplace_remainder, nb_inplace_remainder, "remainder_", NULL) \
    X(BINARY, tp_as_number->nb_inplace_and, nb_inplace_and, "__iand__", NULL) \
    X(BINARY, tp_as_number->nb_inplace_or, nb_inplace_or, "__ior__", NULL) \
    X(BINARY, tp_as_number->nb_inplace_xor, nb_inplace_xor, "__ixor__", NULL) \
    X(BINARY, tp_as_number->nb_inplace_lshift, nb_inplace_lshift, "__ilshift__", NULL) \
    X(BINARY, tp_as_number->nb_inplace_rshift, nb_inplace_rshift, "__irshift__", NULL) \
    X(TERNARY, tp_as_number->nb_power, nb_power, "pow", "__rpow__") \
    X(TERNARY, tp_as_number->nb_inplace_power, nb_inplace_power, "pow_", NULL) \
    X(UNARY, tp_as_number->nb_negative, nb_negative, "neg", NULL) \
    X(UNARY, tp_as_number->nb_positive, nb_positive, "positive", NULL) \
    X(UNARY, tp_as_number->nb_absolute, nb_absolute, "abs", NULL) \
    X(UNARY, tp_as_number->nb_invert, nb_invert, "__invert__", NULL) \
    X(UNARY, tp_as_number->nb_int, nb_int, "__int__", NULL) \
    X(UNARY, tp_as_number->nb_float, nb_float, "__float__", NULL) \
    X(UNARY, tp_as_number->nb_index, nb_index, "__index__", NULL) \
    X(UNARY, tp_repr, tp_repr, "__repr__", NULL) \
    X(INQUIRY, tp_as_number->nb_bool, nb_bool, "__bool__", NULL) \
    X(LENGTH, tp_as_mapping->mp_length, mp_length, "__len__", NULL) \
    X(LENGTH, tp_as_sequence->sq_length, sq_length, "__len__", NULL) \
    X(CONTAINS, tp_as_sequence->sq_contains, sq_contains, "__contains__", NULL) \
    X(SUBSCRIPT, tp_as_mapping->mp_subscript, mp_subscript, "__getitem__", NULL) \
    X(ASSIGN, tp_as_mapping->mp_ass_subscript, mp_ass_subscript, "__setitem__", NULL) \
    X(COMPARE, tp_richcompare, tp_richcompare, NULL, NULL)
enum { PYX_BINARY, PYX_TERNARY, PYX_UNARY, PYX_INQUIRY, PYX_LENGTH, PYX_CONTAINS, PYX_SUBSCRIPT, PYX_ASSIGN, PYX_COMPARE };
enum {
#define X(kind, at, name, key, reflected) PYX_ID_##name,
    PYX_SLOTS(X)
#undef X
    PYX_SLOT_COUNT
};
static const struct pyx_slot { int kind; const char* key; const char* reflected; } pyx_slots[] = {
#define X(kind, at, name, key, reflected) {PYX_##kind, key, reflected},
    PYX_SLOTS(X)
#undef X
};
/* The slot that Tensor had, whatever its kind, for code that is not in a hurry. */
static PyObject* pyx_unguarded(int kind, void* raw, PyObject* a, PyObject* b, PyObject* c) {
    int truth;
    switch (kind) {
        case PYX_BINARY: case PYX_SUBSCRIPT: return ((binaryfunc)raw)(a, b);
        case PYX_TERNARY: return ((ternaryfunc)raw)(a, b, c);
        case PYX_UNARY: return ((unaryfunc)raw)(a);
        case PYX_COMPARE: return ((richcmpfunc)raw)(a, b, (int)(intptr_t)c);
        case PYX_LENGTH: {
            Py_ssize_t n = ((lenfunc)raw)(a);
            return n < 0 ? NULL : PyLong_FromSsize_t(n);
        }
        case PYX_INQUIRY: truth = ((inquiry)raw)(a); break;
        case PYX_CONTAINS: truth = ((objobjproc)raw)(a, b); break;
        default: truth = ((objobjargproc)raw)(a, b, c); break;
    }
    return truth < 0 ? NULL : PyBool_FromLong(truth);
}
/* What is run beneath the gate (_beneath.pxd): an operation, or a slot of Tensor, whose first operand is args[!mine]. */
typedef struct {
    PyObject* self;
    size_t n;
    PyObject* names;
    int kind;
    void* raw;
    PyObject* third;
    int mine;
} pyx_call;
static PyObject* pyx_run_operation(void* p, PyObject* const* args) {
    pyx_call* c = (pyx_call*)p;
    pyx_operation* op = (pyx_operation*)c->self;
    return op->call(op->function, args, c->n, c->names);
}
static PyObject* pyx_run_slot(void* p, PyObject* const* args) {
    pyx_call* c = (pyx_call*)p;
    return pyx_unguarded(c->kind, c->raw, args[!c->mine], c->n > 1 ? args[c->mine] : NULL, c->third);
}
static int (*pyx_slot_newcomer)(PyObject*, PyObject*) = NULL;
/* What an unguarded slot returned; NULL and NotImplemented are looked into. */
static PyObject* pyx_slot_failed(int id, void* raw, PyObject* result, PyObject* a, PyObject* b, PyObject* c) {
    if (!pyx_slot_newcomer(a, b)) return result;
    Py_XDECREF(result);
    return pyx_watched_slot(id, raw, a, b, c);
}
static int pyx_as_truth(PyObject* result) {
    if (result == NULL) return -1;
    int truth = PyObject_IsTrue(result);
    Py_DECREF(result);
    return truth;
}
#define PYX_DEFINE_BINARY(name) \
    static binaryfunc pyx_raw_##name; \
    static PyObject* pyx_guarded_##name(PyObject* a, PyObject* b) { \
        if (PYX_QUIET) { \
            PyObject* result = pyx_raw_##name(a, b); \
            if (__builtin_expect(result != NULL && result != Py_NotImplemented, 1)) return result; \
            return pyx_slot_failed(PYX_ID_##name, (void*)pyx_raw_##name, result, a, b, NULL); \
        } \
        return pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, b, NULL); \
    }
#define PYX_DEFINE_SUBSCRIPT(name) PYX_DEFINE_BINARY(name)
#define PYX_DEFINE_TERNARY(name) \
    static ternaryfunc pyx_raw_##name; \
    static PyObject* pyx_guarded_##name(PyObject* a, PyObject* b, PyObject* c) { \
        if (PYX_QUIET) { \
            PyObject* result = pyx_raw_##name(a, b, c); \
            if (__builtin_expect(result != NULL && result != Py_NotImplemented, 1)) return result; \
            return pyx_slot_failed(PYX_ID_##name, (void*)pyx_raw_##name, result, a, b, c); \
        } \
        return pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, b, c); \
    }
#define PYX_DEFINE_UNARY(name) \
    static unaryfunc pyx_raw_##name; \
    static PyObject* pyx_guarded_##name(PyObject* a) { \
        return PYX_QUIET ? pyx_raw_##name(a) : pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, NULL, NULL); \
    }
#define PYX_DEFINE_INQUIRY(name) \
    static inquiry pyx_raw_##name; \
    static int pyx_guarded_##name(PyObject* a) { \
        return PYX_QUIET ? pyx_raw_##name(a) : pyx_as_truth(pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, NULL, NULL)); \
    }
#define PYX_DEFINE_LENGTH(name) \
    static lenfunc pyx_raw_##name; \
    static Py_ssize_t pyx_guarded_##name(PyObject* a) { \
        if (PYX_QUIET) return pyx_raw_##name(a); \
        PyObject* result = pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, NULL, NULL); \
        if (result == NULL) return -1; \
        Py_ssize_t n = PyLong_AsSsize_t(result); \
        Py_DECREF(result); \
        return n; \
    }
#define PYX_DEFINE_CONTAINS(name) \
    static objobjproc pyx_raw_##name; \
    static int pyx_guarded_##name(PyObject* a, PyObject* b) { \
        if (PYX_QUIET) { \
            int found = pyx_raw_##name(a, b); \
            if (found >= 0) return found; \
            return pyx_as_truth(pyx_slot_failed(PYX_ID_##name, (void*)pyx_raw_##name, NULL, a, b, NULL)); \
        } \
        return pyx_as_truth(pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, b, NULL)); \
    }
#define PYX_DEFINE_ASSIGN(name) \
    static objobjargproc pyx_raw_##name; \
    static int pyx_guarded_##name(PyObject* a, PyObject* b, PyObject* c) { \
        PyObject* result; \
        if (PYX_QUIET) { \
            if (pyx_raw_##name(a, b, c) == 0) return 0; \
            if (c == NULL) return -1; \
            result = pyx_slot_newcomer(b, c) ? pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, b, c) : NULL; \
        } \
        else result = pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, b, c); \
        if (result == NULL) return -1; \
        Py_DECREF(result); \
        return 0; \
    }
#define PYX_DEFINE_COMPARE(name) \
    static richcmpfunc pyx_raw_##name; \
    static PyObject* pyx_guarded_##name(PyObject* a, PyObject* b, int op) { \
        PyObject* how = (PyObject*)(intptr_t)op; \
        if (PYX_QUIET) { \
            PyObject* result = pyx_raw_##name(a, b, op); \
            if (__builtin_expect(result != NULL && result != Py_NotImplemented, 1)) return result; \
            return pyx_slot_failed(PYX_ID_##name, (void*)pyx_raw_##name, result, a, b, how); \
        } \
        return pyx_watched_slot(PYX_ID_##name, (void*)pyx_raw_##name, a, b, how); \
    }
#define X(kind, at, name, key, reflected) PYX_DEFINE_##kind(name)
PYX_SLOTS(X)
#undef X

/* `Tensor.__len__` and its like call the slot, too, and subclasses take it from there. */
static void pyx_redirect(PyTypeObject* type, void* raw, void* guarded) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(type->tp_dict, &at, &name, &value))
        if (Py_TYPE(value) == &PyWrapperDescr_Type && ((PyWrapperDescrObject*)value)->d_wrapped == raw)
            ((PyWrapperDescrObject*)value)->d_wrapped = guarded;
}
/* PyTorch's are plain functions and take a number for `self`: Tensor.__rmod__(5, x) is x % 5. Here the slots are asked without a look at `self`. */
static const char* const pyx_number_for_self[] = {"__rpow__", "__rmod__", "__rfloordiv__", "__rlshift__", "__rrshift__"};
static void pyx_let_numbers_in(PyTypeObject* type) {
    for (size_t i = 0; i < sizeof(pyx_number_for_self) / sizeof(*pyx_number_for_self); i++) {
        PyObject* slot = PyDict_GetItemString(type->tp_dict, pyx_number_for_self[i]);
        if (slot == NULL || Py_TYPE(slot) != &PyWrapperDescr_Type) continue;
        Py_INCREF(&PyBaseObject_Type);
        Py_SETREF(((PyDescrObject*)slot)->d_type, &PyBaseObject_Type);
    }
    PyType_Modified(type);
}
static void pyx_guard_slots(PyTypeObject* type) {
#define X(kind, at, name, key, reflected) \
    if (type->at) { \
        pyx_raw_##name = type->at; \
        type->at = pyx_guarded_##name; \
        pyx_redirect(type, (void*)pyx_raw_##name, (void*)pyx_guarded_##name); \
    }
    PYX_SLOTS(X)
#undef X
    PyType_Modified(type);
}
/* `Tensor.__add__` as a slot's name, so that subclasses have the slot itself: Cython makes methods of these. */
static PyObject* pyx_slot_name(PyTypeObject* type, PyObject* alike, const char* name, int is_matmul) {
    struct wrapperbase* base = ((PyWrapperDescrObject*)alike)->d_base;
    if (is_matmul) {        /* no class of Python's own has it: its description is that of another operator, but for name and place */
        struct wrapperbase* own = (struct wrapperbase*)PyMem_Malloc(sizeof(*own));
        if (own == NULL) return PyErr_NoMemory();
        *own = *base;
        own->name = name;
        own->offset = offsetof(PyHeapTypeObject, as_number.nb_matrix_multiply);
        own->doc = name[2] == 'r' ? "__rmatmul__($self, value, /)\n--\n\nReturn value@self." : "__matmul__($self, value, /)\n--\n\nReturn self@value.";
        own->name_strobj = PyUnicode_InternFromString(name);
        return PyDescr_NewWrapper(type, own, (void*)type->tp_as_number->nb_matrix_multiply);
    }
    void* slot = *(void**)((char*)type->tp_as_number + base->offset - offsetof(PyHeapTypeObject, as_number));
    return PyDescr_NewWrapper(type, base, slot);
}

typedef struct { getter get; setter set; void* closure; PyObject* function; PyObject* descriptor; } pyx_property;
static PyObject* pyx_get(pyx_property* p, PyObject* self) {
    return p->get ? p->get(self, p->closure) : PyObject_CallOneArg(p->function, self);
}
static int pyx_set(pyx_property* p, PyObject* self, PyObject* value) { return p->set(self, value, p->closure); }
typedef PyObject* (*pyx_get_call)(pyx_property*, PyObject*);
static pyx_get_call pyx_watched_get = NULL;
typedef int (*pyx_set_call)(pyx_property*, PyObject*, PyObject*);
static pyx_set_call pyx_watched_set = NULL;
static PyObject* pyx_guarded_get(PyObject* self, void* p) {
    return PYX_QUIET ? pyx_get((pyx_property*)p, self) : pyx_watched_get((pyx_property*)p, self);
}
static int pyx_guarded_set(PyObject* self, PyObject* value, void* p) {
    return PYX_QUIET ? pyx_set((pyx_property*)p, self, value) : pyx_watched_set((pyx_property*)p, self, value);
}
static int pyx_guard_attributes(PyTypeObject* type) {
    for (PyGetSetDef* d = type->tp_getset; d && d->name; d++) {
        pyx_property* p = (pyx_property*)PyMem_Calloc(1, sizeof(*p));
        if (p == NULL) { PyErr_NoMemory(); return -1; }
        p->get = d->get; p->set = d->set; p->closure = d->closure;
        p->descriptor = PyDict_GetItemString(type->tp_dict, d->name);
        Py_XINCREF(p->descriptor);
        d->get = pyx_guarded_get;
        if (d->set) d->set = pyx_guarded_set;
        d->closure = p;
    }
    return 0;
}
static PyObject* pyx_new_attribute(PyTypeObject* type, const char* name, const char* doc, PyObject* function) {
    PyGetSetDef* d = (PyGetSetDef*)PyMem_Calloc(1, sizeof(*d));
    pyx_property* p = (pyx_property*)PyMem_Calloc(1, sizeof(*p));
    if (d == NULL || p == NULL) return PyErr_NoMemory();
    d->name = name; d->doc = doc; d->get = pyx_guarded_get; d->closure = p;
    Py_INCREF(function);
    p->function = function;
    p->descriptor = PyDescr_NewGetSet(type, d);
    Py_XINCREF(p->descriptor);
    return p->descriptor;
}
