/* Dormant neurons carried along the orbit of a lone neuron; see lone.h.
 *
 * With the pushes g_c = p_c f_c of the orbit, size b, weights z_c and z for the samples that stay
 * open, which pull with R,
 *
 *     b' = r² (Σ_c M_c g_c max(z_c, 0) + R z),     z_c' = r² g_c b,     z' = r² R b      in s,
 *
 * and a z_c that falls to 0 is dead. Classes go as nodes, whose z_c are never put to 0: a class that
 * dies takes its mass out of the nodes, and from the rest of the panel what was too much, f z M.
 * In a panel sizes are in units of exp(R t), so neither growth nor decay bounds its length, and
 * LANES neurons go at once. Beyond the last panel f is small, its square left out, and the rest of
 * the growth is an integral of f in closed form.
 */
#include <stdbool.h>
#include <string.h>

#include "api.h"
#include "riders.h"

#define ONCE 1e-6 /* part of b: deaths that take less change nothing about when others come */

/* What all riders share in a panel. */
typedef struct {
    double integrals[PLACES][PLACES]; /* in t */
    double falling;                   /* 1 where some f_c < 0 */
    double products[];                /* (PLACES, PLACES, N) g_c g_c of two points, second ≤ first */
} Shared;

static int64_t width_of_shared(int64_t n)
{
    return PLACES * PLACES * (n + 1) + 1;
}

API double ride(const Lone *, const Radau *, const Series *, const Riders *, const double *panels,
                int64_t n_panels, double *room, double *shifts);

static int64_t rider_of(const Riders *riders, const Group *group, int lane)
{
    int64_t j = group->first + lane;
    return j < riders->n_riders ? j : riders->n_riders - 1;
}

static void load_masses(int64_t n, const Riders *riders, Group *group)
{
    memset(group->masses, 0, (size_t)n * sizeof *group->masses);
    for (int lane = 0; lane < LANES; lane++)
        group->rest[lane] = riders->rests[rider_of(riders, group, lane)];
    for (int64_t k = 0; k < riders->n_classes; k++) {
        Lanes mass;
        for (int lane = 0; lane < LANES; lane++)
            mass[lane] = riders->masses[rider_of(riders, group, lane) * riders->n_classes + k];
        for (int64_t c = 0; c < n; c++)
            group->masses[c] += mass * riders->shares[k * n + c];
    }
}

/* Terms k of the series b = s^α Σ B_k s^k and the same of z, with α = ρ / 2. */
static void next_terms(int64_t n, const Series *series, const double *products, const Lanes *rate, int k,
                       Lanes *terms, Group *group)
{
    Lanes *sizes = terms + n * TERMS, *open = sizes + TERMS, order = *rate + k, known = {0}, sum = {0};
    for (int i = 1; i <= k; i++)
        sum += series->squares[i] * sizes[k - i];
    open[k] = group->rest * sum / order;
    for (int i = 1; i <= k; i++)
        known += group->rest * series->squares[i] * open[k - i];
    known += group->rest * series->squares[0] * open[k];
    for (int64_t c = 0; c < n; c++) {
        Lanes *term = terms + c * TERMS, pushed = {0}, felt = {0};
        const double *product = products + c * TERMS;
        for (int i = 1; i <= k; i++) {
            pushed += product[i] * sizes[k - i];
            felt += product[i] * term[k - i];
        }
        term[k] = pushed / order;
        known += group->masses[c] * (felt + product[0] * term[k]);
    }
    sizes[k] = k ? known * order / (k * (*rate + order)) : (Lanes){0} + 1;
    open[k] += group->rest * series->squares[0] * sizes[k] / order;
    for (int64_t c = 0; c < n; c++)
        terms[c * TERMS + k] += products[c * TERMS] * sizes[k] / order;
}

static void sum_series(const Lanes *terms, double s, Lanes *sum)
{
    *sum = (Lanes){0};
    for (int k = TERMS - 1; k >= 0; k--)
        *sum = *sum * s + terms[k];
}

/* Take the group from the start by the series to the first panel. */
static void start(const Lone *lone, const Series *series, const Panel *panel, const double *products,
                  Lanes *terms, Group *group)
{
    int64_t n = lone->n_nodes;
    Lanes *sizes = terms + n * TERMS, size, rate = group->rest * group->rest;
    for (int64_t c = 0; c < n; c++)
        rate += group->masses[c] * (lone->pulls[c] * lone->pulls[c]);
    for (int lane = 0; lane < LANES; lane++)
        rate[lane] = sqrt(rate[lane]) / 2;
    for (int k = 0; k < TERMS; k++)
        next_terms(n, series, products, &rate, k, terms, group);
    sum_series(sizes, panel->start, &size);
    sum_series(sizes + TERMS, panel->start, &group->open);
    group->open /= size;
    for (int64_t c = 0; c < n; c++) {
        sum_series(terms + c * TERMS, panel->start, &group->weights[c]);
        group->weights[c] /= size;
    }
    for (int lane = 0; lane < LANES; lane++)
        group->log_size[lane] = rate[lane] * log(2 * panel->start) + log(size[lane]) -
                                group->rest[lane] * panel->time;
}

