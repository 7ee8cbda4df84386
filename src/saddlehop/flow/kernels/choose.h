/* Which step comes next: the longest that its error and its cost allow. */
#ifndef CHOOSE_H
#define CHOOSE_H

#include "state.h"

/* A step ahead; an implicit or Magnus one is taken already, into row 1 of the series. */
typedef struct {
    int64_t status, order;
    double length;
} Choice;

Choice choose(const Constants *constants, State *state, Work *work);
int64_t stiff_levels(const Constants *constants);

#endif
