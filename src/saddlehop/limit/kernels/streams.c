/* NumPy's streams of random bits: PCG64, Philox, and the seeds they start from.
 *
 * What `SeedSequence`, `PCG64` and `Philox` do, whose bits NumPy promises never to change.
 *
 * PCG64 (O'Neill 2014) steps s ← a s + c modulo 2^128 and gives both halves of s, xored and rotated
 * by its highest 6 bits. Philox (Salmon et al. 2011) enciphers a counter in 10 rounds of products
 * of 64 bits. A seed is hashed into a pool of four words, each mixed with all others.
 */
#include "streams.h"

#define POOL 4 /* words */
#define ROUNDS 10

/* A hash whose factor changes from word to word. */
typedef struct {
    uint32_t factor, step;
} Hash;

static uint32_t hashed(uint32_t word, Hash *hash)
{
    word ^= hash->factor;
    hash->factor *= hash->step;
    word *= hash->factor;
    return word ^ word >> 16;
}

static uint32_t mixed(uint32_t a, uint32_t b)
{
    uint32_t word = 0xca01f9dd * a - 0x4973f715 * b;
    return word ^ word >> 16;
}

/* Fill words from a seed of n ≥ 0 words. */
void fill_from_entropy(const uint32_t *entropy, int n, uint32_t *words, int n_words)
{
    uint32_t pool[POOL];
    Hash in = {0x43b0d7e5, 0x931e8875}, out = {0x8b51f9dd, 0x58f38ded};
    for (int i = 0; i < POOL; i++)
        pool[i] = hashed(i < n ? entropy[i] : 0, &in);
    for (int from = 0; from < POOL; from++)
        for (int to = 0; to < POOL; to++)
            if (from != to)
                pool[to] = mixed(pool[to], hashed(pool[from], &in));
    for (int from = POOL; from < n; from++)
        for (int to = 0; to < POOL; to++)
            pool[to] = mixed(pool[to], hashed(entropy[from], &in));
    for (int i = 0; i < n_words; i++)
        words[i] = hashed(pool[i % POOL], &out);
}

/* The generator of `numpy.random.default_rng(seed)`. */
Pcg pcg_of_seed(uint64_t seed)
{
    uint32_t entropy[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, words[8];
    uint64_t numbers[4];
    fill_from_entropy(entropy, 2, words, 8);
    for (int i = 0; i < 4; i++)
        numbers[i] = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
    Pcg pcg = {.increment = joined(numbers[2], numbers[3]) << 1 | 1};
    step_pcg(&pcg);
    pcg.state += joined(numbers[0], numbers[1]);
    step_pcg(&pcg);
    return pcg;
}

/* The four words of the stream of a key at a count. */
static inline void encipher(const uint64_t key[2], uint64_t count, uint64_t words[4])
{
    uint64_t a = count, b = 0, c = 0, d = 0, first = key[0], second = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint128 of_a = (uint128)a * 0xd2e7470ee14c6c93, of_c = (uint128)c * 0xca5a826395121157;
        a = (uint64_t)(of_c >> 64) ^ b ^ first;
        b = (uint64_t)of_c;
        c = (uint64_t)(of_a >> 64) ^ d ^ second;
        d = (uint64_t)of_a;
        first += 0x9e3779b97f4a7c15;
        second += 0xbb67ae8584caa73b;
    }
    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = d;
}

/* The first n words of the stream of a key. */
void philox(const uint64_t key[2], int64_t n, uint64_t *words)
{
    uint64_t last[4], count = 0;
    for (; n >= 4; n -= 4, words += 4)
        encipher(key, ++count, words);
    encipher(key, ++count, last);
    for (int64_t i = 0; i < n; i++)
        words[i] = last[i];
}
