/* Linear systems: see linear.h. */
#include "linear.h"

#include <math.h>

#include "lanes.h"

static double *row_of(const Matrix *matrix, int64_t i)
{
    return matrix->entries + i * matrix->size;
}

static int64_t pivot_of(const Matrix *matrix, int64_t column)
{
    int64_t pivot = column;
    for (int64_t i = column + 1; i < matrix->size; i++)
        if (fabs(row_of(matrix, i)[column]) > fabs(row_of(matrix, pivot)[column]))
            pivot = i;
    return pivot;
}

static void exchange(double *x, double *y, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        double kept = x[k];
        x[k] = y[k];
        y[k] = kept;
    }
}

static void subtract(double *restrict row, const double *restrict other, double share,
                     int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        row[k] -= share * other[k];
}

/* Put L and U in place of the matrix; entries are not finite if it is singular. */
void factor(Matrix *matrix)
{
    int64_t size = matrix->size;
    for (int64_t column = 0; column < size; column++) {
        int64_t pivot = matrix->pivots[column] = pivot_of(matrix, column);
        double *top = row_of(matrix, column);
        if (pivot != column)
            exchange(top, row_of(matrix, pivot), size);
        double scale = 1.0 / top[column];
        for (int64_t i = column + 1; i < size; i++) {
            double *row = row_of(matrix, i);
            if (row[column] == 0.0)
                continue;
            row[column] *= scale;
            subtract(row + column + 1, top + column + 1, row[column], size - column - 1);
        }
    }
}

/* Put x in place of the right side; the matrix is factored. */
void solve(const Matrix *matrix, double *right)
{
    int64_t size = matrix->size;
    for (int64_t i = 0; i < size; i++)
        exchange(right + i, right + matrix->pivots[i], 1);
    for (int64_t i = 0; i < size; i++)
        right[i] -= dot(row_of(matrix, i), right, i);
    for (int64_t i = size - 1; i >= 0; i--) {
        const double *row = row_of(matrix, i);
        right[i] = (right[i] - dot(row + i + 1, right + i + 1, size - i - 1)) / row[i];
    }
}
