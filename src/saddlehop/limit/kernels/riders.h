/* Dormant neurons along the orbit of a lone one; see riders.c. */
#ifndef RIDERS_H
#define RIDERS_H

#include <stdbool.h>

#include "lone.h"

/* The neurons; the masses change as classes die. */
typedef struct {
    const double *rests; /* (D,) R */
    double *masses;      /* (D, K) */
    const double *shares; /* (K, N) value at a class from those at nodes */
    const int64_t *below; /* (K,) the node before a class */
    int64_t n_riders, n_classes;
} Riders;

/* LANES of them. */
typedef struct {
    int64_t first;                       /* rider; the last stands in where some lack */
    Lanes rest, open, log_size;          /* R, z / b, log b − R t */
    Lanes *masses;                       /* (N,) */
    Lanes *weights;                      /* (N,) z_c / b */
    Lanes *path;                         /* (N, PLACES) z_c over a panel */
    Lanes size[PLACES];                  /* b over a panel */
    Lanes kernel[PLACES][PLACES];        /* factors of the equations for b */
    Lanes carry[PLACES][PLACES + 1];     /* from velocities to values; the last column from the start */
    Lanes right[PLACES];
} Group;

/* A class of a rider that dies in a panel. */
typedef struct {
    int64_t class;
    int64_t lane;
} Death;

/* Room for the deaths of a group in a panel. */
typedef struct {
    Death *deaths; /* (LANES K,) */
    int64_t n_deaths;
    double taken; /* what they take from b, about */
    double *path; /* (N, PLACES) of one lane */
    bool *fell;   /* (N,) nodes below 0 */
} Graveyard;

void find_deaths(int64_t n, const Radau *radau, const Riders *riders, const Panel *panel,
                 const Group *group, Graveyard *graveyard, Lanes *extra);
void bury_dead(int64_t n, const Riders *riders, const Graveyard *graveyard, Group *group);

#endif
