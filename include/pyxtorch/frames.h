/* Where in the user's program a call comes from, at the cost of a few reference counts: no traceback, no string. */
#pragma once

/* The code of the innermost frame whose file does not begin with `package`, a new reference (NULL without an exception: none),
 * and the instruction that it is at. `files` remembers which files do: a dict from their names to True or False. */
static inline PyObject* pyx_calling_code(PyObject* files, PyObject* package, int* instruction) {
    PyFrameObject* frame = PyEval_GetFrame();
    Py_XINCREF(frame);
    while (frame != NULL) {
        PyCodeObject* code = PyFrame_GetCode(frame);
        PyObject* within = PyDict_GetItem(files, code->co_filename);
        if (within == NULL) {
            within = PyUnicode_Tailmatch(code->co_filename, package, 0, PY_SSIZE_T_MAX, -1) == 1 ? Py_True : Py_False;
            if (PyDict_SetItem(files, code->co_filename, within) < 0) PyErr_Clear();
        }
        if (within == Py_False) {
            *instruction = PyFrame_GetLasti(frame);
            Py_DECREF(frame);
            return (PyObject*)code;
        }
        PyFrameObject* outer = PyFrame_GetBack(frame);
        Py_DECREF(code);
        Py_DECREF(frame);
        frame = outer;
    }
    return NULL;
}
