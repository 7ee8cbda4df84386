/* Series that reach farther, in a time s that is stretched.

   A series in t ends where the flow, continued to complex times, is singular: the growth of a
   neuron breaks off at a pair z, z̄ = δ ± iη beside the real times. With

       t = η (sinh(v + y) − sinh v),   y = 2 artanh(s / S),   sinh v = −δ / η,   S = 2 η cosh v

   so that t ≈ s at first, the disc |s| < S holds all times but two slits, from z up and from z̄
   down, where those of the same kind lie. A series in s follows from that in t term by term, and
   it is that of a flow again, with t′(s) d in place of d: what is said of series in t (series.h)
   holds for it word by word. */
#ifndef STRETCH_H
#define STRETCH_H

#include <math.h>

#include "state.h"

/* S is inf where s is t. */
typedef struct {
    double eta, v, size;
} Stretch;

static const Stretch PLAIN = {INFINITY, 0.0, INFINITY};

static inline Stretch stretch_of(const Work *work)
{
    return (Stretch){work->stretch[0], work->stretch[1], work->stretch[2]};
}

static inline void set_stretch(Work *work, Stretch stretch)
{
    work->stretch[0] = stretch.eta;
    work->stretch[1] = stretch.v;
    work->stretch[2] = stretch.size;
}

double stretched(Stretch stretch, double time);
double time_at(Stretch stretch, double stretched_time);
void stretch_series(const Constants *constants, const State *state, Work *work, int64_t order,
                    double aim);

#endif
