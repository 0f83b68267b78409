/* A step, recorded as a list of calls into the tables of kernels, and run again without Python.

   While a thread records, the CPU's tables hold the wrappers of `Entry`, made for every entry from its own type.
   A wrapper copies the arguments, says which memory they point to, and calls the kernel. Memory is known by place:
   a block (made while recording; the list keeps it, and gives it to nothing else) or a slot (memory that was there
   before: an argument, a parameter, a buffer). What points elsewhere makes the list refuse. A pointer to const is
   read and any other is written; a block that is read must have been written by a call of the list. */
#pragma once
#include <string.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/index.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"
#include "kernels/optim.h"
#include "kernels/pool.h"
#include "kernels/random.h"
#include "kernels/reduce.h"
#include "kernels/rnn.h"
#include "kernels/scan.h"
#include "kernels/softmax.h"
#include "kernels/sort.h"
#include "listener.h"

namespace pyx_record {

struct Call {
    const char* name = "";
    std::vector<std::unique_ptr<char[]>> owned;  /* copies of what arguments point to outside tensors */
    virtual int64_t run() = 0;
    virtual ~Call() {}
    template <class T> T* copy(const T* from, int64_t count = 1) {
        size_t bytes = sizeof(T) * (size_t)count;
        owned.emplace_back(new char[bytes + 64]);
        memcpy(owned.back().get(), from, bytes);
        return (T*)owned.back().get();
    }
};

struct Ref { char** at; int64_t offset; };  /* a pointer of a call, and how far it lies in its block or slot */

struct Block {
    pyx_storage* st;
    bool freed, written, constant;  /* constant: Python's numbers alone were written there */
    std::vector<Ref> refs;
};

struct Slot {
    char* data;
    int64_t nbytes;
    bool read, written;
    int first;  /* the number of the call that first writes it */
    std::vector<Ref> refs;
};

struct Live { void* group; pyx_optim_options* options; };  /* whose learning rate is read at each replay */

struct List;
inline thread_local List* now = nullptr;
inline void (*real_release)(pyx_storage*) = nullptr;
inline void (*where)(char* text, int room) = nullptr;  /* the user's line, for reasons */
inline void parked(pyx_storage* s);

struct StepCall;

struct List {
    std::vector<std::unique_ptr<Call>> calls;
    std::vector<Block> blocks;
    std::vector<Slot> slots;
    std::vector<Live> lives;
    std::map<char*, int> places;  /* block i: i; slot i: -1 - i; by the first address */
    std::string text;             /* all that was recorded, the same for the same program */
    std::string why;              /* it cannot be replayed */
    uint64_t seed = 0, start = 0, drawn = 0;
    struct Draw { uint64_t *seed, *offset; uint64_t from; };
    std::vector<Draw> draws;
    StepCall* step = nullptr;
    int64_t host_bytes = -1, each_count = 0, bytes = 0;
    int first_external_write = -1, last_look = -1;

    void refuse(const std::string& reason) {
        if (!why.empty()) return;
        char at[400] = "";
        if (where) where(at, sizeof(at));
        why = reason + at;
    }
    template <class T> void say(const T& x) { text.append((const char*)&x, sizeof(T)); }

    int find(const char* p) {
        auto i = places.upper_bound((char*)p);
        if (i == places.begin()) return INT32_MIN;
        --i;
        int k = i->second;
        const char* end = k >= 0 ? blocks[k].st->data + blocks[k].st->nbytes : slots[-1 - k].data + slots[-1 - k].nbytes;
        return p <= end ? k : INT32_MIN;
    }
    bool refer(char** at, bool write, bool constant = false) {
        int k = find(*at);
        if (k == INT32_MIN) return false;
        say(k);
        if (k >= 0) {
            Block& b = blocks[k];
            int64_t offset = *at - b.st->data;
            say(offset);
            b.refs.push_back({at, offset});
            if (write) {
                b.constant = constant && (b.constant || !b.written);
                b.written = true;
            } else if (!b.written && b.st->nbytes)
                refuse("a kernel reads memory that nothing known here has written (an operation outside the tables of kernels)");
        } else {
            Slot& s = slots[-1 - k];
            int64_t offset = *at - s.data;
            say(offset);
            s.refs.push_back({at, offset});
            if (write && !s.written) s.first = (int)calls.size();
            (write ? s.written : s.read) = true;
            if (write && first_external_write < 0) first_external_write = (int)calls.size();
        }
        return true;
    }
    bool on_stack(const void* p) {
        char here;
        return (char*)p > &here && (char*)p < &here + (1 << 20);
    }

