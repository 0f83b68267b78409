/* A module in C by pyxtorch/capi.h: exp2x(x) = exp(2 x) with its gradient, products, views, borrowed memory, threads. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "pyxtorch/capi.h"

static const pyx_api* pyx;
static int released;

typedef struct { const double* x; double* y; int64_t n, grain; } job;

static void part(void* context, int64_t i) {
    job* j = (job*)context;
    int64_t end = (i + 1) * j->grain < j->n ? (i + 1) * j->grain : j->n;
    for (int64_t k = i * j->grain; k < end; k++) j->y[k] = exp(2 * j->x[k]);
}

static int backward(void* context, PyObject* g, PyObject* const* saved, PyObject** grads) {
    PyObject* product = PyNumber_Multiply(g, saved[0]);
    if (!product) return -1;
    grads[0] = PyObject_CallMethod(product, context ? "float" : "mul", context ? NULL : "i", 2);
    Py_DECREF(product);
    return grads[0] ? 0 : -1;
}

static PyObject* exp2x(PyObject* self, PyObject* args) {
    PyObject* x;
    int wrong = 0;
    pyx_tensor_view v, w;
    if (!PyArg_ParseTuple(args, "O|i", &x, &wrong) || pyx->need(x, PYX_FLOAT64, "exp2x", &v) < 0) return NULL;
    PyObject* y = pyx->empty(v.ndim, v.shape, PYX_FLOAT64, PYX_CPU, 0);
    if (!y || pyx->view(y, &w) < 0) return NULL;
    job j = {(const double*)v.data, (double*)w.data, v.numel, 100};
    Py_BEGIN_ALLOW_THREADS
    pyx->runtime->parallel((v.numel + 99) / 100, part, &j);
    Py_END_ALLOW_THREADS
    int recording = pyx->recording(x);
    if (recording < 0 || (recording && pyx->record(y, 1, &x, 1, &y, backward, wrong ? &released : NULL, NULL) < 0)) {
        Py_DECREF(y);
        return NULL;
    }
    return y;
}

static void let_go(void* owner) { released++; free(owner); }

static PyObject* lend(PyObject* self, PyObject* none) {
    float* m = (float*)malloc(24);
    int64_t shape[2] = {2, 3};
    for (int i = 0; i < 6; i++) m[i] = i;
    return pyx->from_memory(m, 2, shape, PYX_FLOAT32, let_go, m);
}

static PyObject* count(PyObject* self, PyObject* none) { return PyLong_FromLong(released); }

static PyObject* column(PyObject* self, PyObject* args) {
    PyObject* x;
    long long i, n, step;
    if (!PyArg_ParseTuple(args, "OLLL", &x, &i, &n, &step)) return NULL;
    int64_t shape[1] = {n}, strides[1] = {step};
    return pyx->as_strided(x, 1, shape, strides, i);
}

static PyObject* product(PyObject* self, PyObject* args) {
    PyObject *a, *b;
    pyx_tensor_view va, vb, vc;
    if (!PyArg_ParseTuple(args, "OO", &a, &b) || pyx->view(a, &va) < 0 || pyx->view(b, &vb) < 0) return NULL;
    if (va.ndim != 2 || vb.ndim != 2 || va.shape[1] != vb.shape[0] || va.dtype != vb.dtype) {
        PyErr_SetString(PyExc_ValueError, "product: shapes or dtypes");
        return NULL;
    }
    int64_t shape[2] = {va.shape[0], vb.shape[1]};
    PyObject* c = pyx->empty(2, shape, va.dtype, PYX_CPU, 0);
    if (!c || pyx->view(c, &vc) < 0) return NULL;
    pyx_gemm p;
    memset(&p, 0, sizeof p);
    p.m = shape[0], p.n = shape[1], p.k = va.shape[1];
    p.a = va.data, p.a_row = va.strides[0], p.a_col = va.strides[1];
    p.b = vb.data, p.b_row = vb.strides[0], p.b_col = vb.strides[1];
    p.c = vc.data, p.c_row = shape[1], p.alpha[0] = 1, p.batch = 1;
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = pyx->gemm(va.dtype, &p);
    Py_END_ALLOW_THREADS
    if (rc) PyErr_Format(PyExc_ValueError, "product: %d", rc);
    return rc ? NULL : c;
}

static PyObject* bad(PyObject* self, PyObject* args) {
    int which;
    int64_t negative[1] = {-1}, huge[2] = {(int64_t)1 << 40, (int64_t)1 << 40};
    char memory[16];
    if (!PyArg_ParseTuple(args, "i", &which)) return NULL;
    switch (which) {
        case 0: return pyx->empty(1, negative, PYX_FLOAT32, PYX_CPU, 0);
        case 1: return pyx->empty(0, NULL, 1234, PYX_CPU, 0);
        case 2: return pyx->empty(0, NULL, PYX_FLOAT32, 77, 0);
        case 3: return pyx->empty(65, NULL, PYX_FLOAT32, PYX_CPU, 0);
        case 4: return pyx->empty(2, huge, PYX_FLOAT32, PYX_CPU, 0);
        case 5: return pyx->from_memory(NULL, 1, huge, PYX_FLOAT32, NULL, NULL);
        case 6: return pyx->from_memory(memory, 2, huge, PYX_FLOAT32, NULL, NULL);
        case 7: return pyx->kernels("softmax", 8, PYX_CPU) ? Py_NewRef(Py_None) : NULL;
        default: return pyx->kernels("nope", 8, PYX_CPU) ? Py_NewRef(Py_None) : NULL;
    }
}

static PyMethodDef methods[] = {{"exp2x", exp2x, METH_VARARGS}, {"lend", lend, METH_NOARGS}, {"count", count, METH_NOARGS},
                                {"column", column, METH_VARARGS}, {"product", product, METH_VARARGS}, {"bad", bad, METH_VARARGS}, {NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "capi_module", NULL, -1, methods};
PyMODINIT_FUNC PyInit_capi_module(void) {
    if (!(pyx = pyx_import_api())) return NULL;
    return PyModule_Create(&definition);
}
