/* Symmetric linear systems: see linear.h. */
#include "linear.h"

#include "lanes.h"

static double *row_of(const Matrix *matrix, int64_t i)
{
    return matrix->entries + i * matrix->size;
}

/* Put L and D in place of the lower half; tell whether the matrix is positive. */
bool factor(Matrix *matrix)
{
    for (int64_t i = 0; i < matrix->size; i++) {
        double *row = row_of(matrix, i), rest = row[i];
        for (int64_t j = 0; j < i; j++) /* L_ij D_j at first */
            row[j] -= dot(row, row_of(matrix, j), j);
        for (int64_t j = 0; j < i; j++) {
            double scaled = row[j];
            row[j] /= row_of(matrix, j)[j];
            rest -= scaled * row[j];
        }
        row[i] = rest;
        if (!(rest > 0.0))
            return false;
    }
    return true;
}

/* Put x in place of the right side; the matrix is factored. */
void solve(const Matrix *matrix, double *right)
{
    int64_t size = matrix->size;
    for (int64_t i = 0; i < size; i++)
        right[i] -= dot(row_of(matrix, i), right, i);
    for (int64_t i = 0; i < size; i++)
        right[i] /= row_of(matrix, i)[i];
    for (int64_t i = size - 1; i >= 0; i--)
        for (int64_t j = 0; j < i; j++)
            right[j] -= row_of(matrix, i)[j] * right[i];
}
