/* The state of a flow on any rows, in units in which no label and no row is longer than 1:

       (a_j, w_j) = e^{σ_j} (ã_j, w̃_j),  max(|ã_j|, ‖w̃_j‖) = 1,   a_j² − ‖w_j‖² = λ² c_j for ever
       D_j = (1/n) P_j Σ_{k: mode 1} r_k x_k,   P_j orthogonal to the walls that neuron j slides on

   Modes of a pair: 1 active, −1 not, 0 slides on the wall w_j·x_k = 0. The structures are those of
   `kernels/__init__.py`, field by field. */
#ifndef GENERAL_STATE_H
#define GENERAL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "basis.h"
#include "products.h"
#include "walls.h"

enum { MOST_ORDER = 22 };

/* What does not change along a flow. */
typedef struct {
    const double *rows;      /* (n, r) */
    Matrix to_rows;          /* (n, r) the same */
    Matrix to_sides;         /* (r, n) their transpose */
    const double *norms;     /* (n,) lengths of the rows */
    const double *label;     /* (n,) */
    const double *curvature; /* (n,) how much r_k falls where h(x_k) rises */
    const double *imbalance; /* (m,) c_j */
    int64_t n_rows, rank, n_samples, width;
    double log_start; /* log λ */
    double tol;       /* error of a step, relative to each neuron's size and to the labels */
} Setting;

/* Where it stands. */
typedef struct {
    double *scale;   /* (m,) σ_j */
    double *output;  /* (m,) ã_j */
    double *hidden;  /* (m, r) w̃_j */
    int8_t *mode;    /* (m, n) */
    bool *chosen;    /* (m, n) walls on which the side a neuron came from decided so far */
    int64_t *counts; /* (9,) see enum count */
} State;

enum count { CROSSINGS, SLIDES, LEAVINGS, TURNS, STALLS, EVALUATIONS, PLATEAUS, PIECES, IMPLICIT, N_COUNTS };

/* Taylor coefficients of all neurons; neurons of one pattern of modes share forces. */
typedef struct {
    int64_t order;     /* P: terms 0 … P of weights, 0 … P − 1 of forces */
    int64_t n_patterns;
    int64_t *pattern;  /* (m,) */
    int64_t *leader;   /* (m,) a neuron of each pattern */
    double *weight;    /* (m,) e^{2σ_j}; 0 where it adds nothing to r, and there is no series of weights */
    double *output;    /* (P + 1, m) */
    double *hidden;    /* (P + 1, m, r) */
    double *sides;     /* (P + 1, m, n) w̃·x_k */
    double *force;     /* (P, m, r) Σ r_k x_k over active pairs, by pattern */
    double *drive;     /* (P, m, r) D_j, by pattern */
    double *rise;      /* (P, m, n) D_j·x_k, by pattern */
    double *residual;  /* (P, n) */
} Series;

/* One neuron that goes on by itself. */
typedef struct {
    double *force;    /* (P, r) Σ r_k x_k over active pairs, about the start of the step */
    double *shifted;  /* (P, r) the same about where it is */
    double *drive;    /* (P, r) about where it is */
    double *hidden;   /* (P + 1, r) */
    double *output;   /* (P + 1,) */
    double *sides;    /* (n,) w̃·x_k where it is */
    double *residual; /* (n,) r_k there */
    double *pull;     /* (P, r) pulls φ of the walls a neuron slides on */
    double *held;     /* (P, r) residuals of those walls */
} Alone;

/* Buffers of a step; nothing in them outlives it. */
typedef struct {
    Series series;
    Alone alone;
    Basis *bases;      /* (m,) walls slid on, by pattern */
    Basis slides;      /* those of one neuron */
    Walls walls;
    WallsWork walls_work;
    double *masked;    /* (m, n) */
    double *load;      /* (n,) */
    double *end;       /* (m, n) */
    double *time;      /* (m,) of the first event of each neuron */
    int64_t *event;    /* (m,) the sample met or left; TURN, NONE */
    State before;
} Work;

enum event { TURN = -1, NONE = -2 };

double weight_of(const State *state, int64_t j);
void residuals(const Setting *setting, const State *state, Work *work, double *residual);
void slides_of(const Setting *setting, const State *state, Basis *slides, int64_t j);
void settle(const Setting *setting, State *state, const Basis *slides, int64_t j);

#endif
