/* The tape's state of each thread. Static: each module that includes this has its own, so one module uses each variable. */
#pragma once
static thread_local int pyx_grad_mode = 1;          /* _tape/modes.py */
static thread_local int pyx_inference_mode = 0;     /* _tape/modes.py */
static thread_local int pyx_dual_mode = 1;          /* _tape/modes.py: whether tangents are computed */
static thread_local int pyx_dual_open = 0;          /* _tape/modes.py: how many levels of forward mode are open */
static thread_local int pyx_dual_seen = 0;          /* _tape/modes.py: how many of them, the outer ones, are looked at now */
static thread_local int pyx_recorded = 2;           /* _tape/modes.py: which flags of tensors make an operation be recorded, from all of these */
static thread_local PyObject* pyx_running = NULL;   /* _tape/graph.py: this thread's run, borrowed from the frame that runs it */
static thread_local PyObject* pyx_module = NULL;    /* _tape/sites.py: the modules that this thread is in, borrowed */
/* Reference count of an object that the caller has only borrowed. */
#define pyx_references(object) ((long)Py_REFCNT(object))
