/* Many small trials in a row: draw a problem and active sets from a seed, run the jump process.
 *
 * A trial is numbered; its seed is hashed from that of the sweep and its number. It draws, in this
 * order, labels, norms, a key and the signs of the neurons from PCG64, and the bits of the active
 * sets from Philox with that key: number by number what `make_orthogonal` and `ActiveSets.draw`
 * take from NumPy. Normal numbers are NumPy's own, whose function is handed over.
 *
 * The twin is sweeps/trials.py:run_trial.
 */
#include <string.h>

#include "jumps.h"
#include "least.h"
#include "squares.h"
#include "streams.h"

#define MOST_WORDS 16 /* of active sets */

enum { GAUSSIAN, SIGN, UNIFORM };       /* labels */
enum { UNIT, LOGNORMAL, UNIFORM_NORM }; /* norms */

/* What NumPy's functions take numbers from. */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *);
    uint32_t (*next_uint32)(void *);
    double (*next_double)(void *);
    uint64_t (*next_raw)(void *);
} BitGenerator;

typedef void Normals(BitGenerator *, intptr_t n, double *out);

/* Trials of one setting, and room for what they draw. */
typedef struct {
    int64_t n_samples, width, n_words, labels, norms_law;
    uint32_t seed[4];      /* of the sweep */
    const int64_t *trials; /* (n_trials,): their numbers */
    int64_t n_trials;
    Normals *normals;
    uint64_t *seeds; /* (n_trials,) */
    double *y;       /* (n_trials, n) */
    double *norms;   /* (n_trials, n): of the law LOGNORMAL twice their logarithms; NULL if UNIT */
    uint64_t *keys;  /* (n_trials, 2) */
    int8_t *signs;   /* (n_trials, width) */
} Draws;

/* What comes of them, (n_trials,) each. */
typedef struct {
    int64_t *n_jumps, *n_ties, *n_unfit;
    double *low, *high; /* bounds of the squared norm at the end */
    double *final_loss, *first_clock, *last_clock;
    double *largest; /* (n_trials, 2): |β_k| of each sign */
    double *scaled;  /* (n_trials, 2, n): |β_k| over it, 0 at those of the other sign */
    uint64_t *words;  /* (n, n_words): room */
} Outcomes;

API void draw_trials(const Draws *);
API void run_trials(const Draws *, Process *, const Outcomes *);

/* The seed of a trial: that of the sweep and, behind it, the number of the trial. */
static uint64_t seed_of(const uint32_t sweep[4], int64_t trial)
{
    uint32_t entropy[6], words[2];
    memcpy(entropy, sweep, 4 * sizeof *entropy);
    entropy[4] = (uint32_t)trial;
    entropy[5] = (uint32_t)(trial >> 32);
    fill_from_entropy(entropy, entropy[5] ? 6 : 5, words, 2);
    return (uint64_t)words[1] << 32 | words[0];
}

/* PCG64 as NumPy's functions call it. */
static uint64_t numpy_64(void *pcg)
{
    return next_64(pcg);
}

static uint32_t numpy_32(void *pcg)
{
    return next_32(pcg);
}

static double numpy_double(void *pcg)
{
    return next_double(pcg);
}

static void draw_normals(Normals *normals, Pcg *pcg, int64_t n, double *out)
{
    BitGenerator generator = {pcg, numpy_64, numpy_32, numpy_double, numpy_64};
    normals(&generator, (intptr_t)n, out);
}

static void draw_labels(const Draws *draws, Pcg *pcg, double *y)
{
    if (draws->labels == GAUSSIAN) {
        draw_normals(draws->normals, pcg, draws->n_samples, y);
        return;
    }
    for (int64_t k = 0; k < draws->n_samples; k++)
        y[k] = next_32(pcg) >> 31 ? 1.0 : -1.0;
    if (draws->labels == UNIFORM)
        for (int64_t k = 0; k < draws->n_samples; k++)
            y[k] *= 1.0 + next_double(pcg);
}

static void draw_norms(const Draws *draws, Pcg *pcg, double *norms)
{
    if (draws->norms_law == LOGNORMAL)
        draw_normals(draws->normals, pcg, draws->n_samples, norms);
    else if (draws->norms_law == UNIFORM_NORM)
        for (int64_t k = 0; k < draws->n_samples; k++)
            norms[k] = 1.0 + next_double(pcg);
}

/* A fair coin for each neuron: the highest bit of a byte, four bytes to a number of 32 bits. */
static void draw_signs(Pcg *pcg, int64_t width, int8_t *signs)
{
    uint32_t bytes = 0;
    for (int64_t j = 0; j < width; j++, bytes >>= 8) {
        if (j % 4 == 0)
            bytes = next_32(pcg);
        signs[j] = bytes & 0x80 ? 1 : -1;
    }
}

