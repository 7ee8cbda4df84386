/* Rows of X Xᵀ, made when first asked for; where memory is short the oldest makes room. */
#ifndef GRAM_H
#define GRAM_H

#include <stdint.h>

typedef struct {
    const double *x;      /* (n, rank) */
    int64_t n, rank;
    double *rows;         /* (capacity, n) */
    int64_t *place;       /* (n,) where the row of each sample is; −1: nowhere */
    int64_t *owner;       /* (capacity,) whose row it is */
    int64_t capacity, made;
} Gram;

const double *gram_row(Gram *gram, int64_t k);

#endif
