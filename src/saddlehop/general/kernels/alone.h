/* A neuron that met a wall goes on by itself. */
#ifndef ALONE_H
#define ALONE_H

#include "meetings.h"

/* Take neuron j, at its first meeting within the step, on to the step's end. */
void go_on_alone(const Setting *setting, State *state, Work *work, int64_t j, Meeting met, double length);

#endif
