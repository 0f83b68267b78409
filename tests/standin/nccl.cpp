// A stand-in for libnccl.so.2: processes meet in a file of shared memory that the id names. Made to find faults: calls only put jobs
// on the stream's queue, so that a missing event shows old numbers; a communicator that is not blocking answers "in progress" a few
// times, and ends the process that does not ask until it is over; ranks that call something else are an end, too, as are a wrong
// config, an id that was not passed whole, and calls after the communicator was destroyed. PYXEMU_NCCL_FAIL=k: the k-th call of this
// process is a remote error.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

extern "C" void pyxemu_enqueue(void* stream, void (*job)(void*), void* argument);
#define API extern "C" __attribute__((visibility("default")))
enum { OK = 0, ARGUMENT = 4, USAGE = 5, REMOTE = 6, BUSY = 7, RANKS = 8, CHUNK = 1 << 16 };
enum { BROADCAST, ALL_GATHER, ALL_REDUCE, REDUCE, REDUCE_SCATTER };

struct Id { char data[128]; };
struct Config { size_t size; unsigned magic, version; int blocking, rest[25]; };
struct Said { int64_t number, kind, type, count, op, root; };
struct Box { std::atomic<int64_t> bytes; char data[CHUNK]; };  // a piece on its way from one rank to another; -1: none
struct Shared {
    std::atomic<int> here, gone;
    std::atomic<int64_t> came[RANKS];
    Said said[RANKS];
    char slot[RANKS][CHUNK];
    Box box[RANKS][RANKS];
};
struct Comm {
    int rank, size, busy, wants_asking, error, dead;
    int64_t number, meetings;
    Shared* shared;
    std::string path;
};
struct Message { bool sends; char* data; size_t bytes, at; int peer; };
struct Job {
    Comm* comm;
    int kind, type, op, root;
    const char* in;
    char* out;
    size_t count;
    std::vector<Message> messages;
};

[[noreturn]] static void wrong(const char* text) {
    fprintf(stderr, "stand-in NCCL: %s\n", text);
    _exit(70);
}
static size_t width(int type) { return type <= 1 ? 1 : type == 6 || type == 9 ? 2 : type == 2 || type == 3 || type == 7 ? 4 : 8; }

template <class F> static void until(F f) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (int i = 0; !f(); i++) {
        if (i > 200) std::this_thread::sleep_for(std::chrono::microseconds(50));
        if (std::chrono::steady_clock::now() > end) wrong("another rank did not come within 30 s");
    }
}
static void meet(Comm* c) {
    int64_t n = ++c->meetings;
    c->shared->came[c->rank] = n;
    until([&] { for (int r = 0; r < c->size; r++) if (c->shared->came[r] < n) return false; return true; });
}

// ------------------------------------------------------------------ numbers
static float half_to_float(uint16_t h) { _Float16 x; memcpy(&x, &h, 2); return (float)x; }
static uint16_t float_to_half(float f) { _Float16 x = (_Float16)f; uint16_t h; memcpy(&h, &x, 2); return h; }
static float bf_to_float(uint16_t h) { uint32_t u = (uint32_t)h << 16; float f; memcpy(&f, &u, 4); return f; }
static uint16_t float_to_bf(float f) { uint32_t u; memcpy(&u, &f, 4); return (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16); }

template <class T> static void fold(char* slots, int size, size_t n, int op, char* out) {
    for (size_t i = 0; i < n; i++) {
        T x;
        memcpy(&x, slots + i * sizeof(T), sizeof(T));
        for (int r = 1; r < size; r++) {
            T y;
            memcpy(&y, slots + (size_t)r * CHUNK + i * sizeof(T), sizeof(T));
            x = op == 1 ? x * y : op == 2 ? (y > x ? y : x) : op == 3 ? (y < x ? y : x) : x + y;
        }
        if (op == 4) x = x / (T)size;
        memcpy(out + i * sizeof(T), &x, sizeof(T));
    }
}
template <float (*get)(uint16_t), uint16_t (*put)(float)> static void fold_half(char* slots, int size, size_t n, int op, char* out) {
    for (size_t i = 0; i < n; i++) {
        float x = 0;
        for (int r = 0; r < size; r++) {
            uint16_t h;
            memcpy(&h, slots + (size_t)r * CHUNK + i * 2, 2);
            float y = get(h);
            x = r == 0 ? y : op == 1 ? x * y : op == 2 ? (y > x ? y : x) : op == 3 ? (y < x ? y : x) : x + y;
        }
        uint16_t h = put(op == 4 ? x / size : x);
        memcpy(out + i * 2, &h, 2);
    }
}
static void fold_any(int type, char* slots, int size, size_t n, int op, char* out) {
    switch (type) {
        case 0: return fold<int8_t>(slots, size, n, op, out);
        case 1: return fold<uint8_t>(slots, size, n, op, out);
        case 2: return fold<int32_t>(slots, size, n, op, out);
        case 3: return fold<uint32_t>(slots, size, n, op, out);
        case 4: return fold<int64_t>(slots, size, n, op, out);
        case 5: return fold<uint64_t>(slots, size, n, op, out);
        case 6: return fold_half<half_to_float, float_to_half>(slots, size, n, op, out);
        case 7: return fold<float>(slots, size, n, op, out);
        case 8: return fold<double>(slots, size, n, op, out);
        case 9: return fold_half<bf_to_float, float_to_bf>(slots, size, n, op, out);
    }
    wrong("a dtype that NCCL has not");
}

