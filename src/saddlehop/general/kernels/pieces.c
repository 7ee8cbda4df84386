/* Neurons along their broken lines while the residuals stand still, one after another: see pieces.py. */
#include <math.h>
#include <string.h>

#include "api.h"
#include "lanes.h"
#include "line.h"
#include "products.h"

/* How far to follow neurons, and what is found on the way. */
typedef struct {
    double duration;
    int64_t most_pieces;
    int8_t *end;     /* (m,) */
    double *elapsed; /* (m,) */
    bool *chosen;    /* (m, n) on any piece */
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

/* The nearest wall ahead, −1 if there is none, and the time τ for which w + τ v reaches it. */
static int64_t nearest_wall(const Inputs *inputs, const Neurons *one, const Fields *field,
                            const Motion *motion, double *nearest)
{
    int64_t found = -1;
    for (int64_t k = 0; k < inputs->n; k++) {
        double rate = motion->rate[k], height = motion->height[k];
        bool nears = height > 0.0 ? rate < 0.0 : height < 0.0 && rate > 0.0;
        if (!nears || one->wall[k] || fabs(height) >= *nearest * fabs(rate) ||
            fabs(rate) <= *field->slack * inputs->norms[k])
            continue;
        *nearest = fabs(height) / fabs(rate);
        found = k;
    }
    return found;
}

static Stop next_stop(const Inputs *inputs, const Neurons *one, const Fields *field,
                      const Motion *motion, const Line *line)
{
    Stop stop = stop_without_walls(inputs, one, field, line);
    double nearest = stop.length / line->speed;
    int64_t wall = -1;
    if (line->speed > 0.0 && !line->into_zero)
        wall = nearest_wall(inputs, one, field, motion, &nearest);
    if (wall < 0)
        return stop;
    double length = nearest * line->speed;
    return (Stop){length, time_along(line, length) / line->speed, wall, MOVING, false};
}

/* Put w·x_k where w is after it has gone on by a length; `size` is the largest ‖u‖ on the way. */
static void follow_heights(const Inputs *inputs, const Neurons *one, Motion *motion, double time,
                           double size)
{
    motion->height_off += 2.0 * EPS * size + time * motion->rate_off;
    if (motion->height_off > ROUNDING / 16.0 * norm_of(one->hidden, inputs->rank))
        measure_heights(inputs, one, motion);
    else
        add(motion->height, motion->rate, time, inputs->n);
}

/* Find the walls at a stop; beyond one that is met and does not attract, the neuron is on its other side. */
static void meet_walls(const Inputs *inputs, const Neurons *one, const Motion *motion, int64_t met,
                       double size)
{
    for (int64_t k = 0; k < inputs->n; k++) {
        double near = ROUNDING * size * inputs->norms[k];
        bool before = one->wall[k];
        one->wall[k] = k == met || (fabs(motion->height[k]) <= near && inputs->norms[k] > 0.0);
        bool crosses = one->wall[k] && !before && *one->sign * inputs->pulls[k] >= 0.0;
        if (crosses && motion->rate[k] != 0.0)
            one->side[k] = motion->rate[k] > 0.0 ? 1 : -1;
    }
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
    follow_heights(inputs, one, motion, stop->length / line->speed, size);
    meet_walls(inputs, one, motion, stop->wall, size);
    double divisor = to_unit_size(one, rank);
    motion->height_off /= divisor;
    for (int64_t k = 0; k < inputs->n; k++)
        motion->height[k] /= divisor;
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

/* Follow all neurons; return how many came to an end. */
int64_t general_carry(const Inputs *inputs, const Neurons *all, const Fields *fields, Motion *motion,
                      Trip *trip, int64_t width)
{
    for (int64_t j = 0; j < width; j++) {
        Neurons one = neuron(all, j, inputs->n, inputs->rank);
        Fields field = field_of(fields, j, inputs->n, inputs->rank);
        if (!follow(inputs, &one, &field, motion, trip, j))
            return j;
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
