/* Residuals and pulls at a point of the flow, and which pairs move: see state.h. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "lanes.h"

#define LOG_2 0.69314718055994530942

/* What weights far below one do on a sample with label 0 pulls at no time that matters. */
static const double FAINT = 1e-30;

static double largest_weight(const State *state, int64_t j)
{
    const double *hidden = state->hidden + state->first[j];
    double largest = fabs(state->output[j]);
    for (int64_t p = 0; p < state->alive[j]; p++)
        largest = larger(largest, hidden[p]);
    return largest;
}

/* Bring each neuron's largest weight to order one, by a power of two. */
void rescale(State *state)
{
    for (int64_t j = 0; j < state->width; j++) {
        double largest = largest_weight(state, j);
        if (largest == 0.0 || (0.25 <= largest && largest <= 4.0) || !isfinite(largest))
            continue;
        int exponent;
        frexp(largest, &exponent);
        state->scale[j] += exponent * LOG_2;
        double half = ldexp(1.0, -exponent / 2); /* the whole may be beyond a number's range */
        double rest = ldexp(1.0, -exponent - -exponent / 2);
        state->output[j] = state->output[j] * half * rest;
        double *hidden = state->hidden + state->first[j];
        for (int64_t p = 0; p < state->alive[j]; p++)
            hidden[p] = hidden[p] * half * rest;
    }
}

/* Bring a_j back to where a_j² − Σ_k u_jk² has not changed.

   Both decay together in a neuron that dies, until steps and rounding make all of what is left: it
   might then turn and come back. Where the difference is not negative a_j² is a sum of squares. */
void keep_balance(State *state)
{
    for (int64_t j = 0; j < state->width; j++) {
        if (state->sign[j] == 0.0)
            continue;
        const double *hidden = state->hidden + state->first[j];
        double square = dot(hidden, hidden, state->alive[j]);
        double surplus = exp(state->surplus[j] - 2.0 * state->scale[j]);
        state->output[j] = copysign(sqrt(surplus + square), state->sign[j]);
    }
}

/* r_k / Σ_j a_j² is about the shift that sample k still causes in weights of order one. Those of
   all settled samples together may be `settled_tol`. */
static double tolerance_of_shifts(const Constants *constants, const Work *work)
{
    double shifts = 0.0, tol = constants->settled_tol;
    for (int64_t k = 0; k < constants->n_samples; k++) {
        double r = work->residual[k], sensitivity = work->sensitivity[k];
        if (sensitivity > 0.0 && fabs(r) <= tol * sensitivity)
            shifts += (r / sensitivity) * (r / sensitivity);
    }
    return shifts > tol * tol ? tol / sqrt((double)constants->n_samples) : tol;
}

/* Fill pulls and settled samples; return the loss. */
static double fill_pulls(const Constants *constants, Work *work)
{
    double loss = 0.0, tol = tolerance_of_shifts(constants, work);
    for (int64_t k = 0; k < constants->n_samples; k++) {
        double r = work->residual[k], sensitivity = work->sensitivity[k];
        double target = constants->target[k];
        double small = larger(tol * sensitivity, 16.0 * EPS * fabs(target));
        loss += constants->loss_weight[k] * r * r;
        work->settled[k] = sensitivity > 0.0 && fabs(r) <= small;
        bool still = work->settled[k] || (target == 0.0 && fabs(r) < FAINT);
        work->pull[k] = still ? 0.0 : constants->stiffness[k] * r;
    }
    return loss;
}

/* Fill the residuals, pulls and settled samples; return the loss, and the alive squared norm. */
double survey(const Constants *constants, const State *state, Work *work, double *sq_norm)
{
    size_t bytes = (size_t)constants->n_samples * sizeof(double);
    memcpy(work->residual, constants->target, bytes);
    memset(work->sensitivity, 0, bytes);
    *sq_norm = 0.0;
    for (int64_t j = 0; j < state->width; j++) {
        double weight = exp(2.0 * state->scale[j]), a = state->output[j];
        double weighted = weight * a, square = weighted * a;
        const double *hidden = state->hidden + state->first[j];
        const int32_t *sample = state->sample + state->first[j];
        for (int64_t p = 0; p < state->alive[j]; p++) {
            work->residual[sample[p]] -= weighted * hidden[p];
            work->sensitivity[sample[p]] += square;
        }
        work->weight[j] = weight;
        *sq_norm += weight * (a * a + dot(hidden, hidden, state->alive[j]));
    }
    return fill_pulls(constants, work);
}

