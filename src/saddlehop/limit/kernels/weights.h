#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "api.h"
#include "samples.h"
#include "twofold.h"

/* For each neuron Σ g_k over some samples, in three limbs. */
typedef struct {
    int64_t *limbs;    /* (3, n_neurons) */
    int64_t n_neurons; /* 64 for each word of the active sets */
    int64_t bits;      /* of a limb */
    int64_t scale;     /* E of the weights */
} Sums;

int64_t scale_above(double largest);
API int64_t scale_of(const Samples *, const List *);
void add_weights(const Samples *, const List *, const uint64_t *of_sign, int64_t sign, Sums *);
API void weigh_sides(const Samples *, const List *negative, const List *positive,
                     const uint64_t *of_sign, Sums *);
API int64_t are_small(const Sums *);
void powers(int64_t exponent, double factors[2]);

#endif
