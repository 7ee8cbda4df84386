/* How one neuron moves: see field.h. */
#include "field.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

#define FELT 64.0 /* roundings of v·x_k */

double norm_of(const double *x, int64_t count)
{
    double square = dot(x, x, count), largest = 0.0, total = 0.0;
    if (square > 1e-280 && square < 1e280)
        return sqrt(square);
    for (int64_t i = 0; i < count; i++)
        largest = larger(largest, fabs(x[i]));
    for (int64_t i = 0; i < count && largest > 0.0; i++)
        total += (x[i] / largest) * (x[i] / largest);
    return largest * sqrt(total);
}

static void products_with(const Inputs *inputs, const double *v, double *product)
{
    for (int64_t k = 0; k < inputs->n; k++)
        product[k] = dot(inputs->rows + k * inputs->rank, v, inputs->rank);
}

void measure_heights(const Inputs *inputs, const Neurons *one, Motion *motion)
{
    products_with(inputs, one->hidden, motion->height);
    motion->height_off = 0.0;
}

static void set_load(Motion *motion, int64_t k, double load)
{
    double change = load - motion->load[k];
    if (change == 0.0)
        return;
    if (motion->change[k] == 0.0)
        motion->changed[motion->n_changed++] = k;
    motion->change[k] += change;
    motion->load[k] = load;
}

static void list_wall(Motion *motion, const Neurons *one, const Fields *field, int64_t k, double pull)
{
    Walls *walls = &motion->walls;
    int64_t l = walls->count++;
    ((int64_t *)walls->sample)[l] = k;
    ((double *)walls->pull)[l] = pull;
    walls->side[l] = one->side[k];
    walls->share[l] = field->kept[k] ? field->share[k] : 0.0;
}

/* List the walls, set the loads of all other samples; return Σ |q_k| ‖x_k‖ of what may act. */
static double set_loads(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion)
{
    double total = 0.0, drive = norm_of(one->hidden, inputs->rank) > 0.0 ? *one->sign : 0.0;
    motion->walls.count = motion->n_changed = 0;
    for (int64_t k = 0; k < inputs->n; k++) {
        bool on = one->side[k] > 0, wall = one->wall[k];
        double pull = drive * inputs->pulls[k];
        if (wall)
            list_wall(motion, one, field, k, pull);
        if (on || wall)
            total += fabs(pull) * inputs->norms[k];
        set_load(motion, k, on && !wall ? pull : 0.0);
        field->share[k] = on;
        field->mode[k] = one->side[k];
    }
    return total;
}

/* What rounding may put into a sum by the last changes */
static double rounding_of_changes(const Inputs *inputs, const Motion *motion)
{
    double moved = motion->speed;
    for (int64_t i = 0; i < motion->n_changed; i++) {
        int64_t k = motion->changed[i];
        moved += fabs(motion->change[k]) * inputs->norms[k];
    }
    return (double)(1 + motion->n_changed) * EPS * moved;
}

/* The velocity without the walls; `off` is what rounding may put into it. */
static void sum_loads(const Inputs *inputs, Motion *motion, double slack, double off)
{
    int64_t rank = inputs->rank;
    motion->sum_off += off;
    if (motion->sum_off <= slack / 16.0) {
        for (int64_t i = 0; i < motion->n_changed; i++) {
            int64_t k = motion->changed[i];
            add(motion->sum, inputs->rows + k * rank, motion->change[k], rank);
        }
        return;
    }
    memset(motion->sum, 0, (size_t)rank * sizeof(double));
    for (int64_t k = 0; k < inputs->n; k++)
        if (motion->load[k] != 0.0)
            add(motion->sum, inputs->rows + k * rank, motion->load[k], rank);
    motion->sum_off = 0.0;
}

