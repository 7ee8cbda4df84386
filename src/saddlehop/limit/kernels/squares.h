#ifndef SQUARES_H
#define SQUARES_H

#include "api.h"
#include "samples.h"

#define DIGITS 136

API void add_squares(const Samples *, const List *, int64_t *of_labels, int64_t *of_targets);
API void square_roots(const int64_t *digits, int64_t n, double *roots);
API void values(const int64_t *digits, int64_t n, double *sums);

#endif