// ------------------------------------------------------------------ what runs on the stream
static void run_messages(Job* j) {
    Comm* c = j->comm;
    until([&] {
        bool all = true;
        bool ahead[2][RANKS] = {};  // messages between two ranks come in their order
        for (auto& m : j->messages) {
            if (m.at == m.bytes || ahead[m.sends][m.peer]) { all = all && m.at == m.bytes; continue; }
            ahead[m.sends][m.peer] = true;
            Box& box = m.sends ? c->shared->box[c->rank][m.peer] : c->shared->box[m.peer][c->rank];
            size_t n = m.bytes - m.at < CHUNK ? m.bytes - m.at : CHUNK;
            if (m.sends && box.bytes == 0) {
                memcpy(box.data, m.data + m.at, n);
                box.bytes = n;
                m.at += n;
            } else if (!m.sends && box.bytes != 0) {
                if ((size_t)box.bytes != n) wrong("a message is of another length than its receiver expects");
                memcpy(m.data + m.at, box.data, n);
                box.bytes = 0;
                m.at += n;
            }
            all = all && m.at == m.bytes;
        }
        return all;
    });
}
static void run(void* given) {
    Job* j = (Job*)given;
    Comm* c = j->comm;
    if (j->kind < 0) {
        run_messages(j);
        delete j;
        return;
    }
    Shared* s = c->shared;
    s->said[c->rank] = Said{c->number++, j->kind, j->type, (int64_t)j->count, j->op, j->root};
    meet(c);
    for (int r = 0; r < c->size; r++)
        if (memcmp(&s->said[r], &s->said[c->rank], sizeof(Said))) wrong("ranks call different collectives");
    size_t item = width(j->type), bytes = j->count * item;
    int parts = j->kind == REDUCE_SCATTER ? c->size : 1;
    std::vector<char> made(CHUNK);
    for (int p = 0; p < parts; p++)
        for (size_t at = 0; at < bytes; at += CHUNK) {
            size_t n = bytes - at < CHUNK ? bytes - at : CHUNK;
            if (j->kind != BROADCAST || c->rank == j->root) memcpy(s->slot[c->rank], j->in + p * bytes + at, n);
            meet(c);
            if (j->kind == BROADCAST) memcpy(j->out + at, s->slot[j->root], n);
            else if (j->kind == ALL_GATHER) for (int r = 0; r < c->size; r++) memcpy(j->out + r * bytes + at, s->slot[r], n);
            else if (j->kind == ALL_REDUCE || (j->kind == REDUCE && c->rank == j->root) || (j->kind == REDUCE_SCATTER && p == c->rank)) {
                fold_any(j->type, s->slot[0], c->size, n / item, j->op, made.data());
                memcpy(j->out + at, made.data(), n);
            }
            meet(c);
        }
    delete j;
}

// ------------------------------------------------------------------ the interface
static int calls = 0, depth = 0;
static Job* gathered = nullptr;
static void* gathered_stream = nullptr;

static int usable(Comm* c) {
    if (!c || c->dead) wrong("a communicator was used after it was destroyed or aborted");
    if (c->wants_asking) wrong("a call on a communicator that was still in progress");
    const char* fail = getenv("PYXEMU_NCCL_FAIL");
    if (fail && atoi(fail) == ++calls) return c->error = REMOTE;
    return c->error;
}
static int later(Comm* c) {  // every third call is "in progress"
    if (++c->busy % 3) return OK;
    c->wants_asking = 2;
    return BUSY;
}
static int put(Comm* c, int kind, const void* in, void* out, size_t count, int type, int op, int root, void* stream) {
    if (int bad = usable(c)) return bad;
    if (depth) wrong("collectives in a group are not made here");
    if (type < 0 || type > 9 || op < 0 || op > 4 || root < 0 || root >= c->size) return ARGUMENT;
    pyxemu_enqueue(stream, run, new Job{c, kind, type, op, root, (const char*)in, (char*)out, count, {}});
    return later(c);
}

