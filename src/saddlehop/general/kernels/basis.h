/* An orthonormal basis of the directions of some walls: u_i = Σ_{l ≤ i} R_li q_l for unit vectors u_i. */
#ifndef BASIS_H
#define BASIS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t rank;  /* of the space */
    int64_t count; /* of walls; never more than rank */
    int64_t n_removed; /* taken out from before others since it was empty */
    double *q;     /* (count, rank) orthonormal rows */
    double *upper; /* (count, rank) row i: R_li for l ≤ i */
    int64_t *wall; /* (count,) whose direction u_i is, by any number */
} Basis;

/* Append s x; false, and nothing is appended, if it depends on those that are there. */
bool append(Basis *basis, int64_t wall, const double *x, double s);
/* Keep the first `count` walls. */
void truncate_to(Basis *basis, int64_t count);
/* Take out wall number i; those after it move up. Costs O(rank) for each of them. */
void remove_from(Basis *basis, int64_t i);
/* Whether so many were taken out that the basis should be made anew. */
bool is_worn(const Basis *basis);
/* Take out of v its part in the span; return how long it was. */
double project_out(const Basis *basis, double *v);
/* Put the c that solve Σ_i c_i u_i = part of v in the span into `c`. */
void coordinates_of(const Basis *basis, const double *v, double *c);

#endif
