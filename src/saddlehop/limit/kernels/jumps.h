#ifndef JUMPS_H
#define JUMPS_H

#include "api.h"
#include "samples.h"
#include "weights.h"

/* What the loop knows of the neurons. Numbers are twofold: a float would lose, at each jump, the
 * digits in which the arrivals of neurons agree. */
typedef struct {
    double *exponents;       /* (2, width) */
    double *speeds;          /* (2, width): n ρ_j; n stays apart so that rationals come out exact */
    double *arrivals;        /* (2, width): waits −e_j / ρ_j; inf if never */
    int64_t *jump_of_neuron; /* (width,): −1 while dormant */
    int64_t width;
} Neurons;

/* One jump. */
typedef struct {
    double wait;
    double margin;      /* the wait of the runner-up after it */
    double escape_rate; /* the fastest growth rate before */
} Jump;

/* What a first look at samples tells. Sides are those of negative and of positive labels. */
typedef struct {
    int64_t n_open[2], n_unfit, n_of_sign[2];
    int64_t scale;       /* of the open samples */
    int64_t is_matching; /* whether neurons are active on labels of their sign only */
    int64_t has_unit_norms;
} Opened;

/* A process held by the caller, and room for what it does. */
typedef struct {
    Neurons neurons;
    Sums sums;
    const uint64_t *of_sign; /* (2, n_words): bits of the neurons of each side */
    uint64_t *group; /* (2, n_words): bits of the neurons that activate; of those of a side */
    uint32_t *still_open;    /* (2, n): of each side the first n_open count */
    uint32_t *fitted;        /* (n,): jump by jump, in a jump side by side */
    int64_t n_open[2];
    int64_t n_samples; /* of the problem: more than there are here if some are fitted already */
    int64_t n_fitted, n_jumps;
    int64_t n_before; /* jumps that are not in the arrays below */
    double clock, tie_tol;
    double *times, *margins; /* (room,) */
    double *escape_rates;    /* (room + 1,) */
    double *exponents;       /* (room + 1, width); NULL if they are not wanted */
    int64_t *offsets;        /* (room + 1,): of the jumps into `fitted` */
    int64_t room;
} Process;

/* Whether a word and that of the same place in the other have a bit in common. */
static inline int is_hit(const uint64_t *words, const uint64_t *others, int64_t n_words)
{
    uint64_t hit = words[0] & others[0]; /* outside the loop: most have one word */
    for (int64_t w = 1; w < n_words; w++)
        hit |= words[w] & others[w];
    return hit != 0;
}

API void open_samples(const Samples *, const uint64_t *of_sign, uint32_t *listed, Opened *);
API void set_speeds(const Sums *, const Neurons *);
API void next_jump(int64_t number, double clock, int64_t n_samples, double tie_tol,
                   const Neurons *, uint64_t *group, int64_t n_words, Jump *);
API int64_t fit_and_weigh(const Samples *, const uint64_t *of_sign, const uint64_t *group,
                          const List *still_open, uint32_t *left_open, uint32_t *fitted, Sums *,
                          int64_t *of_labels, int64_t *of_targets);
API void start_process(const Samples *, Process *);
API int64_t go_on(const Samples *, Process *);

#endif
