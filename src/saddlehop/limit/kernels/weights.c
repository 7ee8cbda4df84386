/* For each neuron the sum of the weights of samples on which it is active, exactly.
 *
 * The weights are g_k = (p_k 2^−E)², p_k = |y_k| ‖x_k‖, and 2^E √(Σ g_k) is n times the growth rate.
 * They are cut into three integers ("limbs") of `bits` bits each. Integer sums are exact, so they
 * do not depend on the order of the samples or on how they are cut into blocks, equal sets have
 * equal rates to the last bit, and taking a fitted sample out again leaves no trace. When the
 * largest sums have become small, E is lowered and the sums are made afresh.
 *
 * Active sets come as words of bits. The bits of neurons of the sign of the samples are brought
 * together, samples are added up by the value of each group of these bits, and what a value stands
 * for is added to the neurons at the end.
 */
#include "weights.h"

#include <string.h>

#include "compress.h"

#define RESCALE_BITS 16 /* of the largest sum, so at least 8 of every open p_k */
#define PORTION 4096    /* samples whose limbs stay in the cache */
#define FEW 8           /* samples that are not worth a table */
#define MOST_BITS 8     /* of a group: more would fill the cache */
#define ROWS 2048       /* of a table: values of all groups of a word */

/* The upper two limbs: the third is zero for nearly all weights, for p² has 53 bits. */
typedef struct {
    int64_t limb[2];
} Pair;

/* The weights of some samples. */
typedef struct {
    Pair upper[PORTION];
    double lowest[PORTION]; /* with what is behind the third limb */
    int any_lowest;         /* whether any is not 0 */
} Weights;

/* Exponent E with p < 2^E for all p up to the largest; very low for 0, that of no samples. */
int64_t scale_above(double largest)
{
    int exponent;
    if (!(largest > 0))
        return -10000;
    frexp(largest, &exponent);
    return exponent;
}

/* Exponent E with p_k < 2^E for all the samples. */
int64_t scale_of(const Samples *all, const List *list)
{
    double largest = 0.0;
    for (int64_t i = 0; i < list->n; i++) {
        uint32_t k = list->samples[i];
        double p = fabs(all->y[k] * norm_of(all, k));
        largest = p > largest ? p : largest;
    }
    return scale_above(largest);
}

/* Two factors with product 2^exponent, each within the range of floats.
 *
 * Exponents beyond ±2000 come with no samples and no use.
 */
void powers(int64_t exponent, double factors[2])
{
    int bounded = (int)(exponent > 2000 ? 2000 : exponent < -2000 ? -2000 : exponent);
    int half = bounded >> 1;
    factors[0] = ldexp(1.0, half);
    factors[1] = ldexp(1.0, bounded - half);
}

/* The whole part of number ≥ 0. For numbers below 2^52 without the instruction that makes integers,
 * of which processors have none for several at once. */
static inline double whole_part(double number, int is_small)
{
    if (!is_small)
        return (double)(int64_t)number;
    double nearest = (number + 0x1p52) - 0x1p52;
    return nearest > number ? nearest - 1.0 : nearest;
}