static bool touches_unsettled(const State *state, const Work *work, int64_t j)
{
    const int32_t *sample = state->sample + state->first[j];
    for (int64_t p = 0; p < state->alive[j]; p++)
        if (!work->settled[sample[p]])
            return true;
    return false;
}

/* Fill `load` with what moving neurons add to each sample, regardless of sign. */
static void load_samples(const Constants *constants, const State *state, Work *work)
{
    memset(work->load, 0, (size_t)constants->n_samples * sizeof(double));
    for (int64_t j = 0; j < state->width; j++) {
        if (!work->is_moving[j])
            continue;
        double weighted = work->weight[j] * fabs(state->output[j]);
        const double *hidden = state->hidden + state->first[j];
        const int32_t *sample = state->sample + state->first[j];
        for (int64_t p = 0; p < state->alive[j]; p++)
            work->load[sample[p]] += weighted * hidden[p];
    }
}

/* Unsettle the samples that are loaded; tell whether there were any. */
static bool unsettle_loaded(const Constants *constants, Work *work)
{
    double limit = 0.5 * constants->settled_tol / sqrt((double)constants->n_samples);
    bool changed = false;
    for (int64_t k = 0; k < constants->n_samples; k++)
        if (work->settled[k] && work->load[k] > limit * work->sensitivity[k]) {
            work->settled[k] = false;
            work->pull[k] = constants->stiffness[k] * work->residual[k];
            changed = true;
        }
    return changed;
}

/* Put the pairs of neuron j that move in front; return their number. */
static int64_t partition(State *state, const Work *work, int64_t j)
{
    int64_t start = state->first[j], left = start, right = start + state->alive[j] - 1;
    for (;;) {
        while (left <= right && !work->settled[state->sample[left]])
            left++;
        while (left <= right && work->settled[state->sample[right]])
            right--;
        if (left > right)
            return left - start;
        swap_pairs(state, left, right);
    }
}

/* Unsettle the samples that moving neurons add to, then put the moving pairs in front.

   A neuron moves if it touches an unsettled sample; a settled sample to which moving neurons
   add more than its tolerance is shared, hence unsettled, which may set more neurons moving. */
void split_moving(const Constants *constants, State *state, Work *work)
{
    do {
        for (int64_t j = 0; j < state->width; j++)
            work->is_moving[j] = touches_unsettled(state, work, j);
        load_samples(constants, state, work);
    } while (unsettle_loaded(constants, work));
    for (int64_t j = 0; j < state->width; j++)
        state->moving[j] = work->is_moving[j] ? partition(state, work, j) : 0;
}

/* The fastest rate at which residuals follow neuron j, once it is packed. */
double follow_rate(const Constants *constants, const Work *work, int64_t j)
{
    double a = work->output_series[j], stiffest = 0.0, square = 0.0;
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
        double u = work->hidden_series[q], kappa = constants->stiffness[work->packed_sample[q]];
        stiffest = larger(stiffest, kappa);
        square += kappa * u * u;
    }
    return work->weight[j] * (a * a * stiffest + square);
}

/* Exchange two pairs of one neuron. */
void swap_pairs(State *state, int64_t p, int64_t q)
{
    double hidden = state->hidden[p];
    int32_t sample = state->sample[p];
    state->hidden[p] = state->hidden[q];
    state->sample[p] = state->sample[q];
    state->hidden[q] = hidden;
    state->sample[q] = sample;
}

/* Strike the moving pair `p` of neuron j off the list. */
void kill_moving(State *state, int64_t j, int64_t p)
{
    int64_t last_moving = state->first[j] + state->moving[j] - 1;
    int64_t last_alive = state->first[j] + state->alive[j] - 1;
    swap_pairs(state, p, last_moving);
    swap_pairs(state, last_moving, last_alive);
    state->moving[j]--;
    state->alive[j]--;
}
