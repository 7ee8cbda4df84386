/* Samples held in one piece, and which neurons are active on them. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdint.h>

typedef struct {
    const uint64_t *words; /* (n, n_words): bit j & 63 of word j >> 6 tells of neuron j */
    const double *y;       /* (n,): labels */
    const double *norms;   /* (n,): input norms */
    int64_t n, n_words;
} Samples;

/* The numbers of some of them. */
typedef struct {
    const uint32_t *samples; /* (n,) */
    int64_t n;
} List;

#endif
