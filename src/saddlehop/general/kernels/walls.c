/* The wall rule for one neuron: see walls.h.

   Walls with q < 0 attract: their θ make the velocity shortest, by an active-set method. The wall that
   shortens most is set free, the free ones are solved for, and what leaves [0, 1] is fixed at its bound. A
   wall that depends on the free ones has slope 0, so the free ones stay independent. Walls with q > 0 repel:
   they are crossed the way the velocity points; each round raises s G(w + v) − ‖v‖²/2, so no choice comes
   twice. */
#include "walls.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

static const double *row(const Walls *walls, int64_t k)
{
    return walls->rows + walls->sample[k] * walls->rank;
}

static double norm(const Walls *walls, int64_t k)
{
    return walls->norms[walls->sample[k]];
}

/* How much the velocity grows along x_k / ‖x_k‖ */
static double rate(const Walls *walls, int64_t k, const double *velocity)
{
    return dot(row(walls, k), velocity, walls->rank) / norm(walls, k);
}

static bool is_free(const WallsWork *work, int64_t k)
{
    for (int64_t i = 0; i < work->free.count; i++)
        if (work->free.wall[i] == k)
            return true;
    return false;
}

static void velocity_of(const Walls *walls, const double *share, double *velocity)
{
    memcpy(velocity, walls->base, (size_t)walls->rank * sizeof *velocity);
    for (int64_t k = 0; k < walls->count; k++)
        if (share[k] != 0.0)
            add(velocity, row(walls, k), share[k] * walls->pull[k], walls->rank);
}

static bool set_free(const Walls *walls, Basis *free, int64_t k)
{
    return append(free, k, row(walls, k), -1.0 / norm(walls, k));
}

/* Make the basis of the free walls anew if too many were taken out of it. */
static void renew_if_worn(const Walls *walls, Basis *free)
{
    int64_t count = free->count;
    if (!is_worn(free))
        return;
    truncate_to(free, 0);
    for (int64_t i = 0; i < count; i++)
        set_free(walls, free, free->wall[i]);
}

/* The first free wall to reach a bound on the way to the best shares, and the part of the way. */
static int64_t first_bound(const WallsWork *work, const double *share, double *part)
{
    int64_t first = -1;
    *part = 1.0;
    for (int64_t i = 0; i < work->free.count; i++) {
        int64_t k = work->free.wall[i];
        double best = work->best[i], bound = best > 1.0 ? 1.0 : 0.0;
        if (best >= 0.0 && best <= 1.0)
            continue;
        double reached = (bound - share[k]) / (best - share[k]);
        if (first < 0 || reached < *part)
            *part = reached, first = i;
    }
    return first;
}

/* Move the free shares to their best values, and fix those that reach a bound on the way. */
static void solve_free(const Walls *walls, WallsWork *work, double *share)
{
    Basis *free = &work->free;
    while (free->count > 0) {
        velocity_of(walls, share, work->fixed);
        coordinates_of(free, work->fixed, work->best);
        for (int64_t i = 0; i < free->count; i++) {
            int64_t k = free->wall[i];
            work->best[i] = share[k] + work->best[i] / (walls->pull[k] * norm(walls, k));
        }
        double part;
        int64_t first = first_bound(work, share, &part);
        for (int64_t i = 0; i < free->count; i++) {
            double *now = share + free->wall[i];
            *now = first < 0 ? work->best[i] : *now + part * (work->best[i] - *now);
        }
        if (first < 0)
            return;
        share[free->wall[first]] = work->best[first] > 1.0 ? 1.0 : 0.0;
        remove_from(free, first);
        renew_if_worn(walls, free);
    }
}

/* The fixed attracting wall that shortens the velocity most; −1 if none does visibly. */
static int64_t worst_bound(const Walls *walls, WallsWork *work, const double *share)
{
    int64_t worst = -1;
    double most = walls->slack;
    velocity_of(walls, share, work->fixed);
    for (int64_t k = 0; k < walls->count; k++) {
        if (walls->pull[k] >= 0.0 || work->barred[k] || is_free(work, k))
            continue;
        double rises = rate(walls, k, work->fixed);
        double gain = share[k] == 0.0 ? rises : share[k] == 1.0 ? -rises : -INFINITY;
        if (gain > most)
            most = gain, worst = k;
    }
    return worst;
}

