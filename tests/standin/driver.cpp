// A stand-in for libcuda.so.1 that runs kernels on the CPU, made to find faults: device memory can
// be touched only while the driver works (the host that reads it crashes), fresh device memory and
// each block's shared memory are filled with NaN bytes, streams are queues that run only when
// something waits for them, and PYXEMU_REVERSE=1 runs the threads of a block from the last to the
// first. It serves processes with PYXTORCH_CUDA_STANDIN=1 only. One device, one driver thread.
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default"))) int
enum { OK = 0, INVALID = 1, NO_MEMORY = 2, NO_DEVICE = 100, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719 };

static std::recursive_mutex the_lock;
#define LOCK std::lock_guard<std::recursive_mutex> guard(the_lock);
static int sticky = 0;

static int number(const char* name, int otherwise) {
    const char* text = getenv(name);
    return text && *text ? atoi(text) : otherwise;
}

static int broken(const char* text) {
    fprintf(stderr, "stand-in GPU: %s\n", text);
    return sticky = LAUNCH_FAILED;
}

// ------------------------------------------------------------------ memory
static const size_t PAGE = 4096;
static char* arena = nullptr;
static size_t arena_size = 0, arena_used = 0;
struct Area { size_t pages, size; char* data; };
static std::map<size_t, Area> areas;                 // offset of the first page
static int open_count = 0;

static void protect(int mode) {
    for (auto& a : areas) mprotect(arena + a.first, a.second.pages, mode);
}
struct Open {  // device memory is there
    Open() { if (!open_count++) protect(PROT_READ | PROT_WRITE); }
    ~Open() { if (!--open_count) protect(PROT_NONE); }
};
static bool inside(uintptr_t p, size_t n) {
    if (!arena || p < (uintptr_t)arena) return n == 0;
    auto it = areas.upper_bound(p - (uintptr_t)arena);
    if (it == areas.begin()) return n == 0;
    --it;
    return p >= (uintptr_t)it->second.data && p + n <= (uintptr_t)it->second.data + it->second.size;
}

// ------------------------------------------------------------------ streams and events
struct Mark { bool done = false; double time = 0; struct Stream* stream = nullptr; };  // one recording of an event
struct Event { std::shared_ptr<Mark> mark; };
struct Stream { std::deque<std::function<void()>> queue; bool running = false; };
static Stream legacy;
static std::vector<Stream*> streams{&legacy};
static Stream* stream_of(void* s) { return (uintptr_t)s > 2 ? (Stream*)s : &legacy; }  // 1 and 2: the driver's own names of default streams

static bool step(Stream* s) {
    if (s->queue.empty()) return false;
    auto job = std::move(s->queue.front());
    s->queue.pop_front();
    job();
    return true;
}
static int drain(Stream* s) {
    LOCK Open open;
    while (step(s)) {}
    return sticky;
}
static int drain_all() {
    for (size_t i = 0; i < streams.size(); i++) drain(streams[i]);
    return sticky;
}
// For the other stand-in libraries: put work on a stream.
extern "C" __attribute__((visibility("default"))) void pyxemu_enqueue(void* stream, void (*job)(void*), void* argument) {
    LOCK stream_of(stream)->queue.push_back([=] { job(argument); });
}

API cuStreamCreateWithPriority(void** s, unsigned, int) { LOCK streams.push_back(new Stream); *s = streams.back(); return OK; }
API cuStreamDestroy_v2(void* s) {
    LOCK drain((Stream*)s);
    for (size_t i = 0; i < streams.size(); i++) if (streams[i] == s) { streams.erase(streams.begin() + i); break; }
    delete (Stream*)s;
    return OK;
}
API cuStreamSynchronize(void* s) { return drain(stream_of(s)); }
API cuStreamQuery(void* s) { LOCK return sticky ? sticky : stream_of(s)->queue.empty() ? OK : NOT_READY; }
API cuCtxSynchronize() { LOCK return drain_all(); }
API cuEventCreate(void** e, unsigned) { *e = new Event; return OK; }
API cuEventDestroy_v2(void* e) { LOCK delete (Event*)e; return OK; }
API cuEventRecord(void* e, void* s) {
    LOCK auto mark = std::make_shared<Mark>();
    mark->stream = stream_of(s);
    ((Event*)e)->mark = mark;
    mark->stream->queue.push_back([=] {
        mark->done = true;
        mark->time = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
    });
    return OK;
}
static int finish(std::shared_ptr<Mark> mark) {
    LOCK Open open;
    while (mark && !mark->done && step(mark->stream)) {}
    return sticky;
}
static bool passed(void* e) { return !((Event*)e)->mark || ((Event*)e)->mark->done; }
API cuEventQuery(void* e) { LOCK return sticky ? sticky : passed(e) ? OK : NOT_READY; }
API cuEventSynchronize(void* e) { LOCK return finish(((Event*)e)->mark); }
API cuEventElapsedTime_v2(float* ms, void* a, void* b) {
    LOCK if (!((Event*)a)->mark || !((Event*)b)->mark) return INVALID;
    if (!passed(a) || !passed(b)) return NOT_READY;
    *ms = (float)(((Event*)b)->mark->time - ((Event*)a)->mark->time);
    return OK;
}
API cuStreamWaitEvent(void* s, void* e, unsigned) {
    LOCK auto mark = ((Event*)e)->mark;
    stream_of(s)->queue.push_back([=] { finish(mark); });
    return OK;
}