    /* One function for each kind of argument. */
    template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0> void take(Call&, T& x) { say(x); }
    template <class T> void take_pointer(Call& c, T*& p) {
        typedef std::remove_const_t<T> M;
        if (!p) {
            say('0');
            return;
        }
        if (refer((char**)&p, !std::is_const_v<T>)) return;
        if constexpr (std::is_const_v<T>) {
            if (host_bytes >= 0) {
                text.append((const char*)p, (size_t)host_bytes);
                p = (T*)c.copy((const char*)p, host_bytes);
                return;
            }
        } else if constexpr (std::is_same_v<M, int64_t>) {
            if (on_stack(p)) {  /* where a kernel says which index is wrong */
                static const int64_t nothing[4] = {0, 0, 0, 0};
                p = c.copy(nothing, 4);
                return;
            }
        }
        refuse(std::string(c.name) + " uses memory of a tensor that was not found among the arguments and in what the function refers to");
    }
    void take(Call& c, const void*& p) { take_pointer(c, p); }
    void take(Call& c, const char*& p) { take_pointer(c, p); }
    void take(Call& c, const uint8_t*& p) { take_pointer(c, p); }
    void take(Call& c, const int64_t*& p) { take_pointer(c, p); }
    void take(Call& c, const double*& p) { take_pointer(c, p); }
    void take(Call& c, void*& p) { take_pointer(c, p); }
    void take(Call& c, char*& p) { take_pointer(c, p); }
    void take(Call& c, uint8_t*& p) { take_pointer(c, p); }
    void take(Call& c, int64_t*& p) { take_pointer(c, p); }
    void take(Call& c, double*& p) { take_pointer(c, p); }

    void inside(Call& c, const char** at, bool write) {
        if (!*at) say('0');
        else if (!refer((char**)at, write)) refuse(std::string(c.name) + " uses memory of a tensor that was not found among the arguments and in what the function refers to");
    }
    void take(Call& c, const pyx_strided*& p) {
        pyx_strided* w = c.copy(p);
        p = w;
        say(w->ndim), say(w->noperands), say(w->numel);
        text.append((const char*)w->shape, sizeof(int64_t) * w->ndim);
        for (int k = 0; k < w->noperands; k++) {
            say(w->dtype[k]);
            text.append((const char*)w->strides[k], sizeof(int64_t) * w->ndim);
            inside(c, (const char**)&w->data[k], k == 0);
        }
    }
    void take(Call& c, const pyx_gemm*& p) {
        pyx_gemm* g = c.copy(p);
        p = g;
        pyx_gemm plain = *g;
        plain.a = plain.b = plain.d = nullptr, plain.c = nullptr;
        say(plain.m), say(plain.n), say(plain.k), say(plain.a_row), say(plain.a_col), say(plain.b_row), say(plain.b_col), say(plain.c_row);
        say(plain.d_row), say(plain.alpha), say(plain.beta), say(plain.batch), say(plain.a_batch), say(plain.b_batch), say(plain.c_batch), say(plain.d_batch);
        inside(c, (const char**)&g->a, false);
        inside(c, (const char**)&g->b, false);
        inside(c, (const char**)&g->d, false);
        inside(c, (const char**)&g->c, true);
    }
    void take(Call& c, const pyx_conv*& p) {
        p = c.copy(p);
        text.append((const char*)p, offsetof(pyx_conv, precise) + sizeof(int));
    }
    void take(Call& c, const pyx_window*& p) {
        p = c.copy(p);
        text.append((const char*)p, offsetof(pyx_window, layout) + sizeof(int));
    }
    void take(Call& c, const pyx_indexing*& p) {
        pyx_indexing* x = c.copy(p);
        p = x;
        say(x->count), say(x->nindex), say(x->wrap), say(x->nbefore), say(x->nafter);
        for (int k = 0; k < x->nindex; k++) say(x->size[k]), say(x->stride[k]), inside(c, (const char**)&x->index[k], false);
        for (int k = 0; k < x->nbefore + x->nafter; k++) say(x->rest_size[k]), say(x->rest_stride[k]);
    }
    void take(Call& c, const pyx_optim_list*& p);
    void take(Call& c, const pyx_optim_options*& p);