static void add_walls(const Neurons *one, const Fields *field, Motion *motion)
{
    Walls *walls = &motion->walls;
    size_t size = (size_t)walls->rank * sizeof(double);
    memcpy((double *)walls->base, motion->sum, size);
    walls->slack = *field->slack;
    wall_rule_again(walls, &motion->walls_work);
    memcpy(motion->sum, walls->velocity, size);
    for (int64_t l = 0; l < walls->count; l++) {
        int64_t k = walls->sample[l];
        field->share[k] = walls->share[l];
        field->mode[k] = walls->side[l];
        field->chosen[k] = walls->chosen[l];
        one->side[k] = walls->side[l] ? walls->side[l] : one->side[k];
        set_load(motion, k, walls->share[l] * walls->pull[l]);
    }
}

/* A basis of the directions of the walls kept; those kept before stay up to the first that is not. */
static void span_kept(const Inputs *inputs, const Fields *field, Motion *motion)
{
    Basis *faces = &motion->faces;
    int64_t before = 0;
    while (before < faces->count && field->kept[faces->wall[before]])
        before++;
    truncate_to(faces, before);
    for (int64_t l = 0; l < motion->walls.count; l++) {
        int64_t k = motion->walls.sample[l], i = 0;
        while (i < before && faces->wall[i] != k)
            i++;
        if (i == before && field->kept[k] && inputs->norms[k] > 0.0)
            append(faces, k, inputs->rows + k * inputs->rank, 1.0 / inputs->norms[k]);
    }
}

/* Find the walls that the velocity does not leave. */
static void keep_walls(const Inputs *inputs, const Fields *field, const Motion *motion)
{
    for (int64_t l = 0; l < motion->walls.count; l++) {
        int64_t k = motion->walls.sample[l];
        double rate = dot(inputs->rows + k * inputs->rank, field->velocity, inputs->rank);
        field->kept[k] = fabs(rate) <= *field->slack * inputs->norms[k];
    }
}

/* Bring v·x_k up to date; `off` is what the last changes may have put between v and them. */
static void follow_rates(const Inputs *inputs, const Fields *field, Motion *motion, double off)
{
    motion->rate_off += off;
    bool fresh = motion->n_changed >= inputs->rank || motion->rate_off > FELT * EPS * motion->speed;
    if (fresh) {
        products_with(inputs, field->velocity, motion->rate);
        motion->rate_off = EPS * motion->speed;
    }
    for (int64_t i = 0; i < motion->n_changed; i++) {
        int64_t k = motion->changed[i];
        if (!fresh && motion->change[k] != 0.0)
            add(motion->rate, gram_row(&motion->gram, k), motion->change[k], inputs->n);
        motion->change[k] = 0.0;
    }
    for (int64_t l = 0; l < motion->walls.count; l++)
        if (field->kept[motion->walls.sample[l]])
            motion->rate[motion->walls.sample[l]] = motion->height[motion->walls.sample[l]] = 0.0;
}

void settle_field(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion)
{
    size_t size = (size_t)inputs->rank * sizeof(double);
    double *v = field->velocity;
    *field->slack = ROUNDING * set_loads(inputs, one, field, motion);
    memset(field->kept, 0, (size_t)inputs->n);
    memset(field->chosen, 0, (size_t)inputs->n);
    double off = rounding_of_changes(inputs, motion);
    sum_loads(inputs, motion, *field->slack, off);
    if (motion->walls.count > 0)
        add_walls(one, field, motion);
    off += rounding_of_changes(inputs, motion);
    motion->sum_off += off;
    memcpy(v, motion->sum, size);
    if (norm_of(v, inputs->rank) <= *field->slack)
        memset(v, 0, size);
    keep_walls(inputs, field, motion);
    span_kept(inputs, field, motion);
    off += project_out(&motion->faces, v);
    motion->speed = norm_of(v, inputs->rank);
    motion->height_off += project_out(&motion->faces, one->hidden);
    follow_rates(inputs, field, motion, off);
}

void start_field(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion)
{
    size_t n = (size_t)inputs->n * sizeof(double);
    memset(motion->load, 0, n);
    memset(motion->change, 0, n);
    motion->speed = 0.0;
    truncate_to(&motion->faces, 0);
    truncate_to(&motion->walls_work.free, 0);
    motion->sum_off = motion->rate_off = INFINITY;
    measure_heights(inputs, one, motion);
    settle_field(inputs, one, field, motion);
}
