/* The jump process on packed active sets.
 *
 * State: exponents e_j, the list of open samples, and for each neuron the sum over its open samples
 * of their weights, which gives the growth rate ρ_j (weights.c). Repeat
 *
 *     Δ = min_j −e_j / ρ_j,    s += Δ,    e_j += ρ_j Δ        wait for the first to reach 0
 *     the open samples on which the neurons that arrived are active are fitted: they close
 *
 * until no sample is open. `jump_process` is the whole loop on samples held in one piece;
 * limit/block_process.py runs the same loop over many blocks, with the same functions.
 *
 * The plain twin is twins.jump_process, which sums all rates afresh.
 */
#include <string.h>

#include "squares.h"
#include "weights.h"

#define PORTION 4096 /* samples that stay in the cache while they are split and weighed */

/* What the loop knows of the neurons. Numbers are twofold: a float would lose, at each jump, the
 * digits in which the arrivals of neurons agree. */
typedef struct {
    double *exponents;      /* (2, width) */
    double *speeds;         /* (2, width): n ρ_j; n stays apart so that rationals come out exact */
    double *arrivals;       /* (2, width): waits −e_j / ρ_j; inf if never */
    int64_t *jump_of_neuron; /* (width,): −1 while dormant */
    int64_t width;
} Neurons;

/* One jump. */
typedef struct {
    double wait;
    double margin;      /* the wait of the runner-up after it */
    double escape_rate; /* the fastest growth rate before */
} Jump;

/* A process held by the caller, and room for what it does. */
typedef struct {
    Neurons neurons;
    Sums sums;
    uint64_t *group;      /* (n_words,): bits of the neurons that activate */
    uint32_t *still_open; /* (n,): the first n_open count */
    uint32_t *fitted;     /* (n,): in the order in which they are fitted */
    int64_t n_open, n_fitted, n_jumps;
    double clock, tie_tol;
    double *times, *margins;  /* (room,) */
    double *escape_rates;     /* (room + 1,) */
    double *exponents;        /* (room + 1, width) */
    int64_t *offsets;         /* (room + 1,): of the jumps into `fitted` */
    int64_t room;
} Process;

API int64_t are_matching(const Samples *, const uint64_t *of_sign);
API int64_t open_samples(const Samples *, uint32_t *listed, int64_t *n_unfit);
API void set_speeds(const Sums *, const Neurons *);
API void next_jump(int64_t number, double clock, int64_t n_samples, double tie_tol,
                   const Neurons *, uint64_t *group, int64_t n_words, Jump *);
API int64_t fit_and_weigh(const Samples *, const uint64_t *group, const List *still_open,
                          uint32_t *left_open, uint32_t *fitted, Sums *, int64_t *of_labels,
                          int64_t *of_targets);
API void start_process(const Samples *, Process *);
API int64_t go_on(const Samples *, Process *);

/* Tell whether neurons are active on labels of their sign only; of_sign (3, n_words). */
int64_t are_matching(const Samples *all, const uint64_t *of_sign)
{
    uint64_t wrong = 0;
    for (int64_t k = 0; k < all->n; k++) {
        const uint64_t *allowed = of_sign + (1 + (all->y[k] > 0) - (all->y[k] < 0)) * all->n_words;
        for (int64_t w = 0; w < all->n_words; w++)
            wrong |= all->words[k * all->n_words + w] & ~allowed[w];
    }
    return wrong == 0;
}

/* Whether any neuron of the group is active on sample k. */
static inline int is_hit(const Samples *all, const uint64_t *group, uint32_t k)
{
    const uint64_t *words = all->words + k * all->n_words;
    uint64_t hit = words[0] & group[0]; /* outside the loop: most have one word */
    for (int64_t w = 1; w < all->n_words; w++)
        hit |= words[w] & group[w];
    return hit != 0;
}

static int is_covered(const Samples *all, int64_t k)
{
    uint64_t covered = 0;
    for (int64_t w = 0; w < all->n_words; w++)
        covered |= all->words[k * all->n_words + w];
    return covered != 0;
}

/* List the samples with a label: covered by a neuron from the start of `listed`, others from its
 * end. Returns how many there are of the former. */
int64_t open_samples(const Samples *all, uint32_t *listed, int64_t *n_unfit)
{
    int64_t n_open = 0;
    *n_unfit = 0;
    for (int64_t k = 0; k < all->n; k++) {
        if (all->y[k] == 0)
            continue;
        if (is_covered(all, k))
            listed[n_open++] = (uint32_t)k;
        else
            listed[all->n - ++*n_unfit] = (uint32_t)k;
    }
    return n_open;
}

/* Entry j of a row of twofold numbers. */
static inline Twofold at(const double *row, int64_t width, int64_t j)
{
    return (Twofold){row[j], row[width + j]};
}

static inline void put(double *row, int64_t width, int64_t j, Twofold value)
{
    row[j] = value.high;
    row[width + j] = value.low;
}

/* Fill `speeds` with n ρ_j. */
void set_speeds(const Sums *sums, const Neurons *neurons)
{
    for (int64_t j = 0; j < neurons->width; j++)
        put(neurons->speeds, neurons->width, j, speed_of(sums, j));
}

static double fastest_dormant(const Neurons *neurons)
{
    double fastest = 0.0;
    for (int64_t j = 0; j < neurons->width; j++)
        if (neurons->jump_of_neuron[j] < 0 && neurons->speeds[j] > fastest)
            fastest = neurons->speeds[j];
    return fastest;
}