    void draw(uint64_t* s, uint64_t* offset) {
        if (*s != seed || *offset < start) {
            refuse("random numbers are drawn from another generator than the default one, or it is seeded in the function");
            return;
        }
        say(*offset - start);
        draws.push_back({s, offset, *offset - start});
    }
};

/* The host's part of an optimiser: counts steps, and makes of them the numbers that each parameter has. */
struct StepCall : Call {
    pyx_own_scalars fill = nullptr;
    std::vector<char*> steps;
    std::vector<unsigned char> narrow;
    int scalars = 0;
    double* each = nullptr;
    pyx_optim_options* options = nullptr;
    int64_t run() override {
        double t, last = -1, made[8];
        for (size_t i = 0; i < steps.size(); i++) {
            t = narrow[i] ? *(float*)steps[i] += 1 : *(double*)steps[i] += 1;
            if (fill && t != last) fill(last = t, options, made);
            for (int k = 0; k < scalars; k++) each[i * scalars + k] = made[k];
        }
        return 0;
    }
};

inline void List::take(Call& c, const pyx_optim_list*& p) {
    pyx_optim_list* l = c.copy(p);
    int64_t total = each_count * l->count;
    say(l->count);
    text.append((const char*)l->starts, sizeof(int64_t) * (l->count + 1));
    l->starts = c.copy(p->starts, l->count + 1);
    for (int k = 0; k < 5; k++) {
        say(k);
        if (!p->lists[k]) continue;
        char** list = c.copy(p->lists[k], l->count);
        l->lists[k] = list;
        for (int64_t i = 0; i < l->count; i++) inside(c, (const char**)&list[i], k != 1);
    }
    if (p->each && total) {
        double* each = c.copy(p->each, total);
        l->each = each;
        if (step && step->fill) {
            if (step->each || (int64_t)step->steps.size() != l->count) refuse("an optimiser updates parameters that share memory");
            step->each = each;
            step->scalars = (int)each_count;
        } else
            text.append((const char*)each, sizeof(double) * total);
    }
    p = l;
}

inline void List::take(Call& c, const pyx_optim_options*& p) {
    pyx_optim_options* o = c.copy(p);
    p = o;
    double lr = o->lr;
    o->lr = 0;  /* read anew at each replay */
    say(o->lr), say(o->weight_decay), say(o->eps), say(o->momentum), say(o->dampening), say(o->beta1), say(o->beta2);
    say(o->nesterov), say(o->maximize), say(o->decoupled);
    o->lr = lr;
    if (!step || step->options) {
        refuse("an optimiser's kernel is called in a way that is not known here");
        return;
    }
    step->options = o;
    lives.back().options = o;
}

template <class T> inline const T* real = nullptr;

/* How many bytes the arguments have that point to numbers outside tensors; -1: there are none. */
template <auto M> struct Host { template <class... A> static int64_t bytes(const A&...) { return -1; } };
inline int (*formula_scalars)(int formula) = nullptr;
template <> struct Host<&pyx_elementwise_kernels::run> {
    static int64_t bytes(int formula, int, const pyx_strided*, const double*) { return formula_scalars(formula) < 0 ? -1 : 8 * formula_scalars(formula); }
};
template <> struct Host<&pyx_elementwise_kernels::fill> {
    static int64_t bytes(const char*, int64_t, int itemsize, const char*) { return itemsize; }
};
template <> struct Host<&pyx_index_kernels::gather> {
    template <class... A> static int64_t bytes(int, int nd, const A&...) { return 8 * nd; }
};
template <> struct Host<&pyx_index_kernels::scatter> {
    template <class... A> static int64_t bytes(int, int, int nd, const A&...) { return 8 * nd; }
};

template <class... A> constexpr bool draws_numbers() {
    if constexpr (sizeof...(A) < 3) return false;
    else
        return std::is_same_v<std::tuple_element_t<sizeof...(A) - 1, std::tuple<A...>>, uint64_t> &&
               std::is_same_v<std::tuple_element_t<sizeof...(A) - 2, std::tuple<A...>>, uint64_t>;
}

template <auto M> struct Entry;
template <class T, class R, class... A, R (*T::*M)(A...)> struct Entry<M> {
    static inline const char* name = "";
    struct Made : Call {
        std::tuple<A...> args;
        int64_t run() override { return (int64_t)std::apply(real<T>->*M, args); }
    };
    static R call(A... a) {
        List* l = now;
        if (!l) return (real<T>->*M)(a...);
        auto made = std::make_unique<Made>();
        made->name = name;
        made->args = std::tuple<A...>(a...);
        l->text.append(name);
        l->host_bytes = Host<M>::bytes(a...);
        if constexpr (std::is_same_v<T, pyx_optim_kernels>) l->each_count = first_is_optimizer() ? real<T>->scalars(first(a...)) : 0;
        if constexpr (draws_numbers<A...>()) {
            std::get<sizeof...(A) - 1>(made->args) = std::get<sizeof...(A) - 2>(made->args) = 0;
        }
        std::apply([&](auto&... x) { (l->take(*made, x), ...); }, made->args);
        if constexpr (draws_numbers<A...>()) {
            auto given = std::tuple<A...>(a...);
            uint64_t* s = &std::get<sizeof...(A) - 2>(made->args);
            uint64_t* o = &std::get<sizeof...(A) - 1>(made->args);
            *s = std::get<sizeof...(A) - 2>(given);
            *o = std::get<sizeof...(A) - 1>(given);
            l->draw(s, o);
        }
        R code = (real<T>->*M)(a...);
        if (code) l->refuse(std::string(name) + " reports an error, or that it cannot do it");
        l->calls.push_back(std::move(made));
        return code;
    }
    static constexpr bool first_is_optimizer() { return sizeof...(A) == 4; }  /* step() */
    static int first(int x, ...) { return x; }
    static R refuse(A... a) {
        if (now) now->refuse(std::string(name) + ": what comes out decides what is done next (a shape, or a number in Python)");
        return (real<T>->*M)(a...);
    }
};

inline pyx_loop no_loop(int formula, int dtype) { return now ? nullptr : real<pyx_elementwise_kernels>->loop(formula, dtype); }

struct Family { void** tables; void* recording; void* before; };
inline std::vector<Family> families;
inline int recorders = 0;

template <class T> T* begin_family(void** tables) {
    if (!real<T>) real<T> = (const T*)tables[PYX_CPU];
    T* t = new T(*real<T>);
    families.push_back({tables, t, nullptr});
    return t;
}
inline const char* joined(const char* family, const char* entry) {
    return (new std::string(std::string(family) + "." + entry))->c_str();  /* as long as the process */
}
#define PYX_R(T, entry) (Entry<&T::entry>::name = joined(name, #entry), t->entry = Entry<&T::entry>::call)
#define PYX_NO(T, entry) (Entry<&T::entry>::name = joined(name, #entry), t->entry = Entry<&T::entry>::refuse)

/* Whoever adds an entry to a table writes it here too: tests/test_compile_records.py compares. Returns the size of the family's table (0: not known); `tables` may be NULL. */
inline size_t add_family(const char* name, void** tables) {
#define PYX_FAMILY(f) if (!strcmp(name, #f)) { typedef pyx_##f##_kernels K; if (!tables) return sizeof(K); K* t = begin_family<K>(tables);
#define PYX_END return sizeof(K); }
    PYX_FAMILY(elementwise) t->loop = no_loop; PYX_R(K, run); PYX_R(K, cast); PYX_R(K, fill); PYX_END
    PYX_FAMILY(matmul) PYX_R(K, gemm); PYX_END
    PYX_FAMILY(softmax) PYX_R(K, forward); PYX_R(K, backward); PYX_END
    PYX_FAMILY(reduce) PYX_R(K, reduce); PYX_R(K, extreme); PYX_R(K, variance); PYX_END
    PYX_FAMILY(scan) PYX_R(K, scan); PYX_R(K, extreme); PYX_R(K, recurrence); PYX_END
    PYX_FAMILY(norm) PYX_R(K, layer_forward); PYX_R(K, layer_backward); PYX_R(K, channel_stats); PYX_R(K, channel_affine); PYX_R(K, channel_backward); PYX_END
    PYX_FAMILY(conv) PYX_R(K, forward); PYX_R(K, backward_data); PYX_R(K, backward_weight); PYX_END
    PYX_FAMILY(pool) PYX_R(K, max_forward); PYX_R(K, scatter); PYX_R(K, avg_forward); PYX_R(K, avg_backward); PYX_R(K, adaptive_max_forward);
        PYX_R(K, adaptive_avg_forward); PYX_R(K, adaptive_avg_backward); PYX_END
    PYX_FAMILY(rnn) PYX_R(K, lstm); PYX_R(K, lstm_backward); PYX_R(K, gru); PYX_R(K, gru_backward); PYX_END
    PYX_FAMILY(embedding) PYX_R(K, backward); PYX_R(K, bag); PYX_NO(K, renorm); PYX_END
    PYX_FAMILY(index) PYX_R(K, get); PYX_R(K, put); PYX_R(K, gather); PYX_R(K, scatter); PYX_NO(K, count_true); PYX_NO(K, masked_select);
        PYX_NO(K, masked_scatter); PYX_NO(K, nonzero); PYX_R(K, triangle); PYX_NO(K, repeat_index); PYX_END
    PYX_FAMILY(random) PYX_R(K, fill); PYX_R(K, integers); PYX_R(K, bernoulli); PYX_R(K, dropout); PYX_R(K, masked_scale); PYX_R(K, permutation);
        PYX_R(K, multinomial); PYX_R(K, poisson); PYX_R(K, binomial); PYX_R(K, gamma); PYX_END
    PYX_FAMILY(optim) PYX_R(K, step); PYX_NO(K, sum_of_squares); PYX_NO(K, scale); PYX_END
    PYX_FAMILY(sort) PYX_R(K, sort); PYX_R(K, topk); PYX_R(K, kthvalue); PYX_R(K, mode); PYX_NO(K, runs); PYX_R(K, sort_rows); PYX_R(K, search);
        PYX_NO(K, count); PYX_R(K, histogram); PYX_END
    return 0;
}

/* ------------------------------------------------------------------ what is written beside the tables */

enum { DIFFERS = -77 };

struct CopyCall : Call {
    char *to, *from;
    int64_t n;
    int64_t run() override { memmove(to, from, (size_t)n); return 0; }
};
/* An element that decided something: replay goes on only where it is the same. */
struct LookCall : Call {
    char* at;
    int64_t n;
    char held[16];
    int64_t run() override { return memcmp(at, held, (size_t)n) ? DIFFERS : 0; }
};
struct FillCall : Call {
    char* to;
    int64_t n;
    char* data;  /* NULL: zeros */
    int64_t run() override { data ? memcpy(to, data, (size_t)n) : memset(to, 0, (size_t)n); return 0; }
};

inline void parked(pyx_storage* s) {
    if (now) {
        auto i = now->places.find(s->data);
        if (i != now->places.end() && i->second >= 0 && now->blocks[i->second].st == s) {
            now->blocks[i->second].freed = true;
            return;
        }
    }
    real_release(s);
}
inline void made(pyx_storage* s) {
    List* l = now;
    if (!l) return;
    if (s->device_type != PYX_CPU || s->size_class < 0) {
        l->refuse("a tensor is made that is not in ordinary memory of the CPU");
        return;
    }
    real_release = s->release;
    s->release = parked;
    l->places[s->data] = (int)l->blocks.size();
    l->blocks.push_back({s, false, false, false, {}});
    l->bytes += s->nbytes;
    if (l->bytes > (int64_t)1 << 30) l->refuse("the results of one call take more than 1 GiB");
}
inline void copied(char* to, const char* from, int64_t n) {
    if (!now) return;
    auto c = std::make_unique<CopyCall>();
    c->name = "copy", c->to = to, c->from = (char*)from, c->n = n;
    now->text.append("copy"), now->say(n);
    now->inside(*c, (const char**)&c->from, false);
    now->inside(*c, (const char**)&c->to, true);
    now->calls.push_back(std::move(c));
}
inline void filled(char* to, int64_t n, bool zeros) {
    if (!now) return;
    auto c = std::make_unique<FillCall>();
    c->name = "write", c->to = to, c->n = n, c->data = zeros ? nullptr : c->copy((const char*)to, n);
    now->text.append("write"), now->say(n);
    if (!zeros) now->text.append(to, (size_t)n);
    if (!now->refer(&c->to, true, true)) now->refuse("numbers are written to a tensor that was not found");
    now->calls.push_back(std::move(c));
}
inline void zeroed(char* to, int64_t n) { filled(to, n, true); }
inline void wrote(char* to, int64_t n) { filled(to, n, false); }
inline void looked(const char* at, int64_t nbytes, const char* what) {
    if (!now) return;
    int k = now->find(at);
    if (k != INT32_MIN && k >= 0 && now->blocks[k].constant) return;
    if (nbytes != 1) {  /* other than a truth value it hardly ever is the same */
        now->refuse(what);
        return;
    }
    auto c = std::make_unique<LookCall>();
    c->name = "look", c->at = (char*)at, c->n = nbytes;
    memcpy(c->held, at, (size_t)nbytes);
    now->text.append("look"), now->text.append(at, (size_t)nbytes);
    now->inside(*c, (const char**)&c->at, false);
    now->last_look = (int)now->calls.size();
    now->calls.push_back(std::move(c));
}
inline void refuse(const char* why) { if (now) now->refuse(why); }
inline void stepped(pyx_own_scalars fill, int64_t count, char* const* steps, const unsigned char* narrow, void* group) {
    List* l = now;
    if (!l) return;
    auto c = std::make_unique<StepCall>();
    c->name = "optimizer", c->fill = fill;
    l->text.append("optimizer"), l->say(count);
    c->steps.assign(steps, steps + count);
    c->narrow.assign(narrow, narrow + count);
    for (int64_t i = 0; i < count; i++) l->say(narrow[i]), l->inside(*c, (const char**)&c->steps[i], true);
    l->lives.push_back({group, nullptr});
    l->step = c.get();
    l->calls.push_back(std::move(c));
}

/* ------------------------------------------------------------------ beginning, end, replay */

inline void begin(List* l, pyx_listener* listener) {
    if (recorders++ == 0) {
        for (Family& f : families) f.before = f.tables[PYX_CPU], f.tables[PYX_CPU] = f.recording;
        listener->made = made, listener->copied = copied, listener->zeroed = zeroed, listener->wrote = wrote;
        listener->looked = looked, listener->refuse = refuse, listener->stepped = stepped;
        listener->on = 1;
    }
    now = l;
}
inline void end(List* l, pyx_listener* listener) {
    now = nullptr;
    if (--recorders == 0) {
        listener->on = 0;
        for (Family& f : families) f.tables[PYX_CPU] = f.before;
    }
    for (Block& b : l->blocks) {
        pyx_storage* s = b.st;
        if (s->refcount == 0 && !b.freed) {  /* waits for another thread's kernels: let it go the ordinary way */
            b.st = nullptr;
            l->refuse("another thread was running kernels meanwhile");
            continue;
        }
        s->release = real_release;
        if (b.freed) s->version = 0;
        s->refcount += 1;
        b.freed = false;
    }
    l->step = nullptr;
    for (Live& x : l->lives)
        if (!x.options) l->refuse("an optimiser's kernel was not called");
}
inline void point(std::vector<Ref>& refs, char* data) {
    for (Ref& r : refs) *r.at = data + r.offset;
}
inline bool is_recording() { return now != nullptr; }
inline void rewind(List* l, uint64_t seed, uint64_t start) {
    for (auto& d : l->draws) *d.seed = seed, *d.offset = start + d.from;
}
/* The number of the call that failed, -1: none. */
inline int64_t play(List* l, int64_t* code) {
    int64_t i = 0;
    for (auto& c : l->calls) {
        if ((*code = c->run())) return i;
        i++;
    }
    return -1;
}

}  // namespace pyx_record
