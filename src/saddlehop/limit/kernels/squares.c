/* Sums of squares that come out the same in any order: exact, in digits of 32 bits.
 *
 * A number is m 2^e with ½ ≤ m < 1. Its square, rounded to 53 bits, is the integer q = m² 2^54
 * times 2^(2e − 54), and q is added to the three digits that it covers. Squares neither over- nor
 * underflow, and digits (int64) hold the carries of up to 2^31 numbers.
 */
#include "squares.h"

#include <math.h>
#include <string.h>

#define DIGIT 32              /* bits */
#define LOWEST (-69 * DIGIT)  /* weight 2^LOWEST of the first digit: below any square */
#define LOW_DIGIT 0xFFFFFFFF

API void squares_by_group(const Samples *, const List *, const int64_t *offsets,
                          int64_t n_groups, int64_t *of_labels, int64_t *of_targets);
API void square_roots(const int64_t *digits, int64_t n, double *roots);
API void values(const int64_t *digits, int64_t n, double *sums);

/* Add the square of a normal float. */
static void add_square(double number, int64_t *digits)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52 & 0x7FF) - 1022;
    bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t)1022 << 52; /* now ½ ≤ number < 1 */
    memcpy(&number, &bits, sizeof bits);
    uint64_t q = (uint64_t)(number * number * 0x1p54);

    int64_t place = 2 * exponent - 54 - LOWEST;
    int64_t *digit = digits + (place >> 5);
    int shift = (int)(place & 31);
    uint64_t low = (q & LOW_DIGIT) << shift;
    uint64_t high = (low >> DIGIT) + ((q >> DIGIT) << shift);
    digit[0] += (int64_t)(low & LOW_DIGIT);
    digit[1] += (int64_t)(high & LOW_DIGIT);
    digit[2] += (int64_t)(high >> DIGIT);
}

/* Add y_k² to one sum and (y_k / ‖x_k‖)² to another for each sample of the list. */
void add_squares(const Samples *all, const List *list, int64_t *of_labels, int64_t *of_targets)
{
    for (int64_t i = 0; i < list->n; i++) {
        uint32_t k = list->samples[i];
        add_square(all->y[k], of_labels);
        add_square(all->y[k] / all->norms[k], of_targets);
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
    int64_t carried[DIGITS], carry = 0;
    int top = 2;
    for (int i = 0; i < DIGITS; i++) {
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
