/* For each neuron the sum of the weights of samples on which it is active, exactly.
 *
 * The weights are g_k = (p_k 2^−E)², p_k = |y_k| ‖x_k‖, and 2^E √(Σ g_k) is n times the growth rate.
 * They are cut into three integers ("limbs") of `bits` bits each. Integer sums are exact, so they
 * do not depend on the order of the samples or on how they are cut into blocks, equal sets have
 * equal rates to the last bit, and taking a fitted sample out again leaves no trace. When the
 * largest sums have become small, E is lowered and the sums are made afresh.
 *
 * Active sets come as words of bits. Samples are added up by the value of each group of bits of
 * their word, and what a value stands for is added to the neurons at the end.
 */
#include "weights.h"

#include <string.h>

#define RESCALE_BITS 16    /* of the largest sum, so at least 8 of every open p_k */
#define LEAST_SUM 0x1p-122 /* below it few digits are left, and a neuron does not move */
#define PORTION 2048       /* samples whose limbs stay in the cache */
#define BITS 6             /* of a group: more fill the cache, fewer mean more groups */
#define VALUES (1 << BITS) /* of a group */
#define GROUPS 11          /* of a word */

/* The upper two limbs: the third is zero for nearly all weights, for p² has 53 bits. */
typedef struct {
    int64_t limb[2];
} Pair;

/* The weights of some samples. */
typedef struct {
    Pair upper[PORTION];
    int64_t lowest[PORTION];
} Weights;

/* Exponent E with p_k < 2^E for all the samples; very low for none. */
int64_t scale_of(const Samples *all, const List *list)
{
    double largest = 0.0;
    int exponent;
    for (int64_t i = 0; i < list->n; i++) {
        uint32_t k = list->samples[i];
        double p = fabs(all->y[k] * all->norms[k]);
        largest = p > largest ? p : largest;
    }
    if (!(largest > 0))
        return -10000;
    frexp(largest, &exponent);
    return exponent;
}

/* Two factors with product 2^exponent, each within the range of floats.
 *
 * Exponents beyond ±2000 come with no samples and no use.
 */
static void powers(int64_t exponent, double factors[2])
{
    int bounded = (int)(exponent > 2000 ? 2000 : exponent < -2000 ? -2000 : exponent);
    int half = bounded >> 1;
    factors[0] = ldexp(1.0, half);
    factors[1] = ldexp(1.0, bounded - half);
}

/* Cut the weights into integers, in units 1/up, 1/up² and 1/up³. */
static void cut_weights(const Samples *all, const List *list, const Sums *sums, Weights *weights)
{
    double up = ldexp(1.0, (int)sums->bits), down[2];
    powers(-sums->scale, down);
    for (int64_t i = 0; i < list->n; i++) {
        uint32_t k = list->samples[i];
        double p = all->y[k] * all->norms[k] * down[0] * down[1];
        double rest = p * p * up;
        int64_t first = (int64_t)rest;
        rest = (rest - (double)first) * up;
        int64_t second = (int64_t)rest;
        weights->upper[i] = (Pair){{first, second}};
        weights->lowest[i] = (int64_t)((rest - (double)second) * up);
    }
}

static inline void add_pair(Pair *sum, const Pair *term)
{
    sum->limb[0] += term->limb[0];
    sum->limb[1] += term->limb[1];
}

static inline uint64_t bits_of(const Samples *all, const List *list, int64_t i, int64_t word)
{
    return all->words[list->samples[i] * all->n_words + word];
}

/* How many groups of bits of a word have a neuron that is active on any of the samples. */
static int groups_in_use(const Samples *all, const List *list, int64_t word)
{
    uint64_t any = 0;
    for (int64_t i = 0; i < list->n; i++)
        any |= bits_of(all, list, i, word);
    int n = 0;
    for (; any != 0; any >>= BITS)
        n++;
    return n;
}

/* Add the weights to the rows of the values that the groups of bits of a word have. */
static void tabulate(const Samples *all, const List *list, int64_t word, const Weights *weights,
                     int n_groups, Pair table[GROUPS][VALUES])
{
    for (int64_t i = 0; i < list->n; i++) {
        uint64_t bits = bits_of(all, list, i, word);
        Pair weight = weights->upper[i];
        for (int group = 0; group < n_groups; group++, bits >>= BITS)
            add_pair(&table[group][bits & (VALUES - 1)], &weight);
    }
}

