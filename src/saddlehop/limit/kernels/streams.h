/* NumPy's streams of random bits: PCG64, Philox, and the seeds they start from. */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdint.h>

typedef unsigned __int128 uint128;

typedef struct {
    uint128 state, increment;
    uint32_t kept; /* the upper half of a number of which the lower one has been given away */
    int has_kept;
} Pcg;

void fill_from_entropy(const uint32_t *entropy, int n, uint32_t *words, int n_words);
Pcg pcg_of_seed(uint64_t seed);
void philox(const uint64_t key[2], int64_t n, uint64_t *words);

static inline uint128 joined(uint64_t high, uint64_t low)
{
    return (uint128)high << 64 | low;
}

static inline void step_pcg(Pcg *pcg)
{
    uint128 factor = joined(0x2360ed051fc65da4, 0x4385df649fccf645);
    pcg->state = pcg->state * factor + pcg->increment;
}

static inline uint64_t next_64(Pcg *pcg)
{
    step_pcg(pcg);
    uint64_t high = (uint64_t)(pcg->state >> 64), both = high ^ (uint64_t)pcg->state;
    unsigned turn = (unsigned)(high >> 58);
    return both >> turn | both << (-turn & 63);
}

static inline uint32_t next_32(Pcg *pcg)
{
    if (pcg->has_kept) {
        pcg->has_kept = 0;
        return pcg->kept;
    }
    uint64_t both = next_64(pcg);
    pcg->has_kept = 1;
    pcg->kept = (uint32_t)(both >> 32);
    return (uint32_t)both;
}

/* Uniform on [0, 1). */
static inline double next_double(Pcg *pcg)
{
    return (double)(next_64(pcg) >> 11) * 0x1p-53;
}

#endif
