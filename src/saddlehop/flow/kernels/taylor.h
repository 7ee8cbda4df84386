/* One Taylor step of the moving pairs, between deaths.

   The equations are polynomial, so with f = Σ_i f_i t^i the coefficients follow each other
   (series.h):

       (i+1) u_{i+1} = Σ_l a_{i−l} d_l          (i+1) a_{i+1} = Σ_k Σ_l d_l u_{i−l}
       d_i = −κ Σ_j e^{2σ_j} Σ_l a_l u_{i−l}

   The moving pairs of all neurons are packed side by side. */
#ifndef TAYLOR_H
#define TAYLOR_H

#include "alone.h"
#include "state.h"

/* A series and the step that it is good for, in time, or stretched where a death is looked for. */
typedef struct {
    int64_t order;
    double step;
} Series;

double series_cost(int64_t order);
void pack_moving(State *state, Work *work);
Series expand(const Constants *constants, State *state, Work *work, double room);
FirstDeath first_death(const Constants *constants, const State *state, const Work *work,
                       Series series);
void move_along(const Constants *constants, State *state, Work *work, int64_t order, double time);
void strike_packed(State *state, Work *work, int64_t place);

#endif