// ------------------------------------------------------------------ memory, part two
API cuMemGetInfo_v2(size_t* available, size_t* total) { LOCK *total = arena_size; *available = arena_size - arena_used; return OK; }
API cuMemAlloc_v2(uintptr_t* out, size_t size) {
    LOCK if (!size) return INVALID;
    size_t rounded = (size + 15) / 16 * 16, pages = (rounded + PAGE - 1) / PAGE * PAGE, at = 0;
    if (arena_used + pages > arena_size) return NO_MEMORY;
    // First gap with a page of nothing on both sides; the block lies at the end of its pages, so
    // that one byte more is a fault (the arena itself is twice as large as the memory it shows).
    for (auto& a : areas) {
        if (at + pages + PAGE <= a.first) break;
        at = a.first + a.second.pages + PAGE;
    }
    if (at + pages + PAGE > 2 * arena_size) return NO_MEMORY;
    arena_used += pages;
    char* data = arena + at + pages - rounded;
    areas[at] = {pages, rounded, data};
    mprotect(arena + at, pages, PROT_READ | PROT_WRITE);
    memset(arena + at, 0xff, pages);
    if (!open_count) mprotect(arena + at, pages, PROT_NONE);
    *out = (uintptr_t)data;
    return OK;
}
API cuMemFree_v2(uintptr_t p) {
    LOCK drain_all();
    for (auto it = areas.begin(); it != areas.end(); ++it)
        if ((uintptr_t)it->second.data == p) {
            mprotect(arena + it->first, it->second.pages, PROT_NONE);
            madvise(arena + it->first, it->second.pages, MADV_DONTNEED);
            arena_used -= it->second.pages;
            areas.erase(it);
            return OK;
        }
    return INVALID;
}
API cuMemcpyHtoDAsync_v2(uintptr_t to, const void* from, size_t n, void* s) {
    LOCK if (!inside(to, n)) return INVALID;
    std::string copy((const char*)from, n);
    stream_of(s)->queue.push_back([=] { memcpy((void*)to, copy.data(), n); });
    return OK;
}
API cuMemcpyDtoHAsync_v2(void* to, uintptr_t from, size_t n, void* s) {
    LOCK if (!inside(from, n)) return INVALID;
    Open open;
    if (int rc = drain(stream_of(s))) return rc;
    memcpy(to, (void*)from, n);
    return OK;
}
API cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t n, void* s) {
    LOCK if (!inside(to, n) || !inside(from, n)) return INVALID;
    stream_of(s)->queue.push_back([=] { memmove((void*)to, (void*)from, n); });
    return OK;
}
API cuMemcpyPeerAsync(uintptr_t to, void*, uintptr_t from, void*, size_t n, void* s) { return cuMemcpyDtoDAsync_v2(to, from, n, s); }
API cuMemsetD8Async(uintptr_t to, unsigned char value, size_t n, void* s) {
    LOCK if (!inside(to, n)) return INVALID;
    stream_of(s)->queue.push_back([=] { memset((void*)to, value, n); });
    return OK;
}

