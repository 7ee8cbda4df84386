/* The series of a Taylor step: see series.h. */
#include "series.h"

#include <math.h>
#include <string.h>

#include "lanes.h"

/* Share of the tolerance that pulls may miss by neurons whose weights are small. */
static const double FAINT = 1e-4;

static void put_pull(Work *work, int64_t k, int64_t i, double pull)
{
    work->load[k] = row_of_pulls(work, k)[i] = pull;
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

/* Add the moving neurons that are felt or not, those of one sign after those of the other. */
static int64_t add_neurons(const State *state, Work *work, bool felt, int64_t count)
{
    double sign = 0.0; /* that of the first, so that nothing depends on which is which */
    for (int rank = 0; rank < 2; rank++)
        for (int64_t j = 0; j < state->width; j++) {
            if (work->bounds[j] == work->bounds[j + 1] || work->is_felt[j] != felt)
                continue;
            sign = sign == 0.0 ? work->output_series[j] : sign;
            if ((sign * work->output_series[j] < 0.0) == rank)
                work->neuron[count++] = (int32_t)j;
        }
    return count;
}

/* Put the moving neurons in eights, the felt first; most samples have pairs with one sign only. */
static Eights order_neurons(const State *state, Work *work)
{
    int64_t felt = add_neurons(state, work, true, 0);
    int64_t count = add_neurons(state, work, false, felt);
    Eights eights = {(count + 7) / 8, (felt + 7) / 8};
    while (count % 8)
        work->neuron[count++] = -1;
    return eights;
}

/* List the pairs of neuron j, a member of the eight whose entries begin at `begin`; return where
   they end. `entry` holds the last one of each sample. */
static int64_t enter(Work *work, int64_t j, int64_t member, int64_t begin, int64_t end)
{
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
        int32_t k = work->packed_sample[q];
        int64_t at = work->entry[k];
        if (at < begin) {
            at = work->entry[k] = end++;
            work->entry_sample[at] = k;
            work->entry_members[at] = 0;
            memset(work->entry_hidden + at * 8, 0, 8 * sizeof(double));
        }
        work->entry_members[at] |= (uint8_t)(1 << member);
        work->entry_hidden[at * 8 + member] = work->hidden_series[q];
    }
    return end;
}

/* List the samples of each eight. */
static Eights fill_entries(const Constants *constants, const State *state, Work *work)
{
    Eights eights = order_neurons(state, work);
    int64_t end = 0;
    for (int64_t k = 0; k < constants->n_samples; k++)
        work->entry[k] = -1;
    for (int64_t eight = 0; eight < eights.all; eight++) {
        int64_t begin = work->entries[eight] = end;
        const int32_t *neuron = work->neuron + eight * 8;
        for (int64_t member = 0; member < 8 && neuron[member] >= 0; member++)
            end = enter(work, neuron[member], member, begin, end);
        work->entries[eight + 1] = end;
    }
    return eights;
}

/* Fill `products` with d_l d_{s−l} of each sample for l ≤ s/2, up to a full block of no matter. */
static void fill_products(const Constants *constants, Work *work, int64_t s)
{
    int64_t width = to_blocks(s / 2 + 1);
    for (int64_t k = 0; k < constants->n_samples; k++) {
        const double *d = row_of_pulls(work, k);
        double *row = work->products + k * width;
        for (int64_t l = 0; l < width; l += BLOCK) {
            Block back = *(const Block *)(d + s - l - (BLOCK - 1));
            *(Block *)(row + l) = *(const Block *)(d + l) * (Block){back[3], back[2], back[1], back[0]};
        }
    }
}

/* Sum the products of an eight's samples by which of its first and last four members have them. */
static inline void fill_buckets(const Work *work, int64_t eight, int64_t width, int64_t block,
                                const int blocks, Block *first, Block *last)
{
    memset(first, 0, (size_t)(SOME * blocks) * sizeof(Block));
    memset(last, 0, (size_t)(SOME * blocks) * sizeof(Block));
    for (int64_t e = work->entries[eight]; e < work->entries[eight + 1]; e++) {
        int members = work->entry_members[e];
        const double *products = work->products + work->entry_sample[e] * width;
        const Block *product = (const Block *)products + block;
        for (int b = 0; b < blocks; b++) {
            first[members % SOME * blocks + b] += product[b];
            last[members / SOME * blocks + b] += product[b];
        }
    }
}

