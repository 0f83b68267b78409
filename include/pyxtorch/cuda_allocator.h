/* The caching allocator of GPU memory, with the constants and the statistics of PyTorch's.

   Sizes are rounded to 512 bytes. Up to 1 MiB come from the small pool (segments of 2 MiB), others
   from the large pool (segments of 20 MiB, or their own size in steps of 2 MiB from 10 MiB on). A
   free block serves the stream it was made on; it is split where the rest is worth keeping, and
   merges with its free neighbours of the segment. A block that other streams used
   (record_stream) waits for their events before it is free. */
#pragma once
#include <stdlib.h>

#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "cuda_driver.h"

namespace pyx_cuda {

constexpr int64_t ROUND = 512, SMALL_LIMIT = 1 << 20, SMALL_SEGMENT = 2 << 20, LARGE_SEGMENT = 20 << 20,
                  OWN_SEGMENT = 10 << 20, SEGMENT_ROUND = 2 << 20;

struct Block {
    Address address;
    int64_t size, requested;
    void* stream;
    Block *before, *after; /* neighbours in the segment */
    int device;
    int awaited;           /* events that must pass first */
    bool used, small;
    std::set<void*>* users; /* other streams */
};

struct Order {
    bool operator()(const Block* a, const Block* b) const {
        if (a->stream != b->stream) return (uintptr_t)a->stream < (uintptr_t)b->stream;
        if (a->size != b->size) return a->size < b->size;
        return a->address < b->address;
    }
};

enum { ALLOCATION, SEGMENT, ACTIVE, INACTIVE_SPLIT, ALLOCATED_BYTES, RESERVED_BYTES, ACTIVE_BYTES, INACTIVE_SPLIT_BYTES,
       REQUESTED_BYTES, STATISTICS };
struct Statistic { int64_t current, peak, allocated, freed; };

struct Pool {
    std::mutex lock;
    std::set<Block*, Order> free_blocks[2]; /* large, small */
    std::vector<std::pair<void*, Block*>> events;
    Statistic statistics[STATISTICS][3]; /* all, large, small */
    int64_t retries, failures;
    int64_t limit = INT64_MAX;
};
inline Pool pools[MAX_DEVICES];
inline std::map<Address, std::pair<int64_t, int>> segments; /* address: size, device */
inline std::mutex segments_lock;

inline bool caching() {
    static const char* off = getenv("PYXTORCH_NO_CUDA_MEMORY_CACHING");
    return !off || off[0] == '0' || !off[0];
}

inline void count(Pool& p, int what, bool small, int64_t change) {
    for (int i = 0; i < 3; i++) {
        if (i && (i == 2) != small) continue;
        Statistic& s = p.statistics[what][i];
        s.current += change;
        if (s.current > s.peak) s.peak = s.current;
        (change > 0 ? s.allocated : s.freed) += change > 0 ? change : -change;
    }
}

inline void count_split(Pool& p, Block* b, int sign) {
    if (!b->before && !b->after) return;
    count(p, INACTIVE_SPLIT, b->small, sign);
    count(p, INACTIVE_SPLIT_BYTES, b->small, sign * b->size);
}

/* The device whose memory an address lies in; the thread's current one if it is not ours. */
inline int device_of(const void* address) {
    if (device_count <= 1) return 0;
    std::lock_guard<std::mutex> guard(segments_lock);
    auto it = segments.upper_bound((Address)address);
    if (it == segments.begin()) return current_device;
    --it;
    return (Address)address < it->first + (Address)it->second.first ? it->second.second : current_device;
}

inline Block* merge(Pool& p, Block* b, Block* neighbour) {
    if (!neighbour || neighbour->used || neighbour->awaited) return b;
    count_split(p, neighbour, -1);
    p.free_blocks[b->small].erase(neighbour);
    if (b->before == neighbour) {
        b->address = neighbour->address;
        b->before = neighbour->before;
        if (b->before) b->before->after = b;
    } else {
        b->after = neighbour->after;
        if (b->after) b->after->before = b;
    }
    b->size += neighbour->size;
    delete neighbour;
    return b;
}

inline void make_free(Pool& p, Block* b) {
    count(p, ACTIVE, b->small, -1);
    count(p, ACTIVE_BYTES, b->small, -b->size);
    count(p, REQUESTED_BYTES, b->small, -b->requested);
    b->used = false;
    merge(p, b, b->before);
    merge(p, b, b->after);
    p.free_blocks[b->small].insert(b);
    count_split(p, b, 1);
}

/* Free the blocks whose events have passed; wait for them all if asked. */
inline void process_events(Pool& p, bool wait) {
    size_t kept = 0;
    for (size_t i = 0; i < p.events.size(); i++) {
        void* event = p.events[i].first;
        Block* b = p.events[i].second;
        if (wait) driver.event_synchronize(event);
        else if (driver.event_query(event) == NOT_READY) {
            p.events[kept++] = p.events[i];
            continue;
        }
        driver.event_destroy(event);
        if (--b->awaited == 0) make_free(p, b);
    }
    p.events.resize(kept);
}

inline void drop_segment(Pool& p, Block* b) {
    driver.memory_free(b->address);
    count(p, SEGMENT, b->small, -1);
    count(p, RESERVED_BYTES, b->small, -b->size);
    std::lock_guard<std::mutex> guard(segments_lock);
    segments.erase(b->address);
}

inline void release_cached(Pool& p) {
    process_events(p, true);
    for (auto& set : p.free_blocks)
        for (auto it = set.begin(); it != set.end();) {
            Block* b = *it;
            if (b->before || b->after) {
                ++it;
                continue;
            }
            it = set.erase(it);
            drop_segment(p, b);
            delete b;
        }
}

inline Block* new_segment(Pool& p, int device, int64_t size, bool small, void* stream) {
    Address address = 0;
    for (int attempt = 0;; attempt++) {
        int rc = p.statistics[RESERVED_BYTES][0].current > p.limit - size
                     ? OUT_OF_MEMORY
                     : driver.memory_alloc(&address, (size_t)size);
        if (rc == 0) break;
        if (rc != OUT_OF_MEMORY) {
            fail(rc, "cuMemAlloc");
            return nullptr;
        }
        if (attempt) return nullptr;
        p.retries++;
        release_cached(p);
    }
    {
        std::lock_guard<std::mutex> guard(segments_lock);
        segments[address] = {size, device};
    }
    count(p, SEGMENT, small, 1);
    count(p, RESERVED_BYTES, small, size);
    return new Block{address, size, 0, stream, nullptr, nullptr, device, 0, false, small, nullptr};
}

/* A block of at least nbytes (> 0) for a stream; NULL when there is none (pending.code tells a
   driver's failure from a lack of memory). The device is bound already. */
inline Block* allocate(int device, int64_t nbytes, void* stream) {
    Pool& p = pools[device];
    std::lock_guard<std::mutex> guard(p.lock);
    if (nbytes > ((int64_t)1 << 50)) {
        p.failures++;
        return nullptr;
    }
    bool cached = caching();
    int64_t size = cached ? (nbytes + ROUND - 1) / ROUND * ROUND : nbytes;
    bool small = size <= SMALL_LIMIT;
    if (!p.events.empty()) process_events(p, false);
    Block probe{0, size, 0, stream, nullptr, nullptr, device, 0, false, small, nullptr};
    auto& set = p.free_blocks[small];
    auto it = set.lower_bound(&probe);
    Block* b;
    if (it != set.end() && (*it)->stream == stream) {
        b = *it;
        set.erase(it);
        count_split(p, b, -1);
    } else {
        int64_t segment = !cached ? size : small ? SMALL_SEGMENT
                          : size < OWN_SEGMENT ? LARGE_SEGMENT : (size + SEGMENT_ROUND - 1) / SEGMENT_ROUND * SEGMENT_ROUND;
        b = new_segment(p, device, segment, small, stream);
        if (!b) {
            p.failures++;
            return nullptr;
        }
    }
    int64_t rest = b->size - size;
    if (cached && (small ? rest >= ROUND : rest > SMALL_LIMIT)) {
        Block* tail = new Block{b->address + (Address)size, rest, 0, stream, b, b->after, device, 0, false, small, nullptr};
        if (b->after) b->after->before = tail;
        b->after = tail;
        b->size = size;
        set.insert(tail);
        count_split(p, tail, 1);
    }
    b->used = true;
    b->requested = nbytes;
    count(p, ALLOCATION, small, 1);
    count(p, ALLOCATED_BYTES, small, b->size);
    count(p, ACTIVE, small, 1);
    count(p, ACTIVE_BYTES, small, b->size);
    count(p, REQUESTED_BYTES, small, nbytes);
    return b;
}

inline void release(Block* b) {
    Pool& p = pools[b->device];
    std::lock_guard<std::mutex> guard(p.lock);
    count(p, ALLOCATION, b->small, -1);
    count(p, ALLOCATED_BYTES, b->small, -b->size);
    if (!caching()) {
        count(p, ACTIVE, b->small, -1);
        count(p, ACTIVE_BYTES, b->small, -b->size);
        count(p, REQUESTED_BYTES, b->small, -b->requested);
        int device = bound_device;
        bind(b->device);
        drop_segment(p, b);
        if (device >= 0) bind(device);
        delete b->users;
        delete b;
        return;
    }
    if (b->users) {
        int device = bound_device;
        bind(b->device);
        for (void* stream : *b->users) {
            void* event = nullptr;
            if (driver.event_create(&event, 2 /* no timing */) || driver.event_record(event, stream)) continue;
            p.events.push_back({event, b});
            b->awaited++;
        }
        if (device >= 0) bind(device);
        delete b->users;
        b->users = nullptr;
        if (b->awaited) return;
    }
    make_free(p, b);
}

inline void record_stream(Block* b, void* stream) {
    Pool& p = pools[b->device];
    std::lock_guard<std::mutex> guard(p.lock);
    if (stream == b->stream) return;
    if (!b->users) b->users = new std::set<void*>;
    b->users->insert(stream);
}

inline void empty_cache(int device) {
    std::lock_guard<std::mutex> guard(pools[device].lock);
    release_cached(pools[device]);
}

/* cuBLAS handles, one for each thread and device; those of threads that ended are used again. */
inline std::mutex handles_lock;
inline std::vector<void*> idle_handles[MAX_DEVICES];
struct Handles {
    void* handle[MAX_DEVICES] = {};
    void* stream[MAX_DEVICES] = {};
    Block* workspace[MAX_DEVICES] = {};
    ~Handles() {
        std::lock_guard<std::mutex> guard(handles_lock);
        for (int i = 0; i < MAX_DEVICES; i++)
            if (handle[i]) idle_handles[i].push_back(handle[i]);
        /* Workspaces of ended threads are kept: work of theirs may still be queued. */
    }
};
inline thread_local Handles handles;

/* This thread's cuBLAS handle, set to its current stream and a workspace of our own; the device is
   bound already. NULL after a failure. */
inline void* cublas_handle(int device) {
    Handles& h = handles;
    bool fresh = false;
    if (!h.handle[device]) {
        {
            std::lock_guard<std::mutex> guard(handles_lock);
            if (!idle_handles[device].empty()) {
                h.handle[device] = idle_handles[device].back();
                idle_handles[device].pop_back();
            }
        }
        if (!h.handle[device])
            if (int rc = cublas.create(&h.handle[device])) {
                char text[128];
                snprintf(text, sizeof text, "cublasCreate failed with status %d", rc);
                fail_text(text);
                h.handle[device] = nullptr;
                return nullptr;
            }
        fresh = true;
    }
    void* stream = current_stream[device];
    if (fresh || h.stream[device] != stream) {
        if (h.workspace[device]) {
            record_stream(h.workspace[device], h.stream[device]);
            release(h.workspace[device]);
        }
        int64_t size = devices[device].capability >= 90 ? 32 << 20 : 8519680;
        h.workspace[device] = allocate(device, size, stream);
        h.stream[device] = stream;
        cublas.set_stream(h.handle[device], stream);
        if (h.workspace[device])
            cublas.set_workspace(h.handle[device], (void*)h.workspace[device]->address, (size_t)size);
    }
    return h.handle[device];
}

}  // namespace pyx_cuda