// ------------------------------------------------------------------ device and context
API cuInit(unsigned) {
    LOCK if (!number("PYXTORCH_CUDA_STANDIN", 0)) return NO_DEVICE;
    if (!arena) {
        arena_size = (size_t)number("PYXEMU_MEMORY_MB", 512) << 20;
        void* p = mmap(nullptr, 2 * arena_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) return NO_MEMORY;
        arena = (char*)p;
    }
    return OK;
}
API cuDriverGetVersion(int* v) { *v = 13000; return OK; }
API cuDeviceGetCount(int* n) { *n = number("PYXTORCH_CUDA_STANDIN", 0) ? 1 : 0; return OK; }
API cuDeviceGet(int* d, int i) { *d = i; return i == 0 ? OK : 101; }
API cuDeviceGetName(char* name, int n, int) { snprintf(name, n, "pyxtorch stand-in " PYXEMU_BUILD " (no GPU: runs on the CPU)"); return OK; }
API cuDeviceGetAttribute(int* v, int what, int) {
    switch (what) {
        case 1: *v = 1024; break;             // threads in a block
        case 8: *v = 49152; break;            // shared memory of a block
        case 10: *v = 32; break;              // warp
        case 16: *v = 4; break;               // multiprocessors
        case 75: *v = 9; break;               // compute capability 9.0
        default: *v = 0;
    }
    return OK;
}
API cuDeviceTotalMem_v2(size_t* n, int) { *n = arena_size; return OK; }
API cuPointerGetAttribute(void* out, int what, uintptr_t p) {
    LOCK if (!inside(p, 1)) return INVALID;
    if (what == 2) *(unsigned*)out = 2;       // memory of a device
    else if (what == 9) *(int*)out = 0;       // the device's number
    else return INVALID;
    return OK;
}
static int the_context;
static thread_local void* bound = nullptr;
API cuDevicePrimaryCtxRetain(void** c, int) { *c = &the_context; return OK; }
API cuDevicePrimaryCtxRelease_v2(int) { return OK; }
API cuCtxSetCurrent(void* c) { bound = c; return OK; }
API cuGetErrorString(int rc, const char** text) {
    *text = rc == INVALID ? "invalid argument" : rc == NO_MEMORY ? "out of memory" : rc == NO_DEVICE ? "no device"
            : rc == NOT_FOUND ? "not found" : rc == ILLEGAL_ADDRESS ? "a kernel was given an address of the host" : rc == LAUNCH_FAILED ? "launch failed" : "error";
    return OK;
}

// ------------------------------------------------------------------ modules and fibres
struct Dim { unsigned x, y, z; };
struct State { Dim threadIdx, blockIdx, blockDim, gridDim; void (*barrier)(); int (*on_device)(const void*); };
typedef void* (*Entry)(int, void*);
struct Module { void* handle; uintptr_t base; };
struct Function { Entry entry; Module* module; };
static State state;

API cuModuleLoadData(void** out, const void* image) {
    LOCK if (memcmp(image, "PYXEMU", 6)) return 200;
    const char* elf = (const char*)image + 6;  // its size: the section headers are last
    const ElfW(Ehdr)* head = (const ElfW(Ehdr)*)elf;
    size_t size = head->e_shoff + (size_t)head->e_shnum * head->e_shentsize;
    char path[] = "/tmp/pyxemu-module-XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || write(file, elf, size) != (ssize_t)size) return 200;
    close(file);
    void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) fprintf(stderr, "stand-in GPU: %s\n", dlerror());
    unlink(path);
    if (!handle) return 200;
    link_map* map;
    dlinfo(handle, RTLD_DI_LINKMAP, &map);
    *out = new Module{handle, map->l_addr};
    return OK;
}
API cuModuleUnload(void*) { return OK; }
API cuModuleGetFunction(void** out, void* module, const char* name) {
    LOCK Module* m = (Module*)module;
    void* entry = dlsym(m->handle, name);
    if (!entry) return NOT_FOUND;
    *out = new Function{(Entry)entry, m};
    return OK;
}

static void poison_shared(Module* m) {  // the module's TLS segment of this thread
    dl_iterate_phdr([](dl_phdr_info* info, size_t, void* p) {
        if (info->dlpi_addr != ((Module*)p)->base || !info->dlpi_tls_data) return 0;
        for (int i = 0; i < info->dlpi_phnum; i++)
            if (info->dlpi_phdr[i].p_type == PT_TLS) memset(info->dlpi_tls_data, 0xff, info->dlpi_phdr[i].p_memsz);
        return 1;
    }, m);
}

