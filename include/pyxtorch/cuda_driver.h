/* The CUDA driver, cuBLAS and NVRTC as tables of function pointers, filled at run time.

   Only _cuda.pyx includes this. No CUDA header is needed to build: handles are void*, device
   addresses uintptr_t, enumerations int; the names are the versioned ones that the libraries
   export. A function that a library lacks stays NULL and is reported when it is needed. */
#pragma once
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace pyx_cuda {

typedef uintptr_t Address;

/* X(name, exported symbol, older symbol, arguments) */
#define PYX_DRIVER_FUNCTIONS(X)                                                                                  \
    X(init, "cuInit", "", (unsigned))                                                                             \
    X(driver_version, "cuDriverGetVersion", "", (int*))                                                           \
    X(device_count, "cuDeviceGetCount", "", (int*))                                                               \
    X(device_get, "cuDeviceGet", "", (int*, int))                                                                 \
    X(device_name, "cuDeviceGetName", "", (char*, int, int))                                                      \
    X(device_attribute, "cuDeviceGetAttribute", "", (int*, int, int))                                             \
    X(device_memory, "cuDeviceTotalMem_v2", "", (size_t*, int))                                                   \
    X(context_retain, "cuDevicePrimaryCtxRetain", "", (void**, int))                                              \
    X(context_set, "cuCtxSetCurrent", "", (void*))                                                                \
    X(context_synchronize, "cuCtxSynchronize", "", (void))                                                        \
    X(memory_alloc, "cuMemAlloc_v2", "", (Address*, size_t))                                                      \
    X(memory_free, "cuMemFree_v2", "", (Address))                                                                 \
    X(memory_info, "cuMemGetInfo_v2", "", (size_t*, size_t*))                                                     \
    X(copy_to_device, "cuMemcpyHtoDAsync_v2", "", (Address, const void*, size_t, void*))                          \
    X(copy_to_host, "cuMemcpyDtoHAsync_v2", "", (void*, Address, size_t, void*))                                  \
    X(copy_on_device, "cuMemcpyDtoDAsync_v2", "", (Address, Address, size_t, void*))                              \
    X(copy_peer, "cuMemcpyPeerAsync", "", (Address, void*, Address, void*, size_t, void*))                        \
    X(memory_set, "cuMemsetD8Async", "", (Address, unsigned char, size_t, void*))                                 \
    X(stream_create, "cuStreamCreateWithPriority", "", (void**, unsigned, int))                                   \
    X(stream_destroy, "cuStreamDestroy_v2", "", (void*))                                                          \
    X(stream_synchronize, "cuStreamSynchronize", "", (void*))                                                     \
    X(stream_query, "cuStreamQuery", "", (void*))                                                                 \
    X(stream_wait_event, "cuStreamWaitEvent", "", (void*, void*, unsigned))                                       \
    X(event_create, "cuEventCreate", "", (void**, unsigned))                                                      \
    X(event_destroy, "cuEventDestroy_v2", "", (void*))                                                            \
    X(event_record, "cuEventRecord", "", (void*, void*))                                                          \
    X(event_query, "cuEventQuery", "", (void*))                                                                   \
    X(event_synchronize, "cuEventSynchronize", "", (void*))                                                       \
    X(event_elapsed, "cuEventElapsedTime_v2", "cuEventElapsedTime", (float*, void*, void*))                      \
    X(module_load, "cuModuleLoadData", "", (void**, const void*))                                                 \
    X(module_function, "cuModuleGetFunction", "", (void**, void*, const char*))                                   \
    X(launch, "cuLaunchKernel", "",                                                                               \
      (void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**))      \
    X(error_string, "cuGetErrorString", "", (int, const char**))

#define PYX_NVRTC_FUNCTIONS(X)                                                                                   \
    X(version, "nvrtcVersion", "", (int*, int*))                                                                  \
    X(arch_count, "nvrtcGetNumSupportedArchs", "", (int*))                                                        \
    X(archs, "nvrtcGetSupportedArchs", "", (int*))                                                                \
    X(create, "nvrtcCreateProgram", "", (void**, const char*, const char*, int, const char* const*, const char* const*)) \
    X(destroy, "nvrtcDestroyProgram", "", (void**))                                                               \
    X(add_name, "nvrtcAddNameExpression", "", (void*, const char*))                                               \
    X(compile, "nvrtcCompileProgram", "", (void*, int, const char* const*))                                       \
    X(lowered_name, "nvrtcGetLoweredName", "", (void*, const char*, const char**))                                \
    X(log_size, "nvrtcGetProgramLogSize", "", (void*, size_t*))                                                   \
    X(log, "nvrtcGetProgramLog", "", (void*, char*))                                                              \
    X(cubin_size, "nvrtcGetCUBINSize", "", (void*, size_t*))                                                      \
    X(cubin, "nvrtcGetCUBIN", "", (void*, char*))

#define PYX_CUBLAS_FUNCTIONS(X)                                                                                  \
    X(create, "cublasCreate_v2", "", (void**))                                                                    \
    X(set_stream, "cublasSetStream_v2", "", (void*, void*))                                                       \
    X(set_workspace, "cublasSetWorkspace_v2", "", (void*, void*, size_t))                                         \
    X(gemm, "cublasGemmStridedBatchedEx", "",                                                                     \
      (void*, int, int, int, int, int, const void*, const void*, int, int, long long, const void*, int, int,    \
       long long, const void*, void*, int, int, long long, int, int, int))

#define PYX_FIELD(name, symbol, older, arguments) int (*name) arguments;
struct Driver { PYX_DRIVER_FUNCTIONS(PYX_FIELD) };
struct Nvrtc { PYX_NVRTC_FUNCTIONS(PYX_FIELD) };
struct Cublas { PYX_CUBLAS_FUNCTIONS(PYX_FIELD) };
#undef PYX_FIELD

inline Driver driver;
inline Nvrtc nvrtc;
inline Cublas cublas;

/* Fill a table from an opened library; the first name that is missing, or NULL when all are there. */
#define PYX_FIND(name, symbol, older, arguments)                                   \
    *(void**)&table.name = dlsym(library, symbol);                                 \
    if (!table.name) *(void**)&table.name = dlsym(library, older);         \
    if (!table.name && !missing) missing = symbol;
inline const char* find_driver(void* library) {
    Driver& table = driver;
    const char* missing = nullptr;
    PYX_DRIVER_FUNCTIONS(PYX_FIND)
    return missing;
}
inline const char* find_nvrtc(void* library) {
    Nvrtc& table = nvrtc;
    const char* missing = nullptr;
    PYX_NVRTC_FUNCTIONS(PYX_FIND)
    return missing;
}
inline const char* find_cublas(void* library) {
    Cublas& table = cublas;
    const char* missing = nullptr;
    PYX_CUBLAS_FUNCTIONS(PYX_FIND)
    return missing;
}
#undef PYX_FIND

constexpr int MAX_DEVICES = 16;
constexpr int OUT_OF_MEMORY = 2, NOT_READY = 600;

struct Device {
    int handle, capability, multiprocessors;
    void* context;
};
inline Device devices[MAX_DEVICES];
inline int device_count = 0;
inline int owner_process = 0;  /* the process that called cuInit; a forked child cannot go on */

/* Of each thread: the device that new work goes to, the one whose context is bound (-1: none), the one
   that an operation's kernels were called for, and the streams that are current. A NULL stream is the legacy default stream. */
inline thread_local int current_device = 0;
inline thread_local int bound_device = -1;
inline thread_local int called_device = 0;
inline thread_local void* current_stream[MAX_DEVICES];

/* A failure inside a kernel's C function, which cannot raise: the next call of this thread that
   can (an allocation, a copy, a synchronisation) raises it, as CUDA's own late errors do. */
struct Failure {
    int code;  /* 0: none */
    char text[1024];
};
inline thread_local Failure pending;

inline int fail(int code, const char* what) {
    if (!pending.code) {
        const char* text = nullptr;
        if (driver.error_string) driver.error_string(code, &text);
        pending.code = code;
        snprintf(pending.text, sizeof pending.text, "%s: %s (code %d)", what, text ? text : "unknown error", code);
    }
    return code;
}

inline void fail_text(const char* text) {
    if (!pending.code) {
        pending.code = -1;
        snprintf(pending.text, sizeof pending.text, "%s", text);
    }
}

/* Make a device's primary context the thread's current one. */
inline int bind(int index) {
    if (bound_device == index) return 0;
    Device& d = devices[index];
    if (!d.context) {
        void* context = nullptr;
        if (int rc = driver.context_retain(&context, d.handle)) return fail(rc, "cuDevicePrimaryCtxRetain");
        d.context = context;
    }
    if (int rc = driver.context_set(d.context)) return fail(rc, "cuCtxSetCurrent");
    bound_device = index;
    return 0;
}

inline int launch(int index, void* function, unsigned blocks, unsigned threads, void** parameters) {
    if (bind(index)) return -1;
    int rc = driver.launch(function, blocks, 1, 1, threads, 1, 1, 0, current_stream[index], parameters, nullptr);
    if (rc) fail(rc, "cuLaunchKernel");
    return rc;
}

}  // namespace pyx_cuda