static inline int64_t bits_of(double number)
{
    int64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static inline int64_t integer(double whole, int is_small)
{
    return is_small ? bits_of(whole + 0x1p52) - bits_of(0x1p52) : (int64_t)whole;
}

/* Cut numbers below `up` into their whole part and two limbs behind it; tell whether any of the
 * lowest is not 0. */
static inline int cut(const double *restrict numbers, int64_t n, double up, int is_small,
                      Pair *restrict upper, double *restrict lowest)
{
    int64_t any_lowest = 0;
    for (int64_t i = 0; i < n; i++) {
        double first = whole_part(numbers[i], is_small), rest = (numbers[i] - first) * up;
        double second = whole_part(rest, is_small);
        upper[i].limb[0] = integer(first, is_small);
        upper[i].limb[1] = integer(second, is_small);
        lowest[i] = (rest - second) * up;
        any_lowest |= bits_of(lowest[i]);
    }
    return any_lowest != 0;
}

/* Cut the weights into integers, in units 1/up, 1/up² and 1/up³. */
static void cut_weights(const Samples *all, const List *list, const Sums *sums, Weights *weights)
{
    double up = ldexp(1.0, (int)sums->bits), down[2], numbers[PORTION];
    powers(-sums->scale, down);
    for (int64_t i = 0; i < list->n; i++) {
        uint32_t k = list->samples[i];
        double p = all->y[k] * norm_of(all, k) * down[0] * down[1];
        numbers[i] = p * p * up;
    }
    weights->any_lowest = up <= 0x1p52
                              ? cut(numbers, list->n, up, 1, weights->upper, weights->lowest)
                              : cut(numbers, list->n, up, 0, weights->upper, weights->lowest);
}

static inline void add_pair(Pair *sum, const Pair *term)
{
    sum->limb[0] += term->limb[0];
    sum->limb[1] += term->limb[1];
}

/* Add the weights to the rows of the values that the groups of bits of a word have. */
static inline void tabulate(const uint64_t *bits, const Pair *weights, int64_t n, int size,
                            int n_groups, Pair *table)
{
    uint64_t last = ((uint64_t)1 << size) - 1;
    for (int64_t i = 0; i < n; i++) {
        uint64_t left = bits[i];
        Pair weight = weights[i], *rows = table;
        for (int group = 0; group < n_groups; group++, left >>= size, rows += last + 1)
            add_pair(rows + (left & last), &weight);
    }
}

/* The same with loops over the groups unrolled, for the numbers of groups that are common. */
static void tabulate_groups(const uint64_t *bits, const Pair *weights, int64_t n, int size,
                            int n_groups, Pair *table)
{
    if (n_groups == 3)
        tabulate(bits, weights, n, size, 3, table);
    else if (n_groups == 4)
        tabulate(bits, weights, n, size, 4, table);
    else if (n_groups == 5)
        tabulate(bits, weights, n, size, 5, table);
    else
        tabulate(bits, weights, n, size, n_groups, table);
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

/* Add a table to the sums of the neurons of a word. */
static void add_table(Pair *table, int size, const Chosen *chosen, int64_t word, int64_t sign,
                      Sums *sums)
{
    int64_t *first = sums->limbs + 64 * word, *second = first + sums->n_neurons;
    for (int from = 0; from < chosen->n; from += size, table += (int64_t)1 << size)
        for (int bit = size - 1; bit >= 0; bit--) {
            Pair total = fold(table, 1 << bit);
            if (from + bit < chosen->n) {
                int place = chosen->places[from + bit];
                first[place] += sign * total.limb[0];
                second[place] += sign * total.limb[1];
            }
        }
}

/* Add the lowest limbs, one by one. */
static void add_lowest(const uint64_t *bits, const double *lowest, int64_t n,
                       const Chosen *chosen, int64_t word, int64_t sign, Sums *sums)
{
    int64_t *third = sums->limbs + 2 * sums->n_neurons + 64 * word;
    for (int64_t i = 0; i < n; i++) {
        if (lowest[i] == 0)
            continue;
        for (int bit = 0; bit < chosen->n; bit++)
            third[chosen->places[bit]] += sign * (int64_t)lowest[i] * (int64_t)(bits[i] >> bit & 1);
    }
}

/* Bits of a group for n samples, such that the table takes no longer to read than to fill; groups
 * are about equally large. */
static int group_size(int64_t n, int n_bits)
{
    int size = 2;
    while (size < MOST_BITS && n >> (size + 1) != 0)
        size++;
    int n_groups = (n_bits + size - 1) / size;
    return (n_bits + n_groups - 1) / n_groups;
}

/* Add the weights to the sums of the neurons of a word. */
static void add_word(const Samples *all, const List *list, int64_t word, const Chosen *chosen,
                     const Weights *weights, int64_t sign, Sums *sums)
{
    uint64_t bits[PORTION];
    Pair table[ROWS];
    int size = group_size(list->n, chosen->n), n_groups = (chosen->n + size - 1) / size;
    for (int64_t i = 0; i < list->n; i++)
        bits[i] = compressed(all->words[list->samples[i] * all->n_words + word], chosen);
    memset(table, 0, ((size_t)n_groups << size) * sizeof *table);
    tabulate_groups(bits, weights->upper, list->n, size, n_groups, table);
    add_table(table, size, chosen, word, sign, sums);
    if (weights->any_lowest)
        add_lowest(bits, weights->lowest, list->n, chosen, word, sign, sums);
}

/* Add the weights to the sums of the neurons of a word, neuron by neuron. */
static void add_few(const Samples *all, const List *list, int64_t word, uint64_t of_sign,
                    const Weights *weights, int64_t sign, Sums *sums)
{
    int64_t *first = sums->limbs + 64 * word, *second = first + sums->n_neurons;
    int64_t *third = second + sums->n_neurons;
    for (int64_t i = 0; i < list->n; i++) {
        uint64_t left = all->words[list->samples[i] * all->n_words + word] & of_sign;
        for (; left != 0; left &= left - 1) {
            int place = __builtin_ctzll(left);
            first[place] += sign * weights->upper[i].limb[0];
            second[place] += sign * weights->upper[i].limb[1];
            third[place] += sign * (int64_t)weights->lowest[i];
        }
    }
}

/* Add `sign` times the weight of each sample to the sums of the neurons active on it, of those
 * whose bits `of_sign` has. */
void add_weights(const Samples *all, const List *list, const uint64_t *of_sign, int64_t sign,
                 Sums *sums)
{
    Weights weights;
    Chosen chosen;
    for (int64_t start = 0; start < list->n; start += PORTION) {
        int64_t left = list->n - start;
        List portion = {list->samples + start, left < PORTION ? left : PORTION};
        cut_weights(all, &portion, sums, &weights);
        for (int64_t word = 0; word < all->n_words; word++) {
            if (of_sign[word] == 0)
                continue;
            if (portion.n < FEW) {
                add_few(all, &portion, word, of_sign[word], &weights, sign, sums);
                continue;
            }
            choose_bits(of_sign[word], &chosen);
            add_word(all, &portion, word, &chosen, &weights, sign, sums);
        }
    }
}

/* Add the weights of samples of both signs, listed apart, in turn: what is near in memory is read
 * once. */
void weigh_sides(const Samples *all, const List *negative, const List *positive,
                 const uint64_t *of_sign, Sums *sums)
{
    List left[2] = {*negative, *positive};
    while (left[0].n > 0 || left[1].n > 0) {
        int side = left[0].n == 0 || (left[1].n > 0 && left[1].samples[0] < left[0].samples[0]);
        List *rest = &left[side];
        List portion = {rest->samples, rest->n < PORTION ? rest->n : PORTION};
        add_weights(all, &portion, of_sign + side * all->n_words, 1, sums);
        rest->samples += portion.n;
        rest->n -= portion.n;
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