void draw_trials(const Draws *draws)
{
    int64_t n = draws->n_samples, width = draws->width;
    for (int64_t i = 0; i < draws->n_trials; i++) {
        draws->seeds[i] = seed_of(draws->seed, draws->trials[i]);
        Pcg pcg = pcg_of_seed(draws->seeds[i]);
        draw_labels(draws, &pcg, draws->y + i * n);
        if (draws->norms)
            draw_norms(draws, &pcg, draws->norms + i * n);
        draws->keys[2 * i] = next_64(&pcg);
        draws->keys[2 * i + 1] = next_64(&pcg);
        draw_signs(&pcg, width, draws->signs + i * width);
    }
}

/* Bits of the neurons of sign −1, 1 and, of which there are none, 0. */
static void set_sides(const int8_t *signs, int64_t width, int64_t n_words, uint64_t *of_sign)
{
    memset(of_sign, 0, 3 * (size_t)n_words * sizeof *of_sign);
    for (int64_t j = 0; j < width; j++)
        of_sign[(signs[j] > 0) * n_words + (j >> 6)] |= (uint64_t)1 << (j & 63);
}

/* Toss for the bits of all samples; those of neurons of the other sign do not count. */
static void draw_words(const uint64_t key[2], const double *y, const uint64_t *of_sign, int64_t n,
                       int64_t n_words, uint64_t *words)
{
    philox(key, n * n_words, words);
    for (int64_t k = 0; k < n; k++) {
        int side = 2 - 2 * (y[k] < 0) - (y[k] > 0); /* a place, for signs cannot be foreseen */
        for (int64_t w = 0; w < n_words; w++)
            words[k * n_words + w] &= of_sign[side * n_words + w];
    }
}

/* Open the samples and put the neurons back to the start. */
static int64_t open_trial(const Samples *all, Process *process)
{
    Neurons *neurons = &process->neurons;
    Opened opened;
    open_samples(all, process->of_sign, process->still_open, &opened);
    memcpy(process->n_open, opened.n_open, sizeof process->n_open);
    process->sums.scale = opened.scale;
    process->n_jumps = process->n_fitted = 0;
    process->clock = 0.0;
    for (int64_t j = 0; j < neurons->width; j++) {
        neurons->exponents[j] = -1.0;
        neurons->exponents[neurons->width + j] = 0.0;
        neurons->jump_of_neuron[j] = -1;
    }
    return opened.n_unfit;
}

/* 2 ‖β_B‖ over some samples. */
static double added_norm(const Samples *all, const uint32_t *samples, int64_t n)
{
    List list = {samples, n};
    int64_t of_targets[DIGITS] = {0};
    double root;
    add_squares(all, &list, NULL, of_targets);
    square_roots(of_targets, 1, &root);
    return 2 * root;
}

static const uint64_t *words_of(const Samples *all, uint32_t k)
{
    return all->words + (int64_t)k * all->n_words;
}

/* Let the part take in the neurons of the group that share a sample with it; tell whether any did. */
static int take_in(const Samples *all, const List *fitted, const uint64_t *group, uint64_t *part)
{
    uint64_t taken = 0;
    for (int64_t i = 0; i < fitted->n; i++) {
        const uint64_t *words = words_of(all, fitted->samples[i]);
        if (!is_hit(words, part, all->n_words))
            continue;
        for (int64_t w = 0; w < all->n_words; w++) {
            taken |= words[w] & group[w] & ~part[w];
            part[w] |= words[w] & group[w];
        }
    }
    return taken != 0;
}

/* List the samples that the neurons hit; tell whether each of them hits all of these. */
static int list_hits(const Samples *all, const List *fitted, const uint64_t *neurons,
                     uint32_t *hits, int64_t *n)
{
    uint64_t missing = 0;
    *n = 0;
    for (int64_t i = 0; i < fitted->n; i++) {
        uint32_t k = fitted->samples[i];
        if (!is_hit(words_of(all, k), neurons, all->n_words))
            continue;
        hits[(*n)++] = k;
        for (int64_t w = 0; w < all->n_words; w++)
            missing |= neurons[w] & ~words_of(all, k)[w];
    }
    return missing == 0;
}

/* The neurons of a jump. */
static void find_group(const Neurons *neurons, int64_t jump, int64_t n_words, uint64_t *group)
{
    memset(group, 0, (size_t)n_words * sizeof *group);
    for (int64_t j = 0; j < neurons->width; j++)
        if (neurons->jump_of_neuron[j] == jump)
            group[j >> 6] |= (uint64_t)1 << (j & 63);
}

/* Σ 2 ‖β on S_j‖ over the neurons of a part, each at the most of the fitted samples it can fit. */
static double norm_apart(const Samples *all, const List *fitted, uint64_t *part, uint32_t *hits)
{
    double total = 0.0;
    uint64_t alone[MOST_WORDS] = {0};
    for (int64_t w = 0; w < all->n_words; w++)
        for (uint64_t left = part[w]; left != 0; left &= left - 1) {
            int64_t n;
            alone[w] = left & -left;
            list_hits(all, fitted, alone, hits, &n);
            total += added_norm(all, hits, n);
            alone[w] = 0;
        }
    return total;
}

