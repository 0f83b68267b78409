/* The tape's state of each thread. Static: each module that includes this has its own, so one module uses each variable. */
#pragma once
static thread_local int pyx_grad_mode = 1;          /* _tape/modes.py */
static thread_local int pyx_inference_mode = 0;     /* _tape/modes.py */
static thread_local PyObject* pyx_running = NULL;   /* _tape/graph.py: this thread's run, borrowed from the frame that runs it */
static thread_local PyObject* pyx_module = NULL;    /* _tape/sites.py: the modules that this thread is in, borrowed */
/* Reference count of an object that the caller has only borrowed. */
#define pyx_references(object) ((long)Py_REFCNT(object))
