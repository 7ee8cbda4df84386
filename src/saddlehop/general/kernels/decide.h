/* Neurons at walls during a flow. */
#ifndef DECIDE_H
#define DECIDE_H

#include "state.h"

#define ON_WALL 1e-12 /* |w·x_k| within this share of ‖w‖‖x_k‖ is 0 */
#define FITTED 1e-8   /* r_k of at most so much, of the largest label, is 0: ZERO of walls.py */

/* Decide how neuron j moves on from where it is.

   `sides` w̃·x_k, `residual` r_k and `force` Σ r_k x_k over active pairs are those there; `slides` the
   walls it slid on; `met` the sample whose wall it came to, or NONE. Calls `changed` for each sample
   that becomes active or stops being so. */
typedef void (*Changed)(const Setting *setting, Work *work, int64_t sample, double sign);
void decide(const Setting *setting, State *state, Work *work, int64_t j, int64_t met,
            const double *sides, const double *residual, const double *force,
            const Basis *slides, Changed changed);
/* Whether a residual of sample k is 0, so that its sign says nothing. */
bool is_fitted(const Setting *setting, double residual, int64_t k);

#endif
