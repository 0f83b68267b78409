/* Whether operations are recorded: switches of each thread. Only autograd.py includes this. */
#pragma once
static thread_local int pyx_grad_mode = 1;
static thread_local int pyx_inference_mode = 0;
static inline int pyx_swap_grad(int mode) {
    int before = pyx_grad_mode;
    pyx_grad_mode = mode;
    return before;
}
static inline int pyx_swap_inference(int mode) {
    int before = pyx_inference_mode;
    pyx_inference_mode = mode;
    return before;
}
/* Reference count of an object that the caller has only borrowed. */
#define pyx_references(object) ((long)Py_REFCNT(object))
