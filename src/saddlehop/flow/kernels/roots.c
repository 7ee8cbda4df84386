/* The first root of a polynomial: see roots.h. */
#include "roots.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "state.h"

/* Write the coefficients of s ↦ polynomial(left + length s). */
static void taylor_shift(const double *coefficients, int64_t order, double left, double length,
                         double *shifted)
{
    memcpy(shifted, coefficients, (size_t)(order + 1) * sizeof(double));
    if (left > 0.0)
        for (int64_t i = 0; i < order; i++)
            for (int64_t low = order - 1; low >= i; low--)
                shifted[low] += left * shifted[low + 1];
    double power = 1.0;
    for (int64_t i = 0; i <= order; i++, power *= length)
        shifted[i] *= power;
}

/* The Bernstein coefficient b on [0, 1] is Σ_i C(b, i) / C(order, i) c_i. */
static double bernstein(const double *c, int64_t order, int64_t b)
{
    double total = 0.0, ratio = 1.0;
    for (int64_t i = 0; i <= b; i++) {
        total += ratio * c[i];
        if (i < b)
            ratio *= (double)(b - i) / (double)(order - i);
    }
    return total;
}

static int64_t sign_changes(const double *c, int64_t order)
{
    int64_t changes = 0;
    bool positive = true;
    for (int64_t b = 0; b <= order; b++) {
        double total = bernstein(c, order, b);
        if (total != 0.0 && (total > 0.0) != positive) {
            changes++;
            positive = !positive;
        }
    }
    return changes;
}

static double value_at(const double *c, int64_t order, double t, double *slope)
{
    double value = 0.0;
    *slope = 0.0;
    for (int64_t i = order; i >= 0; i--) {
        *slope = *slope * t + value;
        value = value * t + c[i];
    }
    return value;
}

/* The root between `left`, where the value is positive, and `right`. */
static double bisect_newton(const double *c, int64_t order, double left, double right)
{
    double t = 0.5 * (left + right);
    for (int i = 0; i < 200; i++) {
        double slope, value = value_at(c, order, t, &slope);
        if (value > 0.0)
            left = t;
        else
            right = t;
        double t_new = slope != 0.0 ? t - value / slope : left;
        if (!(left < t_new && t_new < right))
            t_new = 0.5 * (left + right);
        if (fabs(t_new - t) <= EPS * right)
            return t_new;
        t = t_new;
    }
    return t;
}

double first_root(const double *coefficients, int64_t order, double step)
{
    double shifted[MOST_TERMS], left = 0.0, length = step;
    for (int i = 0; i < 200; i++) {
        taylor_shift(coefficients, order, left, length, shifted);
        int64_t changes = sign_changes(shifted, order);
        bool is_point = length <= 4.0 * EPS * step;
        if (changes == 1 || (is_point && changes > 0))
            return bisect_newton(coefficients, order, left, left + length);
        if (changes > 0) {
            length *= 0.5;
            continue;
        }
        left += length;
        if (left >= step)
            return INFINITY;
        length = step - left;
    }
    return INFINITY;
}
