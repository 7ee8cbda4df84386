/* The wall rule for one neuron: see walls.py. */
#ifndef WALLS_H
#define WALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "basis.h"

/* Some walls of one neuron, and what it does there. */
typedef struct {
    int64_t count, rank;
    const double *rows;   /* (·, rank) */
    const double *norms;  /* (·,) lengths of the rows */
    const int64_t *sample; /* (count,) the row of each wall */
    const double *pull;   /* (count,) q_k */
    const double *base;   /* (rank,) velocity without the walls */
    double slack;         /* rounding of a velocity */
    int8_t *side;         /* (count,) in: side it is on or came from; out: mode */
    double *share;        /* (count,) in: to start from; out: θ */
    bool *chosen;         /* (count,) out */
    double *velocity;     /* (rank,) out */
} Walls;

/* Memory for it. */
typedef struct {
    Basis free;
    double *fixed;    /* (rank,) */
    double *best;     /* (rank,) */
    double *other;    /* (count,) */
    double *velocity; /* (rank,) */
    bool *on;         /* (count,) */
    bool *barred;     /* (count,) */
} WallsWork;

void wall_rule(Walls *walls, WallsWork *work);
/* The same, faster where most walls are those of the last call with this memory and these rows. */
void wall_rule_again(Walls *walls, WallsWork *work);

#endif