/* Fill `arrivals` with the waits of the dormant neurons; return the least. */
static Twofold first_arrival(int64_t n_samples, const Neurons *neurons)
{
    Twofold least = {INFINITY, 0.0}, never = {INFINITY, 0.0}, n = {(double)n_samples, 0.0};
    int64_t width = neurons->width;
    for (int64_t j = 0; j < width; j++) {
        Twofold speed = at(neurons->speeds, width, j), wait = never;
        if (neurons->jump_of_neuron[j] < 0 && speed.high != 0)
            wait = divide(multiply(negative(at(neurons->exponents, width, j)), n), speed);
        put(neurons->arrivals, width, j, wait);
        if (wait.high < least.high || (wait.high == least.high && wait.low < least.low))
            least = wait;
    }
    return least;
}

/* Wait for the first dormant neurons to arrive and activate them: set their bits in `group`. */
void next_jump(int64_t number, double clock, int64_t n_samples, double tie_tol,
               const Neurons *neurons, uint64_t *group, int64_t n_words, Jump *jump)
{
    int64_t width = neurons->width, n_arrived = 0;
    Twofold wait = first_arrival(n_samples, neurons), n = {(double)n_samples, 0.0};
    double slack = tie_tol * (clock + wait.high), runner_up = INFINITY;
    jump->escape_rate = fastest_dormant(neurons) / (double)n_samples;
    jump->wait = wait.high;
    memset(group, 0, (size_t)n_words * sizeof *group);
    for (int64_t j = 0; j < width; j++) {
        Twofold arrival = at(neurons->arrivals, width, j);
        if (arrival.high == INFINITY)
            continue;
        Twofold late = add(arrival, negative(wait));
        if (late.high <= slack) {
            n_arrived++;
            put(neurons->exponents, width, j, (Twofold){0.0, 0.0});
            neurons->jump_of_neuron[j] = number;
            group[j >> 6] |= (uint64_t)1 << (j & 63);
        } else {
            Twofold grown = divide(multiply(late, at(neurons->speeds, width, j)), n);
            put(neurons->exponents, width, j, negative(grown));
            runner_up = late.high < runner_up ? late.high : runner_up;
        }
    }
    jump->margin = n_arrived > 1 ? 0.0 : runner_up;
}

/* Split the open samples by whether the group is active on them; return how many stay open.
 *
 * Writes them in order to `left_open`, which may be the list itself, and `fitted`.
 */
static int64_t fit(const Samples *all, const uint64_t *group, const List *still_open,
                   uint32_t *left_open, uint32_t *fitted)
{
    int64_t left = 0, newly = 0;
    for (int64_t i = 0; i < still_open->n; i++) {
        uint32_t k = still_open->samples[i];
        int hit = is_hit(all, group, k);
        fitted[newly] = left_open[left] = k; /* whether it is a hit cannot be foreseen: no branch */
        newly += hit;
        left += !hit;
    }
    return left;
}

/* Fit many samples, in portions that stay in the cache.
 *
 * Adds the weights of the newly fitted to the sums, and Σ y² and Σ β² to digits of squares.
 * Returns how many stay open.
 */
int64_t fit_and_weigh(const Samples *all, const uint64_t *group, const List *still_open,
                      uint32_t *left_open, uint32_t *fitted, Sums *sums, int64_t *of_labels,
                      int64_t *of_targets)
{
    int64_t left = 0, newly = 0;
    for (int64_t start = 0; start < still_open->n; start += PORTION) {
        int64_t rest = still_open->n - start;
        List portion = {still_open->samples + start, rest < PORTION ? rest : PORTION};
        int64_t stay = fit(all, group, &portion, left_open + left, fitted + newly);
        List just = {fitted + newly, portion.n - stay};
        add_squares(all, &just, of_labels, of_targets);
        add_weights(all, &just, 1, sums);
        left += stay;
        newly += just.n;
    }
    return left;
}

/* Fill the sums with the weights of the open samples, at their scale. */
static void weigh_afresh(const Samples *all, Process *process)
{
    List still_open = {process->still_open, process->n_open};
    Sums *sums = &process->sums;
    sums->scale = scale_of(all, &still_open);
    memset(sums->limbs, 0, 3 * (size_t)sums->n_neurons * sizeof *sums->limbs);
    add_weights(all, &still_open, 1, sums);
}

static void keep_exponents(Process *process)
{
    size_t width = (size_t)process->neurons.width;
    double *row = process->exponents + (size_t)process->n_jumps * width;
    memcpy(row, process->neurons.exponents, width * sizeof *row);
}

/* Start from exponents −1 and the open samples that are listed. */
void start_process(const Samples *all, Process *process)
{
    weigh_afresh(all, process);
    keep_exponents(process);
}

/* Close the samples of the group. */
static void close_samples(const Samples *all, Process *process)
{
    List still_open = {process->still_open, process->n_open};
    uint32_t *fitted = process->fitted + process->n_fitted;
    int64_t left = fit(all, process->group, &still_open, process->still_open, fitted);
    List just = {fitted, process->n_open - left};
    process->n_open = left;
    process->n_fitted += just.n;
    add_weights(all, &just, -1, &process->sums);
    if (left > 0 && are_small(&process->sums))
        weigh_afresh(all, process);
}

/* Jump until no sample is open, or the room is full; return how many samples are open. */
int64_t go_on(const Samples *all, Process *process)
{
    while (process->n_open > 0 && process->n_jumps < process->room) {
        Jump jump;
        int64_t number = process->n_jumps++;
        set_speeds(&process->sums, &process->neurons);
        next_jump(number, process->clock, all->n, process->tie_tol, &process->neurons,
                  process->group, all->n_words, &jump);
        process->clock += jump.wait;
        process->times[number] = process->clock;
        process->margins[number] = jump.margin;
        process->escape_rates[number] = jump.escape_rate;
        close_samples(all, process);
        process->offsets[number + 1] = process->n_fitted;
        keep_exponents(process);
    }
    return process->n_open;
}
