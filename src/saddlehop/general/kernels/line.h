/* One neuron on a piece of its broken line, in closed form: see pieces.py. */
#ifndef LINE_H
#define LINE_H

#include "field.h"

enum end { GROWING, DECAYING, RESTING, DEAD, STALLED, MOVING };

typedef struct {
    double speed; /* ‖v‖ */
    double along; /* u = w·v / ‖v‖ */
    double across; /* ‖w off the line‖ */
    double room;  /* Q = b² − u²; 0 if it is 0 to within rounding */
    double ahead; /* b + u */
    double back;  /* b − u */
    bool into_zero; /* whether the line leads into w = 0 */
} Line;

/* Where a piece ends: `length` along the line, after `time`; MOVING, or what the neuron does for ever. */
typedef struct {
    double length, time;
    int64_t wall; /* −1: not at a wall */
    enum end end;
    bool turns;
} Stop;

/* The line of a neuron; v / ‖v‖ into `unit`. */
Line line_of(const Inputs *inputs, const Neurons *one, const Fields *field, double *unit);
/* Where the piece would end if there were no walls ahead. */
Stop stop_without_walls(const Inputs *inputs, const Neurons *one, const Fields *field, const Line *line);
/* Time, in units of 1/‖v‖, to go a length along the line */
double time_along(const Line *line, double length);
/* The angle by which w turns on such a length */
double turn_along(const Line *line, double length);
/* Go along the line for such a time. */
void go_along(const Inputs *inputs, const Neurons *one, const Line *line, const double *unit, double time);
/* Bring a neuron to size 1, b from c where that loses nothing; return what it was divided by. */
double to_unit_size(const Neurons *one, int64_t rank);

#endif
