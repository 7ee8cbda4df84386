/* The walls ahead: see ahead.h. */
#include "ahead.h"

#include <math.h>

#include "lanes.h"
#include "products.h"

#define GUARD 1e-12 /* more than rounding puts into angles */

static double product_with(const Inputs *inputs, int64_t k, const double *v)
{
    return dot(inputs->rows + k * inputs->rank, v, inputs->rank);
}

/* By |sin| ≤ angle, from w·x_k and ‖w‖ */
static double reach_of(const Inputs *inputs, const Motion *motion, int64_t k, double height, double size)
{
    return motion->turned + fabs(height) / (size * inputs->norms[k]) - GUARD;
}

void look_around(const Inputs *inputs, const Neurons *one, Motion *motion)
{
    double size = norm_of(one->hidden, inputs->rank);
    motion->turned = 0.0;
    for (int64_t k = 0; k < inputs->n; k++) {
        bool may_meet = !one->wall[k] && inputs->norms[k] > 0.0 && size > 0.0;
        double height = may_meet ? product_with(inputs, k, one->hidden) : 0.0;
        motion->reach[k] = may_meet ? reach_of(inputs, motion, k, height, size) : INFINITY;
    }
}

/* Whether a wall ahead, at |w·x_k| and nearing at a visible rate, is met before `nearest`; puts that τ there. */
static bool is_met(const Inputs *inputs, const Fields *field, int64_t k, double height, double *nearest)
{
    double rate = product_with(inputs, k, field->velocity);
    bool nears = height > 0.0 ? rate < 0.0 : height < 0.0 && rate > 0.0;
    if (!nears || fabs(height) >= *nearest * fabs(rate) ||
        fabs(rate) <= *field->slack * inputs->norms[k])
        return false;
    *nearest = fabs(height) / fabs(rate);
    return true;
}

int64_t wall_ahead(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion,
                   const Line *line, double *nearest)
{
    int64_t found = -1;
    double size = norm_of(one->hidden, inputs->rank), now = motion->turned;
    double end = now + turn_along(line, *nearest * line->speed), seen = -INFINITY;
    for (double turn = 0.5 / (double)inputs->n; seen < end; turn *= 2.0) {
        for (int64_t k = 0; k < inputs->n; k++) {
            double *reach = motion->reach + k, far = smaller(now + turn, end);
            if (*reach <= seen || *reach > far)
                continue;
            double height = product_with(inputs, k, one->hidden);
            *reach = reach_of(inputs, motion, k, height, size);
            if (*reach > far || !is_met(inputs, field, k, height, nearest))
                continue;
            found = k;
            end = now + turn_along(line, *nearest * line->speed);
        }
        seen = now + turn;
    }
    return found;
}

void meet_walls(const Inputs *inputs, const Neurons *one, const Fields *field, Motion *motion,
                int64_t met, double size)
{
    double now = norm_of(one->hidden, inputs->rank), near = ROUNDING * size;
    double bound = now > 0.0 ? motion->turned + 2.0 * near / now : INFINITY;
    for (int64_t k = 0; k < inputs->n; k++) {
        bool before = one->wall[k];
        if (!before && k != met && motion->reach[k] > bound)
            continue;
        double height = field->kept[k] ? 0.0 : product_with(inputs, k, one->hidden);
        bool at = fabs(height) <= near * inputs->norms[k] && inputs->norms[k] > 0.0;
        one->wall[k] = k == met || at;
        motion->reach[k] = one->wall[k] ? INFINITY : reach_of(inputs, motion, k, height, now);
        if (!one->wall[k] || before || *one->sign * inputs->pulls[k] < 0.0)
            continue;
        double rate = product_with(inputs, k, field->velocity);
        if (rate != 0.0)
            one->side[k] = rate > 0.0 ? 1 : -1;
    }
}