/* Sum the rows of the values with the highest of some bits; fold them onto those without it. */
static Pair fold(Pair *rows, int half)
{
    Pair total = {{0, 0}};
    for (int value = 0; value < half; value++) {
        add_pair(&total, &rows[half + value]);
        add_pair(&rows[value], &rows[half + value]);
    }
    return total;
}

/* Add a table to the sums of the 64 neurons of a word. */
static void add_table(Pair table[GROUPS][VALUES], int n_groups, int64_t word, int64_t sign,
                      Sums *sums)
{
    int64_t *first = sums->limbs + 64 * word, *second = first + sums->n_neurons;
    for (int group = 0; group < n_groups; group++)
        for (int bit = BITS - 1; bit >= 0; bit--) {
            int neuron = BITS * group + bit;
            Pair total = fold(table[group], 1 << bit);
            if (neuron < 64) {
                first[neuron] += sign * total.limb[0];
                second[neuron] += sign * total.limb[1];
            }
        }
}

/* Add the lowest limbs, one by one. */
static void add_lowest(const Samples *all, const List *list, int64_t word, const Weights *weights,
                       int64_t sign, Sums *sums)
{
    int64_t *third = sums->limbs + 2 * sums->n_neurons + 64 * word;
    for (int64_t i = 0; i < list->n; i++) {
        if (weights->lowest[i] == 0)
            continue;
        uint64_t bits = bits_of(all, list, i, word);
        for (int neuron = 0; neuron < 64; neuron++)
            third[neuron] += sign * weights->lowest[i] * (int64_t)(bits >> neuron & 1);
    }
}

/* Add the weights to the sums of the 64 neurons of a word. */
static void add_word(const Samples *all, const List *list, int64_t word, const Weights *weights,
                     int64_t sign, Sums *sums)
{
    int n_groups = groups_in_use(all, list, word);
    Pair table[GROUPS][VALUES];
    memset(table, 0, (size_t)n_groups * sizeof *table);
    tabulate(all, list, word, weights, n_groups, table);
    add_table(table, n_groups, word, sign, sums);
    add_lowest(all, list, word, weights, sign, sums);
}

/* Add `sign` times the weight of each sample to the sums of the neurons active on it. */
void add_weights(const Samples *all, const List *list, int64_t sign, Sums *sums)
{
    Weights weights;
    for (int64_t start = 0; start < list->n; start += PORTION) {
        int64_t left = list->n - start;
        List portion = {list->samples + start, left < PORTION ? left : PORTION};
        cut_weights(all, &portion, sums, &weights);
        for (int64_t word = 0; word < all->n_words; word++)
            add_word(all, &portion, word, &weights, sign, sums);
    }
}

/* Tell whether all sums have shrunk so far that a lower scale is due. */
int64_t are_small(const Sums *sums)
{
    int64_t largest = sums->limbs[0];
    for (int64_t j = 1; j < sums->n_neurons; j++)
        largest = sums->limbs[j] > largest ? sums->limbs[j] : largest;
    return largest < (int64_t)1 << (sums->bits - RESCALE_BITS);
}

/* Return n ρ_j; 0 if it is about 1e-18 of the largest or less. */
Twofold speed_of(const Sums *sums, int64_t neuron)
{
    Twofold sum = {0.0, 0.0};
    double unit = 1.0, down = ldexp(1.0, -(int)sums->bits);
    for (int limb = 0; limb < 3; limb++) {
        int64_t value = sums->limbs[limb * sums->n_neurons + neuron];
        int64_t top = value & -((int64_t)1 << 31); /* floats have no room for 63 bits */
        unit *= down;
        sum = add(sum, (Twofold){(double)top * unit, (double)(value - top) * unit});
    }
    if (!(sum.high > LEAST_SUM))
        return (Twofold){0.0, 0.0};
    Twofold root = square_root(sum);
    return (Twofold){ldexp(root.high, (int)sums->scale), ldexp(root.low, (int)sums->scale)};
}