/* The series of s r² g_c. */
static void multiply_series(const Lone *lone, const Series *series, double *products)
{
    for (int64_t c = 0; c < lone->n_nodes; c++)
        for (int k = 0; k < TERMS; k++) {
            double sum = 0.0;
            for (int i = 0; i <= k; i++)
                sum += series->squares[i] * series->pushes[c * TERMS + k - i];
            products[c * TERMS + k] = sum;
        }
}

static void share(const Lone *lone, const Radau *radau, const Panel *panel, Shared *shared)
{
    int64_t n = lone->n_nodes;
    shared->falling = 0.0;
    for (int i = 0; i < PLACES; i++)
        for (int k = 0; k < PLACES; k++)
            shared->integrals[i][k] = panel->length * radau->integrals[i * PLACES + k] *
                                      (panel->sizes[k] * panel->sizes[k]);
    for (int i = 0; i < PLACES; i++)
        for (int64_t c = 0; c < n; c++) {
            const double *push = panel->pushes + c * PLACES;
            shared->falling = push[i] < 0 ? 1.0 : shared->falling;
            for (int k = 0; k <= i; k++)
                shared->products[(i * PLACES + k) * n + c] = push[i] * push[k];
        }
}

/* Fill what carries the group: values of z from velocities, and K with b' = K b + …. */
static void prepare(const Shared *shared, int64_t n, Group *group)
{
    Lanes matrix[PLACES][PLACES], square = group->rest * group->rest, felt[PLACES][PLACES];
    for (int i = 0; i < PLACES; i++) {
        group->carry[i][PLACES] = (Lanes){0} + 1;
        for (int k = 0; k < PLACES; k++) {
            matrix[i][k] = group->rest * shared->integrals[i][k] + (i == k ? 1.0 : 0.0);
            group->carry[i][k] = (Lanes){0} + shared->integrals[i][k];
        }
    }
    factor(matrix);
    solve_factored(matrix, group->carry[0], PLACES + 1);
    for (int i = 0; i < PLACES; i++)
        for (int k = 0; k <= i; k++) {
            const double *product = shared->products + (i * PLACES + k) * n;
            Lanes sum = square;
            for (int64_t c = 0; c < n; c++)
                sum += group->masses[c] * product[c];
            felt[i][k] = felt[k][i] = sum;
        }
    for (int i = 0; i < PLACES; i++)
        for (int k = 0; k < PLACES; k++)
            felt[i][k] *= group->carry[i][k];
    for (int i = 0; i < PLACES; i++) {
        Lanes row[PLACES] = {{0}};
        row[i] += 1;
        for (int l = 0; l < PLACES; l++)
            for (int k = 0; k < PLACES; k++)
                row[k] -= group->carry[i][l] * felt[l][k];
        memcpy(group->kernel[i], row, sizeof row);
    }
    factor(group->kernel);
}

/* Find b and z over the panel; `extra` (PLACES,) adds to b'. */
static void carry(const Panel *panel, int64_t n, const Lanes *extra, bool whole, Group *group)
{
    Lanes velocity[PLACES];
    for (int i = 0; i < PLACES; i++) {
        Lanes sum = group->rest * group->open;
        for (int64_t c = 0; c < n; c++)
            sum += group->masses[c] * group->weights[c] * panel->pushes[c * PLACES + i];
        velocity[i] = sum * group->carry[i][PLACES] + extra[i];
    }
    for (int i = 0; i < PLACES; i++) {
        group->size[i] = group->carry[i][PLACES];
        for (int k = 0; k < PLACES; k++)
            group->size[i] += group->carry[i][k] * velocity[k];
    }
    solve_factored(group->kernel, group->size, 1);
    for (int64_t c = 0; c < n; c++) {
        for (int k = 0; k < PLACES; k++)
            velocity[k] = panel->pushes[c * PLACES + k] * group->size[k];
        for (int i = whole ? 0 : PLACES - 1; i < PLACES; i++) {
            Lanes sum = group->weights[c] * group->carry[i][PLACES];
            for (int k = 0; k < PLACES; k++)
                sum += group->carry[i][k] * velocity[k];
            group->path[c * PLACES + i] = sum;
        }
    }
}