// A fibre switch: the callee-saved registers and the stack pointer.
extern "C" void pyxemu_switch(void** save, void* load);
#if defined(__x86_64__)
asm(".text\npyxemu_switch:\n push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " mov %rsp, (%rdi)\n mov %rsi, %rsp\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n");
#else
#error "the stand-in GPU needs x86-64"
#endif
struct Fibre { void* stack_pointer; char* stack; int thread; bool done; };
static const size_t STACK = 128 << 10;
static void* scheduler;
static Fibre* running;
static Entry kernel;
static void* kernel_parameters;

static void set_thread(int t) {
    state.threadIdx.x = t % state.blockDim.x;
    state.threadIdx.y = t / state.blockDim.x % state.blockDim.y;
    state.threadIdx.z = t / state.blockDim.x / state.blockDim.y;
}
static void fibre_main() {
    for (;;) {
        kernel(1, kernel_parameters);
        running->done = true;
        pyxemu_switch(&running->stack_pointer, scheduler);
    }
}
static void barrier() { pyxemu_switch(&running->stack_pointer, scheduler); }
static void resume(Fibre* f) {
    running = f;
    set_thread(f->thread);
    pyxemu_switch(&scheduler, f->stack_pointer);
}
static Fibre* new_fibre() {
    static std::vector<Fibre*> unused;
    Fibre* f = new Fibre{nullptr, (char*)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 0, false};
    void** top = (void**)(f->stack + STACK - 64);
    *--top = nullptr;                // fibre_main never returns
    *--top = (void*)fibre_main;
    for (int i = 0; i < 6; i++) *--top = nullptr;
    f->stack_pointer = top;
    return f;
}

// All threads of one block: each runs to its first barrier or its end (a fibre that ended is used
// again), then from barrier to barrier, all together.
static bool run_block(int threads, bool reverse) {
    static std::vector<Fibre*> idle;
    std::vector<Fibre*> waiting;
    bool ended = false;
    for (int i = 0; i < threads; i++) {
        Fibre* f;
        if (idle.empty()) f = new_fibre();
        else { f = idle.back(); idle.pop_back(); }
        f->thread = reverse ? threads - 1 - i : i;
        f->done = false;
        resume(f);
        if (f->done) { idle.push_back(f); ended = true; }
        else waiting.push_back(f);
    }
    while (!waiting.empty()) {
        if (ended) return false;  // some threads wait at a barrier that others never reach
        std::vector<Fibre*> next;
        for (Fibre* f : waiting) {
            resume(f);
            if (f->done) { idle.push_back(f); ended = true; }
            else next.push_back(f);
        }
        waiting.swap(next);
    }
    return true;
}

static void run_grid(Function* f, void* parameters, Dim grid, Dim block) {
    static int reverse = number("PYXEMU_REVERSE", 0);
    if (sticky) return;
    ((void (*)(State*))dlsym(f->module->handle, "pyxemu_bind"))(&state);  // also of this thread
    state.blockDim = block;
    state.gridDim = grid;
    state.barrier = barrier;
    kernel = f->entry;
    kernel_parameters = parameters;
    uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t b = reverse ? blocks - 1 - i : i;
        state.blockIdx = {(unsigned)(b % grid.x), (unsigned)(b / grid.x % grid.y), (unsigned)(b / grid.x / grid.y)};
        poison_shared(f->module);
        if (!run_block((int)(block.x * block.y * block.z), reverse)) {
            broken("a barrier (__syncthreads) that not all threads of the block reach");
            return;
        }
    }
}

static int on_device(const void* p) { return inside((uintptr_t)p, 1) || inside((uintptr_t)p - 1, 1); }

API cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned, void* s,
                   void** parameters, void**) {
    LOCK if (sticky) return sticky;
    if (!bound) return 201;
    if (!gx || !gy || !gz || !bx || !by || !bz || (uint64_t)bx * by * bz > 1024 || gx > 0x7fffffffu || gy > 65535 || gz > 65535) return INVALID;
    Function* f = (Function*)function;
    state.on_device = on_device;
    ((void (*)(State*))dlsym(f->module->handle, "pyxemu_bind"))(&state);
    void* copy = f->entry(0, parameters);
    if (!copy) return ILLEGAL_ADDRESS;  // late on a GPU
    stream_of(s)->queue.push_back([=] {
        run_grid(f, copy, {gx, gy, gz}, {bx, by, bz});
        f->entry(2, copy);
    });
    return OK;
}