API int ncclGetVersion(int* v) { *v = 23203; return OK; }
API const char* ncclGetErrorString(int code) { return code == REMOTE ? "remote process exited or there was a network error" : code == ARGUMENT ? "invalid argument" : "an error"; }
API const char* ncclGetLastError(void*) { return "stand-in NCCL"; }
API int ncclGetUniqueId(Id* id) {
    memset(id, 0, sizeof(Id));
    FILE* f = fopen("/dev/urandom", "r");
    if (!f || fread(id->data, 1, 127, f) != 127) return 2;
    fclose(f);
    for (int i = 0; i < 127; i++) id->data[i] = "0123456789abcdef"[id->data[i] & 15];
    unsigned sum = 0;
    for (int i = 0; i < 126; i++) sum += id->data[i];
    id->data[126] = (char)(sum % 200);
    return OK;
}
API int ncclCommInitRankConfig(Comm** out, int size, Id id, int rank, Config* config) {
    unsigned sum = 0;
    for (int i = 0; i < 126; i++) sum += id.data[i];
    if ((char)(sum % 200) != id.data[126]) wrong("the id was not passed whole");
    if (config->size < 56 || config->size > 120 || config->magic != 0xcafebeef || config->version != 23203 || config->rest[0] != INT32_MIN) wrong("a wrong config");
    if (size < 1 || size > RANKS || rank < 0 || rank >= size) return ARGUMENT;
    Comm* c = new Comm{rank, size, 0, config->blocking == 0 ? 3 : 0, OK, 0, 0, 0, nullptr, "/dev/shm/pyxtorch-nccl-" + std::string(id.data, 40)};
    int file = open(c->path.c_str(), O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof(Shared))) return 2;
    c->shared = (Shared*)mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    c->shared->here++;
    until([&] { return c->shared->here >= size; });
    unlink(c->path.c_str());
    *out = c;
    return config->blocking == 0 ? BUSY : OK;
}
API int ncclCommGetAsyncError(Comm* c, int* state) {
    if (!c || c->dead) wrong("asked for the error of a communicator that is no more");
    *state = c->wants_asking && --c->wants_asking ? BUSY : c->error;
    return OK;
}
API int ncclCommFinalize(Comm* c) { int bad = usable(c); return bad ? bad : (c->dead = 2, OK); }
API int ncclCommDestroy(Comm* c) {
    if (c->dead != 2) wrong("a communicator was destroyed that had not been finalized");
    munmap(c->shared, sizeof(Shared));
    c->dead = 1;
    return OK;
}
API int ncclCommAbort(Comm* c) { c->dead = 1; return OK; }

API int ncclAllReduce(const void* in, void* out, size_t n, int type, int op, Comm* c, void* s) { return put(c, ALL_REDUCE, in, out, n, type, op, 0, s); }
API int ncclBroadcast(const void* in, void* out, size_t n, int type, int root, Comm* c, void* s) { return put(c, BROADCAST, in, out, n, type, 0, root, s); }
API int ncclReduce(const void* in, void* out, size_t n, int type, int op, int root, Comm* c, void* s) { return put(c, REDUCE, in, out, n, type, op, root, s); }
API int ncclAllGather(const void* in, void* out, size_t n, int type, Comm* c, void* s) { return put(c, ALL_GATHER, in, out, n, type, 0, 0, s); }
API int ncclReduceScatter(const void* in, void* out, size_t n, int type, int op, Comm* c, void* s) { return put(c, REDUCE_SCATTER, in, out, n, type, op, 0, s); }

static int message(Comm* c, bool sends, void* data, size_t n, int type, int peer, void* stream) {
    if (!depth) wrong("a message outside of a group");
    if (!gathered)
        if (int bad = usable(c)) return bad;
    if (peer < 0 || peer >= c->size || peer == c->rank) return ARGUMENT;
    if (!gathered) gathered = new Job{c, -1, 0, 0, 0, nullptr, nullptr, 0, {}}, gathered_stream = stream;
    gathered->messages.push_back({sends, (char*)data, n * width(type), 0, peer});
    return OK;
}
API int ncclGroupStart() { depth++; return OK; }
API int ncclGroupEnd() {
    if (--depth || !gathered) return OK;
    Comm* c = gathered->comm;
    pyxemu_enqueue(gathered_stream, run, gathered);
    gathered = nullptr;
    return later(c);
}
API int ncclSend(const void* data, size_t n, int type, int peer, Comm* c, void* s) { return message(c, true, (void*)data, n, type, peer, s); }
API int ncclRecv(void* data, size_t n, int type, int peer, Comm* c, void* s) { return message(c, false, data, n, type, peer, s); }
