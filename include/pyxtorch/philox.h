/* Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
   as easy as 1, 2, 3", SC 2011): 128 random bits are a function of a key and a counter, so any
   thread can start anywhere in the stream.

   The stream of pyxtorch: the key is the seed, the low half of the counter is `offset`, the place in
   the stream; its high half is 0, or i + 1 for the private stream of element i that samplers by
   rejection use. Elements that need one word: element i of a draw is word (i % 64) / 16 of block
   offset + 16 * (i / 64) + i % 16. Elements that need two: words 2w and 2w + 1 with w = (i % 32) / 16
   of block offset + 16 * (i / 32) + i % 16. This is the order in which 16 lanes produce them, and it
   is the same on every device and at every instruction level.

   Read by g++ and by NVRTC. */
#pragma once
#include "dtype.h"

#define PYX_PHILOX_M0 0xD2511F53u
#define PYX_PHILOX_M1 0xCD9E8D57u
#define PYX_PHILOX_W0 0x9E3779B9u
#define PYX_PHILOX_W1 0xBB67AE85u

typedef struct pyx_philox_block {
    pyx_u32 word[4];
} pyx_philox_block;

#ifdef __cplusplus
namespace pyx {
inline namespace PYX_LEVEL_NS {

/* One block of the stream. */
PYX_HD pyx_philox_block philox(pyx_u64 seed, pyx_u64 offset, pyx_u64 stream) {
    pyx_u32 c0 = (pyx_u32)offset, c1 = (pyx_u32)(offset >> 32), c2 = (pyx_u32)stream, c3 = (pyx_u32)(stream >> 32);
    pyx_u32 k0 = (pyx_u32)seed, k1 = (pyx_u32)(seed >> 32);
    for (int i = 0; i < 10; i++) {
        pyx_u64 p0 = (pyx_u64)PYX_PHILOX_M0 * c0, p1 = (pyx_u64)PYX_PHILOX_M1 * c2;
        c0 = (pyx_u32)(p1 >> 32) ^ c1 ^ k0;
        c1 = (pyx_u32)p1;
        c2 = (pyx_u32)(p0 >> 32) ^ c3 ^ k1;
        c3 = (pyx_u32)p0;
        k0 += PYX_PHILOX_W0;
        k1 += PYX_PHILOX_W1;
    }
    pyx_philox_block b = {{c0, c1, c2, c3}};
    return b;
}

/* Words as numbers: [0, 1) with 24 or 53 bits, and (0, 1] for logarithms. */
PYX_HD float uniform_float(pyx_u32 x) { return (float)(int)(x >> 8) * 5.9604644775390625e-8f; }
PYX_HD float uniform_float_above(pyx_u32 x) { return ((float)(int)(x >> 8) + 1.0f) * 5.9604644775390625e-8f; }
PYX_HD double uniform_double(pyx_u32 low, pyx_u32 high) {
    return (double)(pyx_i64)((((pyx_u64)high << 32) | low) >> 11) * 1.1102230246251565e-16;
}
PYX_HD double uniform_double_above(pyx_u32 low, pyx_u32 high) {
    return ((double)(pyx_i64)((((pyx_u64)high << 32) | low) >> 11) + 1.0) * 1.1102230246251565e-16;
}

/* The private stream of one element, word by word. */
struct PrivateStream {
    pyx_u64 seed, offset, stream;
    pyx_philox_block block;
    int used;
    PYX_HD PrivateStream(pyx_u64 seed_, pyx_u64 offset_, pyx_u64 element)
        : seed(seed_), offset(offset_), stream(element + 1), used(4) {}
    PYX_HD pyx_u32 next() {
        if (used == 4) {
            block = philox(seed, offset++, stream);
            used = 0;
        }
        return block.word[used++];
    }
    PYX_HD double uniform() {  /* (0, 1] */
        pyx_u32 low = next(), high = next();
        return uniform_double_above(low, high);
    }
};

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
#endif
