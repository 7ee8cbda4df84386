/* When neurons meet walls, leave those they slide on, or turn. */
#ifndef MEETINGS_H
#define MEETINGS_H

#include "state.h"

/* The first event of a neuron before `time`, which moves there; NONE if there is none. */
typedef struct {
    double time;
    int64_t event;
} Meeting;

/* Of neuron j in the series of all. */
Meeting meeting_in_series(const Setting *setting, const State *state, Work *work, int64_t j,
                          double before);
/* Of neuron j by itself. */
Meeting meeting_alone(const Setting *setting, const State *state, Work *work, int64_t j, double t,
                      double before);

#endif
