/* Sums of squares that come out the same in any order: exact, in digits of 32 bits.
 *
 * A number is m 2^e with ½ ≤ m < 1. Its square, rounded to 53 bits, is the integer q = m² 2^54
 * times 2^(2e − 54), and q is added to the digits that it covers. Squares neither over- nor
 * underflow, and digits (int64) hold the carries of up to 2^31 numbers. Of many numbers the q of
 * each e are added up first.
 */
#include "squares.h"

#include <math.h>
#include <string.h>

#define DIGIT 32              /* bits */
#define LOWEST (-69 * DIGIT)  /* weight 2^LOWEST of the first digit: below any square */
#define LOW_DIGIT 0xFFFFFFFF
#define PORTION 1024   /* numbers at a time, few enough for their sums to stay within 64 bits */
#define MANY 32        /* numbers that are worth sums by exponent */
#define EXPONENTS 64   /* that numbers may span */
#define LANES 4        /* sums in turn, for each waits on the one before */

API void squares_by_group(const Samples *, const List *, const int64_t *offsets,
                          int64_t n_groups, int64_t *of_labels, int64_t *of_targets);

/* q of a normal float, and its e. */
static inline uint64_t square_of(double number, int64_t *exponent)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    *exponent = (int64_t)(bits >> 52 & 0x7FF) - 1022;
    bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t)1022 << 52; /* now ½ ≤ number < 1 */
    memcpy(&number, &bits, sizeof bits);
    return (uint64_t)(int64_t)(number * number * 0x1p54);
}

/* Add (low + high 2^32) 2^(2e − 54). */
static void add_at(int64_t exponent, uint64_t low, uint64_t high, int64_t *digits)
{
    int64_t place = 2 * exponent - 54 - LOWEST;
    int64_t *digit = digits + (place >> 5);
    int shift = (int)(place & 31);
    for (; low != 0 || high != 0; digit++) {
        uint64_t part = (low & LOW_DIGIT) << shift;
        digit[0] += (int64_t)(part & LOW_DIGIT);
        digit[1] += (int64_t)(part >> DIGIT);
        low = (low >> DIGIT) + high;
        high = 0;
    }
}

/* Σ q by exponent, in parts of 32 bits. */
typedef struct {
    uint64_t low, high;
} Parts;

/* Sums to which the same numbers are added; the second may be NULL. */
typedef struct {
    int64_t *first, *second;
} Both;

static void add_to_both(int64_t exponent, uint64_t low, uint64_t high, Both digits)
{
    add_at(exponent, low, high, digits.first);
    if (digits.second)
        add_at(exponent, low, high, digits.second);
}

/* Add up to PORTION squares whose exponents are `lowest` or less than `span` above it. */
static void add_by_exponent(const double *numbers, int64_t n, int64_t lowest, int64_t span,
                            Both digits)
{
    Parts sums[EXPONENTS][LANES];
    memset(sums, 0, (size_t)span * sizeof *sums);
    for (int64_t i = 0; i < n; i++) {
        int64_t exponent;
        uint64_t q = square_of(numbers[i], &exponent);
        Parts *sum = &sums[exponent - lowest][i % LANES];
        sum->low += q & LOW_DIGIT;
        sum->high += q >> DIGIT;
    }
    for (int64_t e = 0; e < span; e++)
        for (int lane = 0; lane < LANES; lane++)
            add_to_both(lowest + e, sums[e][lane].low, sums[e][lane].high, digits);
}

/* Add up to PORTION squares. */
static void add_numbers(const double *numbers, int64_t n, Both digits)
{
    int64_t lowest = 2000, highest = -2000, exponent;
    for (int64_t i = 0; i < n; i++) {
        square_of(numbers[i], &exponent);
        lowest = exponent < lowest ? exponent : lowest;
        highest = exponent > highest ? exponent : highest;
    }
    if (n >= MANY && highest - lowest < EXPONENTS) {
        add_by_exponent(numbers, n, lowest, highest - lowest + 1, digits);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        uint64_t q = square_of(numbers[i], &exponent);
        add_to_both(exponent, q & LOW_DIGIT, q >> DIGIT, digits);
    }
}

/* Add y_k² to one sum, unless it is NULL, and (y_k / ‖x_k‖)² to another for each sample of the
 * list. */
void add_squares(const Samples *all, const List *list, int64_t *of_labels, int64_t *of_targets)
{
    double numbers[PORTION];
    int64_t *with_targets = all->norms ? NULL : of_labels; /* which are the targets then */
    for (int64_t start = 0; start < list->n; start += PORTION) {
        int64_t n = list->n - start < PORTION ? list->n - start : PORTION;
        const uint32_t *samples = list->samples + start;
        for (int64_t i = 0; i < n; i++)
            numbers[i] = target_of(all, samples[i]);
        add_numbers(numbers, n, (Both){of_targets, with_targets});
        if (of_labels == with_targets)
            continue;
        for (int64_t i = 0; i < n; i++)
            numbers[i] = all->y[samples[i]];
        add_numbers(numbers, n, (Both){of_labels, NULL});
    }
}

/* Both sums, shapes (n_groups, DIGITS), for each group list[offsets[i]:offsets[i + 1]]. */
void squares_by_group(const Samples *all, const List *list, const int64_t *offsets,
                      int64_t n_groups, int64_t *of_labels, int64_t *of_targets)
{
    for (int64_t i = 0; i < n_groups; i++) {
        List group = {list->samples + offsets[i], offsets[i + 1] - offsets[i]};
        add_squares(all, &group, of_labels + i * DIGITS, of_targets + i * DIGITS);
    }
}

/* The value such that the sum is value · 2^exponent, with an even exponent. */
static double rounded(const int64_t *digits, int *exponent)
{
    int64_t carried[DIGITS] = {0}, carry = 0;
    int first = 0, last = DIGITS - 1, top = 2;
    while (first < last && digits[first] == 0)
        first++;
    while (last > first && digits[last] == 0)
        last--;
    for (int i = first; i <= last || (carry != 0 && i < DIGITS); i++) {
        int64_t total = digits[i] + carry;
        carried[i] = total & LOW_DIGIT;
        carry = total >> DIGIT;
        if (carried[i] != 0 && i > top)
            top = i;
    }
    *exponent = LOWEST + DIGIT * (top - 2);
    double high = (double)carried[top] * 0x1p32 + (double)carried[top - 1];
    return high * 0x1p32 + (double)carried[top - 2];
}

/* Square root of each sum; within an ulp or two, and never out of range. */
void square_roots(const int64_t *digits, int64_t n, double *roots)
{
    for (int64_t i = 0; i < n; i++) {
        int exponent;
        double value = rounded(digits + i * DIGITS, &exponent);
        roots[i] = ldexp(sqrt(value), exponent / 2);
    }
}

/* Value of each sum. */
void values(const int64_t *digits, int64_t n, double *sums)
{
    for (int64_t i = 0; i < n; i++) {
        int exponent;
        double value = rounded(digits + i * DIGITS, &exponent);
        sums[i] = ldexp(value, exponent);
    }
}
