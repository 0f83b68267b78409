/* Sorting and selecting on (key, position) pairs: every order is total, so every result is
   stable whatever the algorithm. Lines are independent and go to different tasks. */
#include "pyxtorch/kernels/sort.h"

#include <string.h>

#include "pyxtorch/runtime.h"
#include "sort_key.h"
#include "sort_search.h"

namespace {
using namespace pyx;

#define SORT_CASES(...)                                                             \
    PYX_SWITCH(dtype, PYX_BOOL_CASE(__VA_ARGS__) PYX_INTEGER_CASES(__VA_ARGS__)     \
                          PYX_HALF_CASES(__VA_ARGS__) PYX_FLOAT_CASES(__VA_ARGS__))

/* f(line number, buffer of `need` pairs) over all lines, tasks by size; false: no memory. */
template <class P, class F>
bool lines(int64_t count, int64_t n, int64_t need, F&& f) {
    bool failed = false;
    parallel_for(count, std::max<int64_t>(1, 8192 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
        scratch<P> buffer(std::max<int64_t>(need, 1));
        if (!buffer) {
            failed = true;
            return;
        }
        for (int64_t line = begin; line < end; line++) f(line, buffer.p);
    });
    return !failed;
}

/* The first element of a line of (outer, n, inner). */
inline int64_t start_of(int64_t line, int64_t n, int64_t inner) { return line / inner * n * inner + line % inner; }

template <class T>
inline void load_line(const T* x, int64_t n, int64_t inner, key_t_<T> flip, packed_t<key_t_<T>>* out) {
    typedef key_t_<T> K;
    if (inner == 1)
        for (int64_t i = 0; i < n; i++) out[i] = pack<K>((K)(key_of(x[i]) ^ flip), i);
    else
        for (int64_t i = 0; i < n; i++) out[i] = pack<K>((K)(key_of(x[i * inner]) ^ flip), i);
}

template <class T>
int sort_all(const T* x, T* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int descending) {
    typedef key_t_<T> K;
    typedef packed_t<K> P;
    K flip = descending ? (K)~(K)0 : 0;
    bool done = lines<P>(outer * inner, n, 2 * n, [&](int64_t line, P* a) {
        int64_t start = start_of(line, n, inner);
        load_line(x + start, n, inner, flip, a);
        P* s = sort_packed<K>(a, a + n, n);
        if (indices)
            for (int64_t i = 0; i < n; i++) indices[start + i * inner] = place_in<K>(s[i]);
        if (values)
            for (int64_t i = 0; i < n; i++) values[start + i * inner] = x[start + place_in<K>(s[i]) * inner];
    });
    return done ? 0 : -4;
}

int sort(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner,
         int descending) {
    if (n >= SHORT) return -4;
    SORT_CASES(return sort_all((const T*)x, (T*)values, indices, outer, n, inner, descending))
    return 0;
}

/* The k smallest keys of a line, unordered, into a[0..k). Keys are kept while below the largest of
   the k best so far; a full buffer is cut back to its k smallest. */
template <class T>
void select_smallest(const T* x, int64_t n, int64_t inner, key_t_<T> flip, int64_t k, packed_t<key_t_<T>>* a,
                     int64_t capacity) {
    typedef key_t_<T> K;
    typedef packed_t<K> P;
    int64_t have = 0, i = 0;
    P limit = ~(P)0;
    K bound = (K)~(K)0;
    auto keep = [&](int64_t j) {
        P p = pack<K>((K)(key_of(x[j * inner]) ^ flip), j);
        if (p > limit) return;
        a[have++] = p;
        if (have == capacity) {
            std::nth_element(a, a + k - 1, a + have);
            have = k;
            limit = a[k - 1];
            bound = key_in<K>(limit);
        }
    };
    if (inner == 1) {
        for (; i + 64 <= n; i += 64) {
            int any = 0;
            for (int j = 0; j < 64; j++) any |= (K)(key_of(x[i + j]) ^ flip) <= bound;
            if (any)
                for (int j = 0; j < 64; j++)
                    if ((K)(key_of(x[i + j]) ^ flip) <= bound) keep(i + j);
        }
    }
    for (; i < n; i++) keep(i);
    if (have > k) std::nth_element(a, a + k - 1, a + have);
}

template <class T>
int topk_all(const T* x, T* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int64_t k,
             int largest, int sorted) {
    typedef key_t_<T> K;
    typedef packed_t<K> P;
    K flip = largest ? (K)~(K)0 : 0;
    int64_t capacity = std::min<int64_t>(n + 1, std::max<int64_t>(2 * k, k + 512));
    bool done = lines<P>(outer * inner, n, capacity + k, [&](int64_t line, P* a) {
        int64_t from = start_of(line, n, inner), to = start_of(line, k, inner);
        select_smallest(x + from, n, inner, flip, k, a, capacity);
        P* s = sorted ? sort_packed<K>(a, a + k, k) : a;
        for (int64_t i = 0; i < k; i++) {
            int64_t place = place_in<K>(s[i]);
            values[to + i * inner] = x[from + place * inner];
            indices[to + i * inner] = place;
        }
    });
    return done ? 0 : -4;
}

int topk(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner,
         int64_t k, int largest, int sorted) {
    if (n >= SHORT) return -4;
    if (k == 0) return 0;
    SORT_CASES(return topk_all((const T*)x, (T*)values, indices, outer, n, inner, k, largest, sorted))
    return 0;
}

template <class T>
int kth_all(const T* x, T* value, int64_t* index, int64_t outer, int64_t n, int64_t inner, int64_t k) {
    typedef key_t_<T> K;
    typedef packed_t<K> P;
    bool done = lines<P>(outer * inner, n, n, [&](int64_t line, P* a) {
        int64_t start = start_of(line, n, inner);
        load_line(x + start, n, inner, (K)0, a);
        int64_t at = k - 1, valid = n, first_nan = -1;
        if (k <= 0) {
            valid = 0;
            for (int64_t i = 0; i < n; i++)
                if (!is_nan_key<T>(key_in<K>(a[i]))) valid++;
                else if (first_nan < 0) first_nan = i;
            at = ((valid ? valid : n) - 1) / 2;
        }
        int64_t place;
        if (k == 0 && first_nan >= 0) {
            place = first_nan;
        } else {
            std::nth_element(a, a + at, a + n);
            place = place_in<K>(a[at]);
        }
        if (value) value[line] = x[start + place * inner];
        if (index) index[line] = place;
    });
    return done ? 0 : -4;
}

int kthvalue(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner,
             int64_t k) {
    if (n >= SHORT) return -4;
    SORT_CASES(return kth_all((const T*)x, (T*)value, index, outer, n, inner, k))
    return 0;
}

template <class T>
int mode_all(const T* x, T* value, int64_t* index, int64_t outer, int64_t n, int64_t inner) {
    typedef key_t_<T> K;
    typedef packed_t<K> P;
    bool done = lines<P>(outer * inner, n, 2 * n, [&](int64_t line, P* a) {
        int64_t start = start_of(line, n, inner), best = 0, place = 0;
        load_line(x + start, n, inner, (K)0, a);
        P* s = sort_packed<K>(a, a + n, n);
        for (int64_t i = 0; i < n;) {
            int64_t j = i + 1;
            while (j < n && key_in<K>(s[j]) == key_in<K>(s[i])) j++;
            if (j - i > best) {
                best = j - i;
                place = place_in<K>(s[j - 1]);
            }
            i = j;
        }
        value[line] = x[start + place * inner];
        index[line] = place;
    });
    return done ? 0 : -4;
}

int mode(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner) {
    if (n >= SHORT) return -4;
    SORT_CASES(return mode_all((const T*)x, (T*)value, index, outer, n, inner))
    return 0;
}

const pyx_sort_kernels table = {sort, topk, kthvalue, mode, sort_runs, sort_sort_rows, sort_search, sort_count, sort_histogram};
}  // namespace

PYX_KERNELS(sort, table)