static double snapped(double share, double size, double slack)
{
    if ((1.0 - share) * size <= slack)
        return 1.0;
    return share * size <= slack ? 0.0 : share;
}

static bool is_inside(const Walls *walls, const double *share, int64_t k)
{
    return walls->pull[k] < 0.0 && share[k] > 0.0 && share[k] < 1.0;
}

/* Set free the walls with θ inside. */
static void start_free(const Walls *walls, WallsWork *work, double *share)
{
    Basis *free = &work->free;
    for (int64_t i = free->count - 1; i >= 0; i--)
        if (!is_inside(walls, share, free->wall[i]))
            remove_from(free, i);
    renew_if_worn(walls, free);
    for (int64_t k = 0; k < walls->count; k++) {
        work->barred[k] = norm(walls, k) == 0.0 || walls->pull[k] == 0.0;
        if (!is_inside(walls, share, k) || is_free(work, k))
            continue;
        if (!set_free(walls, free, k))
            share[k] = 0.0;
    }
}

/* θ of the attracting walls that make the velocity shortest, those of the others as they are. */
static void shortest(const Walls *walls, WallsWork *work, double *share)
{
    start_free(walls, work, share);
    solve_free(walls, work, share);
    for (int64_t k; (k = worst_bound(walls, work, share)) >= 0;) {
        double before = share[k];
        if (!set_free(walls, &work->free, k)) {
            work->barred[k] = true;
            continue;
        }
        solve_free(walls, work, share);
        work->barred[k] |= share[k] == before; /* nothing but rounding set it free */
    }
    for (int64_t k = 0; k < walls->count; k++)
        if (walls->pull[k] < 0.0)
            share[k] = snapped(share[k], -walls->pull[k] * norm(walls, k), walls->slack);
}

/* Choose the sides of repelling walls by where the velocity points, starting from `on`. */
static void settle_on(const Walls *walls, WallsWork *work, double *share, double *velocity)
{
    for (bool changed = true; changed;) {
        for (int64_t k = 0; k < walls->count; k++)
            if (walls->pull[k] >= 0.0)
                share[k] = work->on[k];
        shortest(walls, work, share);
        velocity_of(walls, share, velocity);
        changed = false;
        for (int64_t k = 0; k < walls->count; k++) {
            double rises = rate(walls, k, velocity);
            bool on = work->on[k] ? rises >= -walls->slack : rises > walls->slack;
            if (walls->pull[k] < 0.0 || on == work->on[k])
                continue;
            work->on[k] = on;
            changed = true;
        }
    }
}

/* Whether the velocity with the other side of repelling wall `k` points to that other side. */
static bool could_differ(const Walls *walls, WallsWork *work, int64_t k)
{
    for (int64_t l = 0; l < walls->count; l++) {
        work->other[l] = walls->share[l];
        work->on[l] = walls->pull[l] >= 0.0 && walls->share[l] > 0.0;
    }
    bool other = work->on[k] = !work->on[k];
    settle_on(walls, work, work->other, work->velocity);
    return (work->other[k] > 0.0) == other;
}

/* Name the walls left free by the last call by their numbers in this list; those not in it are no longer free. */
static void find_free(const Walls *walls, Basis *free)
{
    for (int64_t i = free->count - 1; i >= 0; i--) {
        int64_t k = 0;
        while (k < walls->count && walls->sample[k] != free->wall[i])
            k++;
        free->wall[i] = k;
        if (k == walls->count)
            remove_from(free, i);
    }
}

void wall_rule_again(Walls *walls, WallsWork *work)
{
    find_free(walls, &work->free);
    for (int64_t k = 0; k < walls->count; k++)
        work->on[k] = walls->pull[k] >= 0.0 && walls->side[k] > 0;
    settle_on(walls, work, walls->share, walls->velocity);
    for (int64_t k = 0; k < walls->count; k++)
        walls->chosen[k] = walls->pull[k] > 0.0 && could_differ(walls, work, k);
    for (int64_t k = 0; k < walls->count; k++)
        walls->side[k] = walls->share[k] == 0.0 ? -1 : walls->share[k] == 1.0;
    for (int64_t i = 0; i < work->free.count; i++)
        work->free.wall[i] = walls->sample[work->free.wall[i]];
}

void wall_rule(Walls *walls, WallsWork *work)
{
    truncate_to(&work->free, 0);
    wall_rule_again(walls, work);
}
