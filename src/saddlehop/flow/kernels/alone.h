/* One neuron along given series of the pulls d(t) = Σ_l d_l t^l.

   Its own series follow from those as in series.h. A faint neuron, which nobody feels, need not
   stop the step of all others where one of its pairs dies: it goes on from there alone, with the
   pulls' series taken about that time. */
#ifndef ALONE_H
#define ALONE_H

#include "state.h"

/* A death at `time` of the pair at a place, −1 if there is none. */
typedef struct {
    double time;
    int64_t place;
} FirstDeath;

/* A neuron's series backwards, its pairs' ũ and d_0, and the pulls' series: a pair's d_l stand
   `apart` from each other, from its sample's row on, or from its place where there are no samples;
   `turn` is how far each may come to be from d_0. */
typedef struct {
    const double *series, *hidden, *pull, *pulls, *turn;
    const int32_t *sample;
    int64_t count, apart;
    double sign;
} Way;

void fill_term(const Work *work, const double *series, int64_t order, double *part);
void fill_moved(const Work *work, const double *series, int64_t order, double time, double *moved);
double value_of(const double *series, int64_t order, double time);
void fill_turn(const Constants *constants, const Work *work, int64_t order, double time);
Way way_of(const State *state, const Work *work, int64_t j);
FirstDeath first_death_on(const Work *work, const Way *way, int64_t order, double time);
bool move_alone(const Constants *constants, State *state, Work *work, int64_t j, int64_t order,
                double time);

#endif
