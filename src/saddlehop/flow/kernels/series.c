/* The series of a Taylor step: see series.h. */
#include "series.h"

#include <math.h>
#include <string.h>

#include "lanes.h"

/* Share of the tolerance that pulls may miss by neurons whose weights are small. */
static const double FAINT = 1e-4;

/* d_0 of a sample, d_1 before it, and so on; zeros after it. */
static double *pulls_backwards(const Work *work, int64_t k)
{
    return work->terms_backwards + k * (2 * ROW + BLOCK) + ROW;
}

static void put_pull(Work *work, int64_t k, int64_t i, double pull)
{
    work->load[k] = work->terms[k * ROW + i] = pulls_backwards(work, k)[-i] = pull;
}

/* Fill `is_felt`: whether what a neuron does to the pulls within a step is to be seen. */
void fill_felt(const Constants *constants, const State *state, Work *work)
{
    double fastest = sqrt(dot(work->pull, work->pull, constants->n_samples));
    for (int64_t j = 0; j < state->width; j++) {
        double rate = work->right[j] = follow_rate(constants, work, j);
        fastest = larger(fastest, rate);
    }
    double least = FAINT * constants->step_tol * fastest / (double)state->width;
    for (int64_t j = 0; j < state->width; j++)
        work->is_felt[j] = work->right[j] > least;
}

/* List the pairs of felt neurons sample by sample. */
static void sort_by_sample(const Constants *constants, const State *state, Work *work)
{
    int64_t n = constants->n_samples, *place = work->by_sample;
    memset(place, 0, (size_t)(n + 2) * sizeof(int64_t));
    for (int64_t j = 0; j < state->width; j++)
        if (work->is_felt[j])
            for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
                place[work->packed_sample[q] + 2]++;
    for (int64_t k = 0; k < n; k++)
        place[k + 2] += place[k + 1];
    for (int64_t j = 0; j < state->width; j++)
        if (work->is_felt[j])
            for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
                int64_t at = place[work->packed_sample[q] + 1]++;
                work->by_sample_neuron[at] = (int32_t)j;
                work->by_sample_hidden[at] = work->hidden_series[q];
            }
}

/* Fill `products` with d_l d_{s−l} of each sample for l ≤ s/2, up to a full block of no matter. */
static void fill_products(const Constants *constants, Work *work, int64_t s)
{
    int64_t width = to_blocks(s / 2 + 1);
    for (int64_t k = 0; k < constants->n_samples; k++) {
        const double *d = work->terms + k * ROW, *back = pulls_backwards(work, k) - s;
        double *row = work->products + k * width;
        for (int64_t l = 0; l < width; l += BLOCK)
            *(Block *)(row + l) = *(const Block *)(d + l) * *(const Block *)(back + l);
    }
}

/* Sum one block over rows of `width` numbers. */
static void add_one(const double *rows, int64_t width, const int32_t *sample, int64_t count,
                    Block *sum)
{
    Block even = {0.0}, odd = {0.0};
    int64_t p = 0;
    for (; p + 2 <= count; p += 2) {
        even += *(const Block *)(rows + sample[p] * width);
        odd += *(const Block *)(rows + sample[p + 1] * width);
    }
    if (p < count)
        even += *(const Block *)(rows + sample[p] * width);
    *sum = even + odd;
}

/* Sum two blocks in the same order. */
static void add_two(const double *rows, int64_t width, const int32_t *sample, int64_t count,
                    Block *sums)
{
    Block even[2] = {{0.0}, {0.0}}, odd[2] = {{0.0}, {0.0}};
    int64_t p = 0;
    for (; p + 2 <= count; p += 2) {
        const Block *x = (const Block *)(rows + sample[p] * width);
        const Block *y = (const Block *)(rows + sample[p + 1] * width);
        even[0] += x[0];
        even[1] += x[1];
        odd[0] += y[0];
        odd[1] += y[1];
    }
    if (p < count) {
        const Block *x = (const Block *)(rows + sample[p] * width);
        even[0] += x[0];
        even[1] += x[1];
    }
    sums[0] = even[0] + odd[0];
    sums[1] = even[1] + odd[1];
}

/* Fill row s of the `gram` of neuron j. */
static void fill_gram(Work *work, int64_t j, int64_t s)
{
    int64_t start = work->bounds[j], pairs = work->bounds[j + 1] - start;
    int64_t width = to_blocks(s / 2 + 1), l = 0;
    const int32_t *sample = work->packed_sample + start;
    double *row = work->gram + j * MOST_GRAM + gram_place(s);
    for (; l + BLOCK < width; l += 2 * BLOCK)
        add_two(work->products + l, width, sample, pairs, (Block *)(row + l));
    if (l < width)
        add_one(work->products + l, width, sample, pairs, (Block *)(row + l));
}

/* Σ_k d_ik u_k over the pairs of neuron j; `load` holds d_i. */
static double pull_on_start(const Work *work, int64_t j)
{
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start, p = 0;
    const double *u = work->hidden_series + start, *d = work->load;
    const int32_t *sample = work->packed_sample + start;
    double lane[LANES] = {0.0};
    for (; p + LANES <= count; p += LANES)
        for (int64_t l = 0; l < LANES; l++)
            lane[l] += d[sample[p + l]] * u[p + l];
    for (int64_t l = 0; p + l < count; l++)
        lane[l] += d[sample[p + l]] * u[p + l];
    return sum_of_lanes(lane);
}

/* Fill `share` with what each entry of a `gram` is worth in term i + 1: Σ 1 / (i − l). */
void fill_gram_shares(const Work *work, int64_t i, double *share)
{
    memset(share, 0, MOST_GRAM * sizeof(double));
    for (int64_t s = 0; s < i; s++)
        for (int64_t l = 0; 2 * l <= s; l++)
            share[gram_place(s) + l] =
                work->inverse[i - l] + (2 * l < s ? work->inverse[i - s + l] : 0.0);
}

