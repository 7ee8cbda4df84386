/* Samples held in one piece, and which neurons are active on them. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdint.h>

typedef struct {
    const uint64_t *words; /* (n, n_words): bit j & 63 of word j >> 6 tells of neuron j */
    const double *y;       /* (n,): labels */
    const double *norms;   /* (n,): input norms; NULL if all are 1 */
    int64_t n, n_words;
} Samples;

static inline double norm_of(const Samples *all, int64_t k)
{
    return all->norms ? all->norms[k] : 1.0;
}

/* β_k */
static inline double target_of(const Samples *all, int64_t k)
{
    return all->norms ? all->y[k] / all->norms[k] : all->y[k];
}

/* The numbers of some of them. */
typedef struct {
    const uint32_t *samples; /* (n,) */
    int64_t n;
} List;

#endif