/* Put the sum of the buckets that have a member into `total`. */
static void add_buckets(const Block *bucket, int member, int blocks, Block *total)
{
    *total = (Block){0.0};
    for (int some = 1 << member; some < SOME; some++)
        if (some >> member & 1)
            *total += bucket[some * blocks];
}

/* Fill one or two blocks of row s of the `gram` of each neuron of an eight. */
static inline void fill_gram_blocks(Work *work, int64_t eight, int64_t s, int64_t block,
                                    const int blocks)
{
    _Alignas(64) Block buckets[2][2 * SOME];
    fill_buckets(work, eight, to_blocks(s / 2 + 1), block, blocks, buckets[0], buckets[1]);
    for (int member = 0; member < 8; member++) {
        int32_t j = work->neuron[eight * 8 + member];
        if (j < 0)
            break;
        Block *row = (Block *)(work->gram + j * MOST_GRAM + gram_place(s)) + block;
        for (int b = 0; b < blocks; b++)
            add_buckets(buckets[member / BLOCK] + b, member % BLOCK, blocks, row + b);
    }
}

static void fill_gram(Work *work, int64_t eight, int64_t s)
{
    int64_t blocks = to_blocks(s / 2 + 1) / BLOCK, block = 0;
    for (; block + 1 < blocks; block += 2)
        fill_gram_blocks(work, eight, s, block, 2);
    if (block < blocks)
        fill_gram_blocks(work, eight, s, block, 1);
}

