/* Taylor series of all neurons within their patterns. */
#ifndef SERIES_H
#define SERIES_H

#include "state.h"

void expand_all(const Setting *setting, const State *state, Work *work, int64_t order);
/* Take r(t) as given (terms, n), and prepare the forces it exerts. */
void set_residuals(const Setting *setting, const State *state, Work *work, int64_t terms,
                   const double *residual);
int64_t order_for(double tol);
/* How long a neuron's series, and that of r, may be followed. */
double length_of(const Setting *setting, double next_to_last, double last, int64_t order);
double shortest_length(const Setting *setting, const State *state, const Series *series);

#endif
