// A stand-in for libcublas.so.13: cublasGemmStridedBatchedEx by three loops, on the stream's queue.
#include <stdint.h>
#include <string.h>

#include <complex>

extern "C" void pyxemu_enqueue(void* stream, void (*job)(void*), void* argument);
#define API extern "C" __attribute__((visibility("default"))) int
enum { F32 = 0, F64 = 1, F16 = 2, C64 = 4, C128 = 5, BF16 = 14 };

struct Handle { void* stream; };
API cublasCreate_v2(void** h) { *h = new Handle{nullptr}; return 0; }
API cublasSetStream_v2(void* h, void* s) { ((Handle*)h)->stream = s; return 0; }
API cublasSetWorkspace_v2(void*, void* p, size_t) { return (uintptr_t)p % 256 ? 7 : 0; }

struct Job {
    int ta, tb, m, n, k, lda, ldb, ldc, batch, type;
    const char *a, *b;
    char* c;
    long long sa, sb, sc;
    std::complex<double> alpha, beta;
};
static int width(int type) { return type == F32 ? 4 : type == F64 || type == C64 ? 8 : type == C128 ? 16 : 2; }
static std::complex<double> get(const char* p, int type) {
    if (type == F32) return *(const float*)p;
    if (type == F64) return *(const double*)p;
    if (type == C64) return *(const std::complex<float>*)p;
    if (type == C128) return *(const std::complex<double>*)p;
    uint16_t h;
    memcpy(&h, p, 2);
    if (type == F16) return (double)(float)*(const _Float16*)p;
    uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static void put(char* p, int type, std::complex<double> v) {
    if (type == F32) *(float*)p = (float)v.real();
    else if (type == F64) *(double*)p = v.real();
    else if (type == C64) *(std::complex<float>*)p = std::complex<float>(v);
    else if (type == C128) *(std::complex<double>*)p = v;
    else if (type == F16) *(_Float16*)p = (_Float16)(float)v.real();
    else {
        float f = (float)v.real();
        uint32_t u;
        memcpy(&u, &f, 4);
        u = (u + 0x7fff + (u >> 16 & 1)) >> 16;
        memcpy(p, &u, 2);
    }
}
static void run(void* argument) {
    Job& j = *(Job*)argument;
    int w = width(j.type);
    for (long long t = 0; t < j.batch; t++)
        for (int col = 0; col < j.n; col++)
            for (int row = 0; row < j.m; row++) {
                std::complex<double> sum = 0;
                for (int i = 0; i < j.k; i++) {
                    auto a = get(j.a + w * (t * j.sa + (j.ta ? i + (long long)row * j.lda : row + (long long)i * j.lda)), j.type);
                    auto b = get(j.b + w * (t * j.sb + (j.tb ? col + (long long)i * j.ldb : i + (long long)col * j.ldb)), j.type);
                    sum += (j.ta == 2 ? std::conj(a) : a) * (j.tb == 2 ? std::conj(b) : b);
                }
                char* c = j.c + w * (t * j.sc + row + (long long)col * j.ldc);
                put(c, j.type, j.alpha * sum + (j.beta == 0.0 ? 0.0 : j.beta * get(c, j.type)));
            }
    delete &j;
}
API cublasGemmStridedBatchedEx(void* h, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int at, int lda, long long sa,
                               const void* b, int bt, int ldb, long long sb, const void* beta, void* c, int ct, int ldc, long long sc,
                               int batch, int compute, int) {
    if (m < 0 || n < 0 || k < 0 || batch < 0 || at != bt || at != ct || lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m || lda < 1 || ldb < 1)
        return 7;
    int scale = at == F16 || at == BF16 ? F32 : at;
    if (compute != (at == F64 || at == C128 ? 70 : 68) && compute != 77) return 15;
    Job* j = new Job{ta, tb, m, n, k, lda, ldb, ldc, batch, at, (const char*)a, (const char*)b, (char*)c, sa, sb, sc,
                     get((const char*)alpha, scale), get((const char*)beta, scale)};
    pyxemu_enqueue(((Handle*)h)->stream, run, j);
    return 0;
}