/* Fill `slope` with d_i·u_0 of the neurons of an eight. */
static void fill_slopes(const Work *work, int64_t eight, double slope[8])
{
    Block even[2] = {{0.0}, {0.0}}, odd[2] = {{0.0}, {0.0}};
    const Block *hidden = (const Block *)work->entry_hidden;
    int64_t e = work->entries[eight], end = work->entries[eight + 1];
    for (; e + 1 < end; e += 2) {
        double d = work->load[work->entry_sample[e]], next = work->load[work->entry_sample[e + 1]];
        even[0] += d * hidden[2 * e];
        even[1] += d * hidden[2 * e + 1];
        odd[0] += next * hidden[2 * e + 2];
        odd[1] += next * hidden[2 * e + 3];
    }
    for (; e < end; e++) {
        even[0] += work->load[work->entry_sample[e]] * hidden[2 * e];
        even[1] += work->load[work->entry_sample[e]] * hidden[2 * e + 1];
    }
    ((Block *)slope)[0] = even[0] + odd[0];
    ((Block *)slope)[1] = even[1] + odd[1];
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

/* Fill term i + 1 of ã; return the largest entry. */
static double output_terms(const State *state, Work *work, Eights eights, int64_t i)
{
    double largest = 0.0, share[MOST_GRAM], slope[8], *outputs = output_row(state, work, i + 1);
    fill_gram_shares(work, i, share);
    memset(outputs, 0, (size_t)state->width * sizeof(double));
    for (int64_t eight = 0; eight < eights.all; eight++) {
        fill_slopes(work, eight, slope);
        if (i > 0)
            fill_gram(work, eight, i - 1);
        for (int member = 0; member < 8; member++) {
            int32_t j = work->neuron[eight * 8 + member];
            if (j < 0)
                break;
            double rest = pull_on_rest(work->gram + j * MOST_GRAM, series_of(work, j), i, share);
            outputs[j] = work->inverse[i + 1] * (slope[member] + rest);
            series_of(work, j)[-(i + 1)] = outputs[j];
            largest = larger(largest, fabs(outputs[j]));
        }
    }
    return largest;
}

/* Fill the `shares` of a felt eight, what d_s are of Σ_l a_l u_{i−l}, and what u_0 is of it. */
static void fill_eight(const State *state, Work *work, int64_t eight, int64_t i, double by_start[8])
{
    memset(work->shares, 0, 8 * ROW * sizeof(double));
    for (int member = 0; member < 8; member++) {
        int32_t j = work->neuron[eight * 8 + member];
        by_start[member] = 0.0;
        if (j < 0 || !work->is_felt[j])
            continue;
        by_start[member] = work->weight[j] * output_row(state, work, i)[j];
        fill_shares(work, j, i, work->shares + member * ROW);
    }
}

/* Add Σ_j w_j a_i u_0 over the neurons of an eight to `totals`. */
static void add_starts(Work *work, int64_t eight, const double by_start[8])
{
    const Block *hidden = (const Block *)work->entry_hidden, *share = (const Block *)by_start;
    Block *total = (Block *)work->totals, first = share[0], last = share[1];
    for (int64_t e = work->entries[eight]; e < work->entries[eight + 1]; e++)
        total[work->entry_sample[e]] += first * hidden[2 * e] + last * hidden[2 * e + 1];
}

/* Fill what the shares of some of four neurons add up to, for each choice of some. */
static inline void fill_table(const double *shares, const int blocks, Block *table)
{
    for (int b = 0; b < blocks; b++)
        table[b] = (Block){0.0};
    for (int member = 0; member < BLOCK; member++)
        for (int some = 0; some < 1 << member; some++)
            for (int b = 0; b < blocks; b++)
                table[((1 << member) + some) * blocks + b] =
                    table[some * blocks + b] + ((const Block *)(shares + member * ROW))[b];
}

/* Add one or two blocks of Σ_s d_s over the shares of an eight to `totals`. */
static inline void add_shares(Work *work, int64_t eight, int64_t block, const int blocks)
{
    _Alignas(64) Block first[2 * SOME], last[2 * SOME];
    Block *totals = (Block *)work->totals;
    fill_table(work->shares + block * BLOCK, blocks, first);
    fill_table(work->shares + BLOCK * ROW + block * BLOCK, blocks, last);
    for (int64_t e = work->entries[eight]; e < work->entries[eight + 1]; e++) {
        int32_t k = work->entry_sample[e];
        int members = work->entry_members[e];
        const Block *pull = (const Block *)row_of_pulls(work, k) + block;
        Block total = totals[k];
        for (int b = 0; b < blocks; b++)
            total += (first[members % SOME * blocks + b] + last[members / SOME * blocks + b]) *
                     pull[b];
        totals[k] = total;
    }
}

/* Fill term i of the pulls. */
static void pull_terms(const Constants *constants, const State *state, Work *work, Eights eights,
                       int64_t i)
{
    int64_t n = constants->n_samples;
    double by_start[8];
    memset(work->totals, 0, (size_t)(n * BLOCK) * sizeof(double));
    for (int64_t eight = 0; eight < eights.felt; eight++) {
        int64_t block = 0, blocks = to_blocks(i) / BLOCK;
        fill_eight(state, work, eight, i, by_start);
        add_starts(work, eight, by_start);
        for (; block + 1 < blocks; block += 2)
            add_shares(work, eight, block, 2);
        if (block < blocks)
            add_shares(work, eight, block, 1);
    }
    for (int64_t k = 0; k < n; k++)
        put_pull(work, k, i,
                 -constants->stiffness[k] * total_of((const Block *)work->totals + k));
}

/* Fill term i of the pulls, where i > 0, then term i + 1 of ã; return the largest entry of that. */
double next_terms(const Constants *constants, const State *state, Work *work, Eights eights,
                  int64_t i)
{
    if (i > 0) {
        pull_terms(constants, state, work, eights, i);
        fill_products(constants, work, i - 1);
    }
    return output_terms(state, work, eights, i);
}

/* Empty the series but for what they begin with; return how the neurons are put. */
Eights begin_series(const Constants *constants, const State *state, Work *work)
{
    int64_t n = constants->n_samples;
    memset(work->terms, 0, (size_t)((n + 1) * ROW) * sizeof(double));
    for (int64_t k = 0; k < n; k++)
        put_pull(work, k, 0, work->pull[k]);
    for (int64_t j = 0; j < state->width; j++) {
        memset(series_of(work, j) - ROW, 0, (2 * ROW + BLOCK) * sizeof(double));
        *series_of(work, j) = work->output_series[j];
    }
    return fill_entries(constants, state, work);
}

/* Put the series of ã back, which other steps that were tried have overwritten. */
void restore_outputs(const State *state, const Work *work, int64_t order)
{
    for (int64_t i = 0; i <= order; i++)
        for (int64_t j = 0; j < state->width; j++)
            output_row(state, work, i)[j] = series_of(work, j)[-i];
}
