/* Symmetric linear systems M x = r with M = L D Lᵀ, without exchanges: M must be positive. */
#ifndef LINEAR_H
#define LINEAR_H

#include <stdbool.h>
#include <stdint.h>

/* A square matrix, row by row, of which the lower half is used; factored it holds D, below it L. */
typedef struct {
    double *entries;
    int64_t size;
} Matrix;

bool factor(Matrix *matrix);
void solve(const Matrix *matrix, double *right);

#endif