/* Σ_s a_{i−1−s} Σ_l d_l·d_{s−l} / (i − l), from a `gram` and a series backwards. */
double pull_on_rest(const double *gram, const double *series, int64_t i, const double *share)
{
    const double *a = series - (i - 1);
    Block total = {0.0};
    for (int64_t s = 0; s < i; s++)
        for (int64_t l = gram_place(s); l < gram_place(s + 1); l += BLOCK)
            total += a[s] * (*(const Block *)(gram + l) * *(const Block *)(share + l));
    return total_of(&total);
}

/* Fill term i + 1 of ã; return the largest entry. */
double output_terms(const Constants *constants, const State *state, Work *work, int64_t i)
{
    double largest = 0.0, share[MOST_GRAM];
    if (i > 0)
        fill_products(constants, work, i - 1);
    fill_gram_shares(work, i, share);
    for (int64_t j = 0; j < state->width; j++) {
        double speed = 0.0;
        if (work->bounds[j] < work->bounds[j + 1]) {
            if (i > 0)
                fill_gram(work, j, i - 1);
            speed = pull_on_start(work, j) +
                    pull_on_rest(work->gram + j * MOST_GRAM, series_of(work, j), i, share);
        }
        speed *= work->inverse[i + 1];
        output_row(state, work, i + 1)[j] = speed;
        series_of(work, j)[-(i + 1)] = speed;
        largest = larger(largest, fabs(speed));
    }
    return largest;
}

/* Fill `share` with w_j Σ_l a_l a_{i−1−s−l} / (i − l) for s < i, then zeros. */
static void fill_shares(const Work *work, int64_t j, int64_t i, double *share)
{
    const double *a = series_of(work, j);
    double weight = work->weight[j];
    for (int64_t s = 0; s < to_blocks(i); s += BLOCK) {
        Block total = {0.0};
        for (int64_t l = 0; l < i - s; l++)
            total += (weight * work->inverse[i - l] * a[-l]) *
                     *(const Block *)(a - (i - 1 - s - l));
        *(Block *)(share + s) = total;
    }
}

/* Fill `shares` and `right` of each felt neuron with what d_s and u_0 of Σ_l a_l u_{i−l} are. */
static void fill_all_shares(const State *state, Work *work, int64_t i)
{
    for (int64_t j = 0; j < state->width; j++) {
        work->right[j] = work->weight[j] * output_row(state, work, i)[j];
        if (work->is_felt[j])
            fill_shares(work, j, i, work->shares + j * ROW);
    }
}

/* Add Σ_s d_s over the felt neurons' shares on sample k, of one block of s. */
static void add_share(const Work *work, int64_t k, int64_t block, Block *total)
{
    const int32_t *neuron = work->by_sample_neuron;
    Block sum = {0.0};
    for (int64_t q = work->by_sample[k]; q < work->by_sample[k + 1]; q++)
        sum += *(const Block *)(work->shares + neuron[q] * ROW + block);
    *total += sum * *(const Block *)(work->terms + k * ROW + block);
}

static void add_two_shares(const Work *work, int64_t k, int64_t block, Block *total)
{
    const int32_t *neuron = work->by_sample_neuron;
    Block sum[2] = {{0.0}, {0.0}};
    for (int64_t q = work->by_sample[k]; q < work->by_sample[k + 1]; q++) {
        const Block *share = (const Block *)(work->shares + neuron[q] * ROW + block);
        sum[0] += share[0];
        sum[1] += share[1];
    }
    const Block *pull = (const Block *)(work->terms + k * ROW + block);
    *total += sum[0] * pull[0] + sum[1] * pull[1];
}

/* Σ_j w_j a_i u_0 over the felt neurons on sample k. */
static double change_by_start(const Work *work, int64_t k)
{
    const int32_t *neuron = work->by_sample_neuron;
    double total = 0.0;
    for (int64_t q = work->by_sample[k]; q < work->by_sample[k + 1]; q++)
        total += work->right[neuron[q]] * work->by_sample_hidden[q];
    return total;
}

/* Fill term i of the pulls. */
void pull_terms(const Constants *constants, const State *state, Work *work, int64_t i)
{
    fill_all_shares(state, work, i);
    for (int64_t k = 0; k < constants->n_samples; k++) {
        Block total = {0.0};
        int64_t block = 0;
        for (; block + BLOCK < i; block += 2 * BLOCK)
            add_two_shares(work, k, block, &total);
        if (block < i)
            add_share(work, k, block, &total);
        double change = change_by_start(work, k) + total_of(&total);
        put_pull(work, k, i, -constants->stiffness[k] * change);
    }
}

/* Empty the series but for what they begin with. */
void begin_series(const Constants *constants, const State *state, Work *work)
{
    int64_t n = constants->n_samples;
    sort_by_sample(constants, state, work);
    memset(work->terms, 0, (size_t)(n * ROW) * sizeof(double));
    for (int64_t k = 0; k < n; k++) {
        memset(pulls_backwards(work, k), 0, (ROW + BLOCK) * sizeof(double));
        put_pull(work, k, 0, work->pull[k]);
    }
    for (int64_t j = 0; j < state->width; j++) {
        memset(series_of(work, j), 0, (ROW + BLOCK) * sizeof(double));
        *series_of(work, j) = work->output_series[j];
    }
}

/* Put the series of ã back, which other steps that were tried have overwritten. */
void restore_outputs(const State *state, const Work *work, int64_t order)
{
    for (int64_t i = 0; i <= order; i++)
        for (int64_t j = 0; j < state->width; j++)
            output_row(state, work, i)[j] = series_of(work, j)[-i];
}
