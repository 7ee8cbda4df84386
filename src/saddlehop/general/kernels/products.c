/* Products of matrices: see products.h. Two lanes of columns of four rows stay in registers. */
#include "products.h"

#include <string.h>

#ifdef __AVX__
enum { WIDTH = 4 };
#else
enum { WIDTH = 2 };
#endif
typedef double Lane __attribute__((vector_size(WIDTH * sizeof(double)), aligned(sizeof(double))));

enum { ROWS = 4, BLOCK = 2 * WIDTH };

/* ROWS rows of A times the first BLOCK columns of a panel; `columns` of them are wanted */
static void four_rows(int64_t p, const double *restrict a, const double *restrict panel,
                      double *restrict product, int64_t c, int64_t columns)
{
    Lane sums[ROWS][2] = {{{0.0}}};
    for (int64_t i = 0; i < p; i++, panel += PANEL) {
        Lane left = *(const Lane *)panel, right = *(const Lane *)(panel + WIDTH);
        for (int q = 0; q < ROWS; q++) {
            sums[q][0] += a[q * p + i] * left;
            sums[q][1] += a[q * p + i] * right;
        }
    }
    for (int q = 0; q < ROWS; q++)
        memcpy(product + q * c, sums[q], (size_t)columns * sizeof(double));
}

static void one_row(int64_t p, const double *restrict a, const double *restrict panel,
                    double *restrict product, int64_t columns)
{
    Lane sums[2] = {{0.0}};
    for (int64_t i = 0; i < p; i++, panel += PANEL) {
        sums[0] += a[i] * *(const Lane *)panel;
        sums[1] += a[i] * *(const Lane *)(panel + WIDTH);
    }
    memcpy(product, sums, (size_t)columns * sizeof(double));
}

void multiply(int64_t q, const double *a, const Matrix *b, double *product)
{
    int64_t p = b->p, c = b->c;
    for (int64_t column = 0; column < c; column += BLOCK) {
        const double *panel = b->panels + column / PANEL * p * PANEL + column % PANEL;
        int64_t columns = column + BLOCK <= c ? BLOCK : c - column, row = 0;
        for (; row + ROWS <= q; row += ROWS)
            four_rows(p, a + row * p, panel, product + row * c + column, c, columns);
        for (; row < q; row++)
            one_row(p, a + row * p, panel, product + row * c + column, columns);
    }
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
