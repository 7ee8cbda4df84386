/* Products of matrices: see products.h. Four rows and eight columns at a time stay in registers. */
#include "products.h"

#include <string.h>

enum { ROWS = 4, COLUMNS = 8 };

static void block(int64_t p, int64_t c, const double *restrict a, const double *restrict b,
                  double *restrict product)
{
    double sums[ROWS][COLUMNS] = {{0.0}};
    for (int64_t i = 0; i < p; i++)
        for (int q = 0; q < ROWS; q++)
            for (int l = 0; l < COLUMNS; l++)
                sums[q][l] += a[q * p + i] * b[i * c + l];
    for (int q = 0; q < ROWS; q++)
        memcpy(product + q * c, sums[q], sizeof sums[q]);
}

static void edge(int64_t q, int64_t p, int64_t c, int64_t columns, const double *restrict a,
                 const double *restrict b, double *restrict product)
{
    for (int64_t row = 0; row < q; row++) {
        double *out = product + row * c;
        memset(out, 0, (size_t)columns * sizeof *out);
        for (int64_t i = 0; i < p; i++)
            if (a[row * p + i] != 0.0)
                add(out, b + i * c, a[row * p + i], columns);
    }
}

void multiply(int64_t q, int64_t p, int64_t c, const double *a, const double *b, double *product)
{
    int64_t rows = q - q % ROWS, columns = c - c % COLUMNS;
    for (int64_t row = 0; row < rows; row += ROWS)
        for (int64_t column = 0; column < columns; column += COLUMNS)
            block(p, c, a + row * p, b + column, product + row * c + column);
    if (columns < c)
        edge(rows, p, c, c - columns, a, b + columns, product + columns);
    edge(q - rows, p, c, c, a + rows * p, b, product + rows * c);
}

void values_of(const double *c, int64_t terms, int64_t stride, int64_t count, double t, double *out)
{
    memcpy(out, c + (terms - 1) * stride, (size_t)count * sizeof *out);
    for (int64_t p = terms - 2; p >= 0; p--)
        for (int64_t i = 0; i < count; i++)
            out[i] = out[i] * t + c[p * stride + i];
}

void shift(double *c, int64_t terms, int64_t stride, int64_t count, double t)
{
    for (int64_t low = 0; low < terms - 1; low++)
        for (int64_t p = terms - 2; p >= low; p--)
            add(c + p * stride, c + (p + 1) * stride, t, count);
}
