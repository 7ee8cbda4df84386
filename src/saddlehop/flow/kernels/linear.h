/* Linear systems M x = r by elimination with row exchanges, M = P L U. */
#ifndef LINEAR_H
#define LINEAR_H

#include <stdint.h>

/* A square matrix, row by row, and the row exchanged with row i in step i of its elimination. */
typedef struct {
    double *entries;
    int64_t *pivots;
    int64_t size;
} Matrix;

void factor(Matrix *matrix);
void solve(const Matrix *matrix, double *right);

#endif
