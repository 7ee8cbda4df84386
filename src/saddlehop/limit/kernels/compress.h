/* Some bits of words brought together, in their order: what the instruction PEXT does. */
#ifndef COMPRESS_H
#define COMPRESS_H

#include <stdint.h>

#ifdef __BMI2__
#include <immintrin.h>
#endif

/* The bits to bring together. */
typedef struct {
    uint64_t mask;
    uint64_t moves[6]; /* those that move by 1, 2, 4, … 32 places; for processors without PEXT */
    int n;
    int places[64]; /* (n,): of the bits in the word */
} Chosen;

static inline void choose_bits(uint64_t mask, Chosen *chosen)
{
    chosen->mask = mask;
    chosen->n = 0;
    for (uint64_t left = mask; left != 0; left &= left - 1)
        chosen->places[chosen->n++] = __builtin_ctzll(left);
#ifndef __BMI2__
    uint64_t gaps = ~mask << 1; /* to be counted below each bit, a binary digit at a time */
    for (int digit = 0; digit < 6; digit++) {
        uint64_t odd = gaps;
        for (int shift = 1; shift < 64; shift *= 2)
            odd ^= odd << shift;
        uint64_t moved = odd & mask;
        chosen->moves[digit] = moved;
        mask = (mask ^ moved) | (moved >> (1 << digit));
        gaps &= ~odd;
    }
#endif
}

static inline uint64_t compressed(uint64_t word, const Chosen *chosen)
{
#ifdef __BMI2__
    return _pext_u64(word, chosen->mask);
#else
    word &= chosen->mask;
    for (int digit = 0; digit < 6; digit++) {
        uint64_t moved = word & chosen->moves[digit];
        word = (word ^ moved) | (moved >> (1 << digit));
    }
    return word;
#endif
}

#endif
