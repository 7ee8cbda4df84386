/* Which of the packed neurons a stiff step must treat how.

   *Heavy*: a residual visibly follows it within the step. Else *light* if the sign of a_j cannot
   change and it does not shrink, and *loose* if not. Pulls are looked at where Euler steps begin,
   so what a light neuron does to them must stay unseen until the end of the step, or change by
   little in it. */
#ifndef WEIGH_H
#define WEIGH_H

#include "state.h"

/* What of the moving neurons a stiff step has in its matrix. */
typedef struct {
    int64_t neurons, pairs;
} Heavy;

Heavy weigh(const Constants *constants, const State *state, Work *work, double step);
double longest_step(const Constants *constants, const State *state, const Work *work);
bool surprises(const Constants *constants, const State *state, const Work *work);

#endif
