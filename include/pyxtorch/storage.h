/* A block of memory that tensors share. Header and small blocks lie in one allocation. */
#pragma once
#include "dtype.h"

/* After the devices with kernels of their own (enum pyx_device) comes the one without memory: see meta.h. */
enum { PYX_META = PYX_NUM_DEVICES };

typedef struct pyx_storage {
    int64_t refcount;
    char* data;
    int64_t nbytes;
    int64_t version;      /* raised by every in-place change of any tensor on it */
    int32_t device_type;  /* enum pyx_device */
    int32_t device_index;
    int32_t size_class;   /* of the allocator; -1: foreign memory */
    int32_t resizable;
    /* Called when the last tensor lets go. `owner` is a PyObject* for foreign memory. */
    void (*release)(struct pyx_storage*);
    void* owner;
} pyx_storage;
