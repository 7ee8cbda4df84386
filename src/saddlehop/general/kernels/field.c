/* How one neuron moves: see field.h. */
#include "field.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

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

static void set_load(Motion *motion, int64_t k, double load)
{
    if (load == motion->load[k])
        return;
    motion->change[motion->n_changed] = load - motion->load[k];
    motion->changed[motion->n_changed++] = k;
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

/* Bring the velocity without the walls up to date. */
static void follow_sum(const Inputs *inputs, Motion *motion, double slack)
{
    int64_t rank = inputs->rank;
    double moved = norm_of(motion->sum, rank);
    for (int64_t i = 0; i < motion->n_changed; i++)
        moved += fabs(motion->change[i]) * inputs->norms[motion->changed[i]];
    motion->sum_off += (double)motion->n_changed * EPS * moved;
    if (motion->sum_off <= slack / 16.0) {
        for (int64_t i = 0; i < motion->n_changed; i++)
            add(motion->sum, inputs->rows + motion->changed[i] * rank, motion->change[i], rank);
        return;
    }
    memset(motion->sum, 0, (size_t)rank * sizeof(double));
    for (int64_t k = 0; k < inputs->n; k++)
        if (motion->load[k] != 0.0)
            add(motion->sum, inputs->rows + k * rank, motion->load[k], rank);
    motion->sum_off = 0.0;
}

/* Find the velocity with the walls. */
static void add_walls(const Neurons *one, const Fields *field, Motion *motion)
{
    Walls *walls = &motion->walls;
    walls->slack = *field->slack;
    wall_rule_again(walls, &motion->walls_work);
    for (int64_t l = 0; l < walls->count; l++) {
        int64_t k = walls->sample[l];
        field->share[k] = walls->share[l];
        field->mode[k] = walls->side[l];
        field->chosen[k] = walls->chosen[l];
        one->side[k] = walls->side[l] ? walls->side[l] : one->side[k];
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

/* A basis of the directions of the walls kept */
static void span_kept(const Inputs *inputs, const Fields *field, Motion *motion)
{
    Basis *faces = &motion->faces;
    for (int64_t i = faces->count - 1; i >= 0; i--)
        if (!field->kept[faces->wall[i]])
            remove_from(faces, i);
    if (is_worn(faces))
        truncate_to(faces, 0);
    int64_t before = faces->count;
    for (int64_t l = 0; l < motion->walls.count; l++) {
        int64_t k = motion->walls.sample[l], i = 0;
        while (i < before && faces->wall[i] != k)
            i++;
        if (i == before && field->kept[k] && inputs->norms[k] > 0.0)
            append(faces, k, inputs->rows + k * inputs->rank, 1.0 / inputs->norms[k]);
    }
}

void settle_field(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion)
{
    size_t size = (size_t)inputs->rank * sizeof(double);
    double *v = field->velocity;
    *field->slack = ROUNDING * set_loads(inputs, one, field, motion);
    memset(field->kept, 0, (size_t)inputs->n);
    memset(field->chosen, 0, (size_t)inputs->n);
    follow_sum(inputs, motion, *field->slack);
    if (motion->walls.count > 0)
        add_walls(one, field, motion);
    memcpy(v, motion->walls.count > 0 ? motion->walls.velocity : motion->sum, size);
    if (norm_of(v, inputs->rank) <= *field->slack)
        memset(v, 0, size);
    keep_walls(inputs, field, motion);
    span_kept(inputs, field, motion);
    project_out(&motion->faces, v);
    double off_walls = project_out(&motion->faces, one->hidden);
    if (off_walls > 0.0)
        motion->turned += 2.0 * off_walls / norm_of(one->hidden, inputs->rank);
}

void start_field(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion)
{
    memset(motion->load, 0, (size_t)inputs->n * sizeof(double));
    memset(motion->sum, 0, (size_t)inputs->rank * sizeof(double));
    truncate_to(&motion->faces, 0);
    truncate_to(&motion->walls_work.free, 0);
    motion->sum_off = INFINITY;
    settle_field(inputs, one, field, motion);
}
