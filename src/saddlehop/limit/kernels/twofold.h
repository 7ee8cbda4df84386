/* Numbers as unevaluated sums of two floats, about 32 digits (Dekker 1971, Knuth).
 *
 * For differences of numbers that are nearly equal. Magnitudes must stay within about 1e±290.
 */
#ifndef TWOFOLD_H
#define TWOFOLD_H

#include <math.h>

typedef struct {
    double high, low;
} Twofold;

/* The sum of two floats, |low| ≤ |high|. */
static inline Twofold whole(double high, double low)
{
    double total = high + low;
    return (Twofold){total, low - (total - high)};
}

static inline Twofold add(Twofold a, Twofold b)
{
    double total = a.high + b.high;
    double part = total - a.high;
    double error = (a.high - (total - part)) + (b.high - part);
    return whole(total, error + a.low + b.low);
}

static inline Twofold negative(Twofold a)
{
    return (Twofold){-a.high, -a.low};
}

/* The upper half of the digits of a float. */
static inline double upper_half(double a)
{
    double split = 134217729.0 * a; /* 2^27 + 1 */
    return split - (split - a);
}

/* a b of two floats, exactly. */
static inline Twofold product(double a, double b)
{
    double a_high = upper_half(a), b_high = upper_half(b);
    double a_low = a - a_high, b_low = b - b_high;
    double high = a * b;
    double low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low;
    return (Twofold){high, low};
}

static inline Twofold multiply(Twofold a, Twofold b)
{
    Twofold high = product(a.high, b.high);
    return whole(high.high, high.low + (a.high * b.low + a.low * b.high));
}

static inline Twofold divide(Twofold a, Twofold b)
{
    double quotient = a.high / b.high;
    Twofold rest = add(a, negative(multiply((Twofold){quotient, 0.0}, b)));
    return whole(quotient, rest.high / b.high);
}

/* √a for a > 0. */
static inline Twofold square_root(Twofold a)
{
    double root = sqrt(a.high);
    Twofold rest = add(a, negative(product(root, root)));
    return whole(root, rest.high / (2.0 * root));
}

#endif