/* Carry a group through a panel; return how rough b is in it. */
static double ride_panel(const Lone *lone, const Radau *radau, const Riders *riders, const Panel *panel,
                         const Shared *shared, Graveyard *graveyard, Group *group)
{
    int64_t n = lone->n_nodes;
    Lanes extra[PLACES] = {{0}};
    double rough = 0.0;
    prepare(shared, n, group);
    carry(panel, n, extra, shared->falling > 0, group);
    graveyard->n_deaths = 0;
    for (int sweep = 0; shared->falling > 0 && sweep < 2; sweep++) {
        find_deaths(n, radau, riders, panel, group, graveyard, extra);
        if (graveyard->n_deaths == 0)
            break;
        carry(panel, n, extra, true, group);
        if (graveyard->taken < ONCE)
            break;
    }
    bury_dead(n, riders, graveyard, group);
    for (int lane = 0; lane < LANES; lane++)
        rough = fmax(rough, roughness(radau, (double *)group->size + lane, LANES) /
                                fmax(1.0, group->size[PLACES - 1][lane]));
    Lanes open = group->open * group->carry[PLACES - 1][PLACES], size = group->size[PLACES - 1];
    for (int k = 0; k < PLACES; k++)
        open += group->rest * group->carry[PLACES - 1][k] * group->size[k];
    group->open = open / size;
    for (int64_t c = 0; c < n; c++)
        group->weights[c] = group->path[c * PLACES + PLACES - 1] / size;
    for (int lane = 0; lane < LANES; lane++)
        group->log_size[lane] += log(size[lane]);
    return rough;
}

/* log of what goes on growing, less R t, beyond the last panel: with ∫ f exp(−R t) dt to first order in f. */
static void finish(const Lone *lone, const Riders *riders, const Panel *panel, const Group *group,
                   double *shifts)
{
    for (int lane = 0; lane < LANES && group->first + lane < riders->n_riders; lane++) {
        double rest = group->rest[lane], moved = 0.0, stiffness = 1.0, more = 0.0;
        for (int64_t c = 0; c < lone->n_nodes; c++) {
            moved += lone->masses[c] * panel->pushes[c * PLACES + PLACES - 1] / (lone->pulls[c] + rest);
            stiffness += lone->masses[c] * lone->pulls[c] / (lone->pulls[c] + rest);
        }
        for (int64_t c = 0; c < lone->n_nodes; c++)
            more += group->masses[c][lane] * group->weights[c][lane] *
                    (panel->pushes[c * PLACES + PLACES - 1] - lone->pulls[c] * moved / stiffness) /
                    (lone->pulls[c] + rest);
        double grows = rest > 0 ? (1 + group->open[lane] + more) / 2 : 1 + more;
        shifts[group->first + lane] = group->log_size[lane] + log(grows);
    }
}

/* Fill the shifts (D,) of the riders, in units of the orbit; return how rough their sizes were. */
double ride(const Lone *lone, const Radau *radau, const Series *series, const Riders *riders,
            const double *panels, int64_t n_panels, double *room, double *shifts)
{
    int64_t n = lone->n_nodes, width = panel_width(n);
    Lanes *lanes = (Lanes *)room;
    Group group = {.masses = lanes, .weights = lanes + n, .path = lanes + 2 * n};
    Lanes *terms = group.path + n * PLACES;
    double *of_series = (double *)(terms + (n + 2) * TERMS), *all_shared = of_series + n * TERMS;
    Graveyard graveyard = {.path = all_shared + n_panels * width_of_shared(n)};
    graveyard.fell = (bool *)(graveyard.path + n * PLACES);
    graveyard.deaths = (Death *)(graveyard.path + n * PLACES + n);
    double worst = 0.0;
    multiply_series(lone, series, of_series);
    for (int64_t i = 0; i < n_panels; i++)
        share(lone, radau, (const Panel *)(panels + i * width),
              (Shared *)(all_shared + i * width_of_shared(n)));
    for (group.first = 0; group.first < riders->n_riders; group.first += LANES) {
        const Panel *panel = (const Panel *)panels;
        load_masses(n, riders, &group);
        start(lone, series, panel, of_series, terms, &group);
        for (int64_t i = 0; i < n_panels; i++) {
            panel = (const Panel *)(panels + i * width);
            const Shared *shared = (const Shared *)(all_shared + i * width_of_shared(n));
            worst = fmax(worst, ride_panel(lone, radau, riders, panel, shared, &graveyard, &group));
        }
        finish(lone, riders, panel, &group, shifts);
    }
    return worst;
}
