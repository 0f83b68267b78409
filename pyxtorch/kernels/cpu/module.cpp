/* The Python module that holds the CPU kernels of one instruction level.

   It has one attribute: `kernels`, a capsule with a pyx_cpu_module. Nothing of it runs before
   the core hands its runtime over. PYX_MODULE is the level's module name, given by setup.py. */
#include <Python.h>
#include <string.h>

#include "pyxtorch/runtime.h"
#include "tables.h"

const pyx_runtime* pyx_rt = nullptr;

pyx_kernel_entry*& pyx_kernel_entry::head() {
    static pyx_kernel_entry* first = nullptr;
    return first;
}

static const pyx_table* find(const char* family) {
    for (pyx_kernel_entry* e = pyx_kernel_entry::head(); e; e = e->next)
        if (strcmp(e->family, family) == 0) return pyx_described(family, e->table);
    return nullptr;
}

static void set_runtime(const pyx_runtime* runtime) { pyx_rt = runtime; }

static struct {
    uint32_t abi;
    const pyx_table* (*find)(const char*);
    void (*set_runtime)(const pyx_runtime*);
    const pyx_formula* (*formulas)(int* count);
} module_interface = {PYX_KERNELS_ABI, find, set_runtime, pyx_all_formulas};

#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, STRING(PYX_MODULE), nullptr, -1};

PyMODINIT_FUNC JOIN(PyInit_, PYX_MODULE)(void) {
    PyObject* module = PyModule_Create(&definition);
    if (!module) return nullptr;
    PyObject* capsule = PyCapsule_New(&module_interface, "pyxtorch.kernels", nullptr);
    if (!capsule || PyModule_AddObject(module, "kernels", capsule) < 0) {
        Py_XDECREF(capsule);
        Py_DECREF(module);
        return nullptr;
    }
    return module;
}