/* Least and most that a tie adds to the squared norm: neurons that share samples, directly or
 * through others, fit them together. */
static void norm_of_tie(const Samples *all, const List *fitted, const uint64_t *group,
                        uint32_t *hits, double bounds[2])
{
    uint64_t left[MOST_WORDS], part[MOST_WORDS];
    bounds[0] = bounds[1] = 0.0;
    memcpy(left, group, (size_t)all->n_words * sizeof *left);
    for (int64_t w = 0; w < all->n_words; w++)
        while (left[w] != 0) {
            int64_t n;
            memset(part, 0, sizeof part);
            part[w] = left[w] & -left[w];
            while (take_in(all, fitted, group, part))
                ;
            int is_equal = list_hits(all, fitted, part, hits, &n);
            double together = added_norm(all, hits, n);
            bounds[0] += together;
            bounds[1] += is_equal ? together : norm_apart(all, fitted, part, hits);
            for (int64_t v = 0; v < all->n_words; v++)
                left[v] &= ~part[v];
        }
}

/* Sum what the jumps add to the squared norm: its least and its most at the end. */
static void sum_norms(const Samples *all, Process *process, double total[2])
{
    total[0] = total[1] = 0.0;
    for (int64_t jump = 0; jump < process->n_jumps; jump++) {
        int64_t start = process->offsets[jump];
        List fitted = {process->fitted + start, process->offsets[jump + 1] - start};
        double added[2];
        if (process->margins[jump] == 0) {
            uint32_t *room = process->still_open + all->n; /* of which none is left open */
            find_group(&process->neurons, jump, all->n_words, process->group);
            norm_of_tie(all, &fitted, process->group, room, added);
        } else {
            added[0] = added[1] = added_norm(all, fitted.samples, fitted.n);
        }
        total[0] += added[0];
        total[1] += added[1];
    }
}

/* (1/2n) Σ y² over samples that are never fitted. */
static double loss_of(const Samples *all, const List *unfit)
{
    int64_t of_labels[DIGITS] = {0}, of_targets[DIGITS] = {0};
    double sum;
    add_squares(all, unfit, of_labels, of_targets);
    values(of_labels, 1, &sum);
    return sum / (double)(2 * all->n);
}

/* Split |β| by sign, over the largest of each. */
static void scale_targets(const Samples *all, double *largest, double *scaled)
{
    double *negative = scaled, *positive = scaled + all->n;
    for (int64_t k = 0; k < all->n; k++)
        positive[k] = target_of(all, k);
    double low = fmin(0.0, least_of(1.0, positive, all->n));
    double high = fmax(0.0, -least_of(-1.0, positive, all->n));
    largest[0] = -low;
    largest[1] = high;
    for (int64_t k = 0; k < all->n; k++) {
        double target = positive[k], share = target / (target < 0 ? low : high);
        negative[k] = target < 0 ? share : 0.0;
        positive[k] = target > 0 ? share : 0.0;
    }
}

static void run_trial(const Draws *draws, int64_t i, Process *process, const Outcomes *outcomes)
{
    int64_t n = draws->n_samples, n_words = draws->n_words;
    uint64_t of_sign[3 * MOST_WORDS];
    Samples all = {outcomes->words, draws->y + i * n, draws->norms ? draws->norms + i * n : NULL,
                   n, n_words};
    set_sides(draws->signs + i * draws->width, draws->width, n_words, of_sign);
    draw_words(draws->keys + 2 * i, all.y, of_sign, n, n_words, outcomes->words);
    process->of_sign = of_sign;
    int64_t n_unfit = open_trial(&all, process), n_ties = 0;
    start_process(&all, process);
    go_on(&all, process);

    double bounds[2];
    List unfit = {process->still_open + n - n_unfit, n_unfit};
    sum_norms(&all, process, bounds);
    for (int64_t jump = 0; jump < process->n_jumps; jump++)
        n_ties += process->margins[jump] == 0;
    outcomes->n_jumps[i] = process->n_jumps;
    outcomes->n_ties[i] = n_ties;
    outcomes->n_unfit[i] = n_unfit;
    outcomes->low[i] = bounds[0];
    outcomes->high[i] = bounds[1];
    outcomes->final_loss[i] = loss_of(&all, &unfit);
    outcomes->first_clock[i] = process->n_jumps ? process->times[0] : NAN;
    outcomes->last_clock[i] = process->n_jumps ? process->clock : NAN;
    scale_targets(&all, outcomes->largest + 2 * i, outcomes->scaled + 2 * i * n);
}

/* Run trials that are drawn; the process has room for a jump of each neuron. */
void run_trials(const Draws *draws, Process *process, const Outcomes *outcomes)
{
    for (int64_t i = 0; i < draws->n_trials; i++)
        run_trial(draws, i, process, outcomes);
}
