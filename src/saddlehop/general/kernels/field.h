/* How one neuron moves where it is, under pulls r_k / n that stand still: see walls.py.

   From piece to piece few samples enter or leave Σ q_k x_k over those that are active and not walls, so it
   follows in O(r) for each; `sum_off` bounds what rounding has put into it, and where that would be felt it is
   summed afresh. */
#ifndef FIELD_H
#define FIELD_H

#include "basis.h"
#include "walls.h"

#define ROUNDING 1e-13 /* what sums of terms of size 1 may be off */
#define EPS 2.220446049250313e-16

typedef struct {
    const double *rows;  /* (n, rank) */
    const double *norms; /* (n,) lengths of the rows */
    const double *pulls; /* (n,) r_k / n */
    int64_t n, rank;
} Inputs;

/* Neurons, or one of them: a = s e^σ b, w = e^σ u. */
typedef struct {
    int8_t *sign;         /* (m,) s */
    double *log_scale;    /* (m,) σ */
    double *output;       /* (m,) b */
    double *hidden;       /* (m, rank) u */
    const double *excess; /* (m,) c = a² − ‖w‖² */
    bool *wall;           /* (m, n) whether w·x_k = 0 */
    int8_t *side;         /* (m, n) */
} Neurons;

/* How they move: see Field of walls.py. */
typedef struct {
    double *velocity; /* (m, rank) */
    double *share;    /* (m, n) θ */
    int8_t *mode;     /* (m, n) */
    bool *kept;       /* (m, n) in: walls on which θ is a guess */
    bool *chosen;     /* (m, n) */
    double *slack;    /* (m,) rounding of the velocity */
} Fields;

/* What goes along with one neuron. */
typedef struct {
    Walls walls;
    WallsWork walls_work;
    Basis faces;      /* of the walls it keeps */
    double *load;     /* (n,) q_k where active and not a wall, else 0 */
    double *change;   /* (n,) the last changes of it, and */
    int64_t *changed; /* (n,) the samples where they happened */
    int64_t n_changed;
    double *sum;      /* (rank,) Σ load_k x_k */
    double sum_off;
    double *unit;     /* (rank,) v / ‖v‖ */
    double turned;    /* angle by which u has turned since all walls were looked at, at least */
    double *reach;    /* (n,) and how far it must have turned to come to wall k; ∞ where it is on it */
} Motion;

/* ‖x‖, safe from overflow and underflow of squares */
double norm_of(const double *x, int64_t count);
/* Forget the neuron that was followed before, and find how this one moves. */
void start_field(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion);
/* Find how a neuron moves on; put it on the walls it keeps. */
void settle_field(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion);

#endif
