/* A neuron on its line: see line.h. */
#include "line.h"

#include <math.h>

#include "lanes.h"
#include "products.h"

#define RAY 1e-11 /* a line that passes 0 within this, relative to w, counts as a line into 0 */

/* c in the neuron's own scale */
static double excess_of(const Neurons *one)
{
    return *one->excess == 0.0 ? 0.0 : *one->excess * exp(-2.0 * *one->log_scale);
}

/* ‖w off the line‖ */
static double across_line(const double *w, const double *unit, double along, int64_t rank)
{
    double total = 0.0, largest = 0.0;
    for (int64_t i = 0; i < rank; i++)
        largest = larger(largest, fabs(w[i] - along * unit[i]));
    for (int64_t i = 0; i < rank && largest > 0.0; i++) {
        double part = (w[i] - along * unit[i]) / largest;
        total += part * part;
    }
    return largest * sqrt(total);
}

Line line_of(const Inputs *inputs, const Neurons *one, const Fields *field, double *unit)
{
    int64_t rank = inputs->rank;
    double b = *one->output, excess = excess_of(one);
    Line line = {.speed = norm_of(field->velocity, rank)};
    for (int64_t i = 0; i < rank; i++)
        unit[i] = field->velocity[i] / (line.speed > 0.0 ? line.speed : 1.0);
    double u = line.along = dot(one->hidden, unit, rank);
    double across = line.across = across_line(one->hidden, unit, u, rank);
    if (b == 0.0 && u <= 16.0 * EPS * across)
        line.speed = 0.0; /* neither a nor w moves */
    line.into_zero = u < 0.0 && across <= -RAY * u;
    double square = line.into_zero ? 0.0 : across * across;
    line.room = excess + square;
    if (fabs(line.room) <= 64.0 * EPS * (square + fabs(excess)))
        line.room = 0.0;
    line.ahead = u >= 0.0 ? b + u : line.room / (b - u);
    line.back = u <= 0.0 ? b - u : line.room / (b + u);
    return line;
}

/* What a neuron that does not move is: dead if no sample is active and no wall holds it */
static enum end at_rest(const Inputs *inputs, const Neurons *one, const Fields *field)
{
    if (norm_of(one->hidden, inputs->rank) == 0.0)
        return STALLED;
    for (int64_t k = 0; k < inputs->n; k++)
        if (field->mode[k] >= 0)
            return *one->output > 0.0 ? RESTING : STALLED;
    return DEAD;
}

Stop stop_without_walls(const Inputs *inputs, const Neurons *one, const Fields *field, const Line *line)
{
    Stop stop = {.length = INFINITY, .time = INFINITY, .wall = -1, .end = GROWING};
    if (line->speed == 0.0)
        stop.end = at_rest(inputs, one, field);
    if (line->speed == 0.0 || line->along >= 0.0)
        return stop;
    bool fades = line->room == 0.0, reaches = line->room > 0.0 && line->into_zero;
    stop.turns = line->room < 0.0;
    if (fades || reaches)
        stop.end = line->into_zero && *one->excess == 0.0 ? DECAYING : STALLED;
    if (stop.turns)
        stop.end = MOVING;
    if (fades || reaches || stop.turns)
        stop.length = -line->along - (stop.turns ? sqrt(-line->room) : 0.0);
    if (reaches || stop.turns)
        stop.time = log(line->back / sqrt(fabs(line->room))) / line->speed;
    return stop;
}

double time_along(const Line *line, double length)
{
    double u = line->along + length, b = sqrt(fmax(line->room + u * u, 0.0));
    return u <= 0.0 ? log(line->back / (b - u)) : log((b + u) / line->ahead);
}

double turn_along(const Line *line, double length)
{
    return atan2(line->across, line->along) - atan2(line->across, line->along + length);
}

/* By the length (b + u)(e^E − 1)/2 + (b − u)(1 − e^−E)/2, here times e^−E */
void go_along(const Inputs *inputs, const Neurons *one, const Line *line, const double *unit, double time)
{
    double shrink = exp(-time), rest = -expm1(-time);
    double length = (line->ahead + line->back * shrink) * rest / 2.0;
    for (int64_t i = 0; i < inputs->rank; i++)
        one->hidden[i] = one->hidden[i] * shrink + length * unit[i];
    *one->output = (line->ahead + line->back * shrink * shrink) / 2.0;
    *one->log_scale += time;
    to_unit_size(one, inputs->rank);
}

double to_unit_size(const Neurons *one, int64_t rank)
{
    double *w = one->hidden, size = fmax(*one->output, norm_of(w, rank));
    if (size == 0.0)
        size = 1.0;
    *one->log_scale += log(size);
    *one->output /= size;
    for (int64_t i = 0; i < rank; i++)
        w[i] /= size;
    double excess = excess_of(one);
    if (excess >= 0.0)
        *one->output = sqrt(fmax(excess + dot(w, w, rank), 0.0));
    return size;
}
