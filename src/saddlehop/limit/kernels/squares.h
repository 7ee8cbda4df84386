#ifndef SQUARES_H
#define SQUARES_H

#include "api.h"
#include "samples.h"

#define DIGITS 136

API void add_squares(const Samples *, const List *, int64_t *of_labels, int64_t *of_targets);

#endif
