/* One Taylor step of the moving pairs, between deaths.

   The equations are polynomial, so with f = Σ_i f_i t^i the coefficients follow each other:

       (i+1) u_{i+1} = Σ_l a_{i−l} d_l          (i+1) a_{i+1} = Σ_k Σ_l d_l u_{i−l}
       d_i = −κ Σ_j e^{2σ_j} Σ_l a_l u_{i−l}

   The order grows until the last two terms are below tolerance at the step aimed at (the time to
   the next death, often tiny), or else up to the order of least work, where those terms set the
   step. A step ends at the first death of a pair; the pair is struck off and the next step starts
   there.

   The moving pairs of all neurons are packed side by side, and d_l is copied to each pair, so that
   the sums over l run through memory in order; a neuron's rows stay in the nearest cache. */
#ifndef TAYLOR_H
#define TAYLOR_H

#include "state.h"

/* A series and the step that it is good for. */
typedef struct {
    int64_t order;
    double step;
} Series;

/* A death at `time` of the pair at a packed place, −1 if there is none. */
typedef struct {
    double time;
    int64_t place;
} FirstDeath;

void pack_moving(State *state, Work *work);
Series expand(const Constants *constants, State *state, Work *work, double room);
FirstDeath first_death(const State *state, const Work *work, Series series);
void move_along(State *state, Work *work, int64_t order, double time);
void strike_packed(State *state, Work *work, int64_t place);

#endif
