/* Neurons with small weights along a stiff step: see light.h. */
#include "light.h"

#include <math.h>
#include <string.h>

#include "lanes.h"

/* Growth, in shares of the fastest, from which a neuron counts as nearly aligned. */
static const double ALIGNED = 0.5;

/* What y₀ is of d₀. */
static double share_of_pull(const State *state, const Work *work, int64_t j)
{
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start;
    const double *d = work->pull_series + start;
    double size = fabs(work->output_series[j]);
    double growth = state->sign[j] * dot(d, work->hidden_series + start, count) / size;
    bool is_aligned = growth > ALIGNED * sqrt(dot(d, d, count));
    return is_aligned ? state->sign[j] / growth : 0.0;
}

/* Fill rows with the start, and c and y₀. */
void begin_light(const State *state, Work *work, int64_t j, double *hidden, double *output)
{
    double size = fabs(work->output_series[j]), share = share_of_pull(state, work, j);
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
        hidden[q] = work->product[q] = share * work->pull_series[q];
        work->lever[q] = work->hidden_series[q] / size - hidden[q];
    }
    output[j] = 0.0;
}

/* Put v in place of y. */
void end_light(const Work *work, int64_t j, double *hidden, double output)
{
    double kept = exp(-output);
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
        hidden[q] += kept * work->lever[q];
}

/* Take off `load` what neuron j adds to each sample beyond what it did at the start. */
void add_light_pull(Work *work, int64_t j, const double *hidden, double output)
{
    double a = work->output_series[j], weighted = work->weight[j] * a;
    double grown = weighted * fabs(a) * exp(output), square = grown * exp(output);
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
        work->load[work->packed_sample[q]] -=
            (square * hidden[q] + grown * work->lever[q]) - weighted * work->hidden_series[q];
}

/* Σ d y, Σ d c, Σ v₀ δd, Σ d₀ (d + δd), Σ d₀ y, Σ d₀ c and Σ d₀ y₀ over the pairs of a neuron. */
typedef struct {
    double grown, kept, changed, turned, old_on_new, old_kept, old;
} Sums;

static Sums sums_of(const Work *work, int64_t j, const double *hidden)
{
    double lane[7][LANES] = {{0.0}};
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start;
    const double *y = hidden + start, *c = work->lever + start, *y0 = work->product + start;
    const double *d = work->pull_series + start;
    const int32_t *sample = work->packed_sample + start;
    for (int64_t p = 0; p < count; p += LANES)
        for (int64_t l = 0; l < LANES && p + l < count; l++) {
            int64_t q = p + l;
            double pull = work->load[sample[q]], change = work->change[sample[q]];
            lane[0][l] += pull * y[q];
            lane[1][l] += pull * c[q];
            lane[2][l] += (y0[q] + c[q]) * change;
            lane[3][l] += d[q] * (pull + change);
            lane[4][l] += d[q] * y[q];
            lane[5][l] += d[q] * c[q];
            lane[6][l] += d[q] * y0[q];
        }
    return (Sums){sum_of_lanes(lane[0]), sum_of_lanes(lane[1]), sum_of_lanes(lane[2]),
                  sum_of_lanes(lane[3]), sum_of_lanes(lane[4]), sum_of_lanes(lane[5]),
                  sum_of_lanes(lane[6])};
}

/* One Euler step under the pulls `load` that change by `change`. */
void step_light(const State *state, const Work *work, int64_t j, double gamma, double *hidden,
                double *output)
{
    double sign = state->sign[j];
    Sums sums = sums_of(work, j, hidden);
    double grown = sign * (sums.grown + exp(-output[j]) * sums.kept), p = sign * sums.changed;
    double start = sign * (sums.old + sums.old_kept), on_start = sign * sums.old;
    double q = gamma * (sums.turned - sign * sums.old_on_new * grown - on_start * p) /
               (1.0 + gamma * (start + on_start));
    double share = gamma / (1.0 + gamma * start), back = share * (p + q);
    for (int64_t i = work->bounds[j]; i < work->bounds[j + 1]; i++) {
        int32_t k = work->packed_sample[i];
        double push = sign * (work->load[k] + work->change[k]) - hidden[i] * grown;
        hidden[i] += share * push - back * work->product[i];
    }
    output[j] += gamma * (grown + p + q) / (1.0 + gamma * sign * sums.old_kept);
}
