/* The flow's state, in units in which max |β_k| = 1 and the fastest pull is 1:

       u̇_jk = a_j d_k,   ȧ_j = Σ_k d_k u_jk,   d_k = κ_k r_k,   r_k = β_k − Σ_j a_j u_jk

   over alive u_jk.

   Neuron j is held as (a_j, u_j) = e^{σ_j} (ã_j, ũ_j), so nothing under- or overflows at any λ.
   Only alive pairs are held: those of neuron j fill first[j] … first[j] + alive[j], the moving
   ones in front. A pair is alive because it is listed, not because its value is positive: e^{σ_j}
   may have left a true tiny value at 0.

   A sample is settled when it is fitted to tolerance and no moving neuron adds to it: its pull
   counts as 0 until that changes.

   The structures are those of `kernels/__init__.py`, field by field. */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include <stdint.h>

#define EPS 0x1p-52

enum { MOST_TERMS = 25, MOST_GRAM = 192 }; /* of a series; of products of two terms in one */

/* What does not change along a flow. */
typedef struct {
    const double *target;      /* (n,) β_k */
    const double *stiffness;   /* (n,) κ_k */
    const double *loss_weight; /* (n,) the loss is Σ_k loss_weight_k r_k² */
    int64_t n_samples;         /* n */
    double step_tol;           /* error of one step, relative to each neuron's largest weight */
    double settled_tol; /* relative shift of a weight that a settled sample may still cause */
    double plateau_tol; /* the same for the pulls taken constant */
    double t_end;       /* inf: until nothing is left to learn */
} Constants;

/* A point of the flow. */
typedef struct {
    double *time;    /* (2,) the time and its rounding error */
    double *output;  /* (m,) ã_j */
    double *scale;   /* (m,) σ_j */
    double *hidden;  /* (N,) ũ_jk */
    int32_t *sample; /* (N,) k */
    int64_t *first;  /* (m,) */
    int64_t *alive;  /* (m,) */
    int64_t *moving; /* (m,) */
    double *control; /* (8,) see enum control */
    double *sign;    /* (m,) that a_j keeps for ever; 0 where it may change */
    double *surplus; /* (m,) log of a_j² − Σ_k u_jk² over alive pairs, conserved, where sign ≠ 0 */
    int64_t width;   /* m */
    int64_t n_pairs; /* N */
} State;

/* Stiff steps: length to try, steps to wait, steps to wait next time; Magnus steps: length to try;
   steps since a stiff step was tried, and the least length that was worth one then; Magnus steps:
   steps to wait, steps to wait next time. */
enum control {
    STIFF_LENGTH, STIFF_WAIT, STIFF_NEXT_WAIT, MAGNUS_LENGTH, SINCE_TRY, STIFF_LEAST, MAGNUS_WAIT,
    MAGNUS_NEXT_WAIT
};

/* A pair that dies once A = ∫ a dt has come to its threshold. */
typedef struct {
    double threshold;
    int64_t pair;
} Death;

/* Where the last piece of a neuron's way under a constant pull begins. */
typedef struct {
    double start, a, b, rho;
} Piece;

/* Buffers of a step; nothing in them outlives it but the counts. */
typedef struct {
    double *weight;         /* (m,) e^{2σ_j} */
    double *residual;       /* (n,) r_k */
    double *sensitivity;    /* (n,) Σ_j a_j² over the neurons alive at k */
    double *pull;           /* (n,) d_k, 0 once settled */
    bool *settled;          /* (n,) */
    double *load;           /* (n,) */
    bool *is_moving;        /* (m,) */
    int64_t *bounds;        /* (m + 1,) where the packed moving pairs of each neuron begin */
    int32_t *packed_sample; /* (N,) k */
    double *hidden_series;  /* (13, N) ũ, packed; what it may become in further rows */
    double *pull_series;    /* (N,) d_k for each pair */
    double *terms;          /* (n + 1, 24) Taylor coefficients of d_k, from row 1 on */
    double *products;       /* (n, 12) of two of them */
    double *totals;         /* (n, 4) */
    double *shares;         /* (8, 24) of the neurons of an eight, see series.h */
    int32_t *neuron;        /* (G, 8) those of each eight, −1 for none */
    int64_t *entries;       /* (G + 1,) where the samples of each eight begin */
    int64_t *entry;         /* (n,) the last one of each sample */
    int32_t *entry_sample;  /* (E,) k */
    uint8_t *entry_members; /* (E,) which of the eight have a pair there, in bits */
    double *entry_hidden;   /* (E, 8) their ũ, 0 where there is none */
    double *gram;           /* (m, 192) sums of products */
    double *backwards;      /* (m, 52) Taylor coefficients of ã */
    double *inverse;        /* (P + 1,) 1 / i */
    bool *is_felt;          /* (m,) */
    double *alone;          /* (26, n) */
    double *output_series;  /* (P + 1, m) those of ã */
    double *stretch;        /* (3,) of the time that series are in, see stretch.h */
    double *sizes;          /* (P + 1,) the largest coefficient of each order */
    double *product;        /* (N,) */
    double *lever;          /* (N,) */
    double *rate;           /* (n,) relaxation rates s_k */
    double *change;         /* (n,) */
    double *right;          /* (m,) */
    double *rest;           /* (n,) */
    uint8_t *kind;          /* (m,) see enum kind_of_neuron */
    double *curves;         /* (13, n) pulls over a Magnus step */
    double *segment;        /* (n,) for the pairs of one neuron */
    Death *deaths;          /* (n,) the same */
    double *tail;           /* (n + 1,) */
    Piece *pieces;          /* (m,) */
    int64_t *counts;        /* (5,) see enum count */
    int64_t n_terms;        /* P + 1 */
} Work;

/* How a neuron goes through a stiff step: see weigh.h. */
enum kind_of_neuron { LOOSE, HEAVY, LIGHT };

enum count { EVALUATIONS, DEATHS, PLATEAU_STEPS, STIFF_STEPS, PAIRS_EVALUATED };

void rescale(State *state);
void keep_balance(State *state);
double survey(const Constants *constants, const State *state, Work *work, double *sq_norm);
void split_moving(const Constants *constants, State *state, Work *work);
double follow_rate(const Constants *constants, const Work *work, int64_t j);
void swap_pairs(State *state, int64_t p, int64_t q);
void kill_moving(State *state, int64_t j, int64_t p);

static inline int64_t n_packed(const State *state, const Work *work)
{
    return work->bounds[state->width];
}

static inline double *hidden_row(const State *state, const Work *work, int64_t row)
{
    return work->hidden_series + row * state->n_pairs;
}

static inline double *output_row(const State *state, const Work *work, int64_t row)
{
    return work->output_series + row * state->width;
}

#endif
