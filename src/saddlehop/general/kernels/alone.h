/* A neuron that met a wall goes on by itself. */
#ifndef ALONE_H
#define ALONE_H

#include "meetings.h"

/* Prepare neuron j for going on by itself under the residuals of the series. */
void start_alone(const Setting *setting, const State *state, Work *work, int64_t j);
/* Take it from a meeting, or from where it is, on to time `end` of the step; return when it first met a
   wall on the way, inf if it did not, nan if it was not there after `most` pieces. */
double go_on_alone(const Setting *setting, State *state, Work *work, int64_t j, Meeting met,
                   double end, int64_t most);

#endif
