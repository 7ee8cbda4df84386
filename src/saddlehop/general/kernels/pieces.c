/* Neurons along their broken lines while the residuals stand still, one after another: see pieces.py. */
#include <math.h>
#include <string.h>

#include "ahead.h"
#include "api.h"
#include "lanes.h"
#include "line.h"
#include "products.h"

/* How far to follow neurons, and what is found on the way: of the last part, but for `chosen`. */
typedef struct {
    int64_t n_parts;     /* one after another, each under pulls of its own */
    double duration;     /* of each */
    int64_t most_pieces; /* of a neuron in each */
    int8_t *end;     /* (m,) */
    double *elapsed; /* (m,) */
    bool *chosen;    /* (m, n) on any piece of any part */
    double *speed;   /* (m,) ‖v‖ and b + u on the last piece, */
    double *ahead;   /* (m,) 0 where nothing moves */
    int64_t n_pieces;
} Trip;

API void general_scale(const Neurons *, int64_t width, int64_t rank);
API void general_fields(const Inputs *, const Neurons *, const Fields *, Motion *, int64_t width);
API int64_t general_carry(const Inputs *, const Neurons *, const Fields *, Motion *, Trip *, int64_t width);

static Neurons neuron(const Neurons *all, int64_t j, int64_t n, int64_t rank)
{
    return (Neurons){all->sign + j,   all->log_scale + j, all->output + j,  all->hidden + j * rank,
                     all->excess + j, all->wall + j * n,  all->side + j * n};
}

static Fields field_of(const Fields *all, int64_t j, int64_t n, int64_t rank)
{
    return (Fields){all->velocity + j * rank, all->share + j * n,  all->mode + j * n,
                    all->kept + j * n,        all->chosen + j * n, all->slack + j};
}

static Stop next_stop(const Inputs *inputs, const Neurons *one, const Fields *field,
                      Motion *motion, const Line *line)
{
    Stop stop = stop_without_walls(inputs, one, field, line);
    double nearest = stop.length / line->speed;
    int64_t wall = -1;
    if (line->speed > 0.0 && !line->into_zero)
        wall = wall_ahead(inputs, one, field, motion, line, &nearest);
    if (wall < 0)
        return stop;
    double length = nearest * line->speed;
    return (Stop){length, time_along(line, length) / line->speed, wall, MOVING, false};
}

/* Go to the stop and find how the neuron moves on from there. */
static void go_to_stop(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion,
                       const Line *line, const Stop *stop)
{
    int64_t rank = inputs->rank;
    double u = line->along + stop->length, before = norm_of(one->hidden, rank);
    add(one->hidden, motion->unit, stop->length, rank);
    if (stop->end == STALLED)
        memset(one->hidden, 0, (size_t)rank * sizeof(double));
    double size = before + norm_of(one->hidden, rank);
    *one->output = stop->turns ? 0.0 : sqrt(fmax(line->room + u * u, 0.0));
    *one->sign = stop->turns ? -*one->sign : *one->sign;
    motion->turned += turn_along(line, stop->length) + 4.0 * EPS;
    meet_walls(inputs, one, field, motion, stop->wall, size);
    to_unit_size(one, rank);
    settle_field(inputs, one, field, motion);
}

/* Go on for a time that ends before the piece does. */
static void go_on_piece(const Inputs *inputs, const Neurons *one, const Fields *field,
                        const Line *line, const double *unit, const Stop *stop, double left)
{
    int64_t rank = inputs->rank;
    if (stop->end == DECAYING || line->speed == 0.0)
        *one->log_scale -= line->speed * left;
    else
        go_along(inputs, one, line, unit, line->speed * left);
    double near = ROUNDING * norm_of(one->hidden, rank);
    for (int64_t k = 0; k < inputs->n; k++)
        if (one->wall[k] && !field->kept[k]) {
            double height = dot(inputs->rows + k * rank, one->hidden, rank);
            one->wall[k] = fabs(height) <= near * inputs->norms[k] && inputs->norms[k] > 0.0;
        }
}

static void note_chosen(bool *chosen, const Fields *field, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        chosen[k] |= field->chosen[k];
}

/* Follow neuron j to its end; false if it takes too many pieces. */
static bool follow(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion,
                   Trip *trip, int64_t j)
{
    double elapsed = 0.0;
    start_field(inputs, one, field, motion);
    look_around(inputs, one, motion);
    for (int64_t piece = 0; piece < trip->most_pieces; piece++) {
        note_chosen(trip->chosen + j * inputs->n, field, inputs->n);
        trip->n_pieces++;
        Line line = line_of(inputs, one, field, motion->unit);
        Stop stop = next_stop(inputs, one, field, motion, &line);
        if (!(stop.time <= trip->duration - elapsed) || isinf(stop.time)) {
            trip->end[j] = (int8_t)stop.end;
            trip->elapsed[j] = isinf(trip->duration) ? elapsed : trip->duration;
            trip->speed[j] = line.speed;
            trip->ahead[j] = line.ahead;
            if (!isinf(trip->duration))
                go_on_piece(inputs, one, field, &line, motion->unit, &stop, trip->duration - elapsed);
            return true;
        }
        elapsed += stop.time;
        go_to_stop(inputs, one, field, motion, &line, &stop);
    }
    return false;
}

/* Follow all neurons under pulls (n_parts, n); return how many came to an end. */
int64_t general_carry(const Inputs *inputs, const Neurons *all, const Fields *fields, Motion *motion,
                      Trip *trip, int64_t width)
{
    for (int64_t j = 0; j < width; j++) {
        Neurons one = neuron(all, j, inputs->n, inputs->rank);
        Fields field = field_of(fields, j, inputs->n, inputs->rank);
        Inputs now = *inputs;
        for (int64_t part = 0; part < trip->n_parts; part++, now.pulls += now.n) {
            memset(field.kept, 0, (size_t)now.n);
            if (!follow(&now, &one, &field, motion, trip, j))
                return j;
        }
    }
    return width;
}

/* The wall rule for each neuron where it is; pulls (m, n) are of each its own */
void general_fields(const Inputs *inputs, const Neurons *all, const Fields *fields, Motion *motion,
                    int64_t width)
{
    for (int64_t j = 0; j < width; j++) {
        Inputs own = *inputs;
        own.pulls += j * own.n;
        Neurons one = neuron(all, j, own.n, own.rank);
        Fields field = field_of(fields, j, own.n, own.rank);
        start_field(&own, &one, &field, motion);
    }
}

/* Bring neurons to size 1. */
void general_scale(const Neurons *all, int64_t width, int64_t rank)
{
    for (int64_t j = 0; j < width; j++) {
        Neurons one = neuron(all, j, 0, rank);
        to_unit_size(&one, rank);
    }
}
