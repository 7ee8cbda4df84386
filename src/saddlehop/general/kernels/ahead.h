/* The walls ahead of a neuron on its line. While w turns, its angle to a wall falls by no more than it turns, so
   most walls need not be looked at on a piece. */
#ifndef AHEAD_H
#define AHEAD_H

#include "line.h"

/* Look at all walls. */
void look_around(const Inputs *inputs, const Neurons *one, Motion *motion);
/* The first wall that w + τ v meets, −1 if none before `nearest`, which becomes its τ. */
int64_t wall_ahead(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion,
                   const Line *line, double *nearest);
/* Find the walls at a stop; beyond one that is met and does not attract, the neuron is on its other side.
   `size` is the largest ‖w‖ on the way. */
void meet_walls(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion,
                int64_t met, double size);

#endif
