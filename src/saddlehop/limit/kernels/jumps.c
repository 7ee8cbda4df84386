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
 * The open samples of each sign are listed apart, for a neuron can fit those of its sign only.
 * Loops over neurons leave out none and have no branches, so that several neurons are worked on at
 * once.
 *
 * The plain twin is twins.jump_process, which sums all rates afresh.
 */
#include "jumps.h"

#include <string.h>

#include "least.h"
#include "squares.h"

#define AHEAD 32            /* samples of which words are fetched from memory before their turn */
#define PORTION 4096        /* samples that stay in the cache while they are split and weighed */
#define LEAST_SUM 0x1p-122  /* below it few digits are left, and a neuron does not move */
#define LOW_BITS 0x7FFFFFFF /* 31 of them: floats have no room for the 62 of a limb */

static inline void look(const Samples *all, const uint64_t *of_sign, int64_t n_words,
                        uint32_t *listed, Opened *opened)
{
    uint32_t *side[2] = {listed, listed + all->n};
    int64_t n_open[2] = {0, 0}, n_unfit = 0, n_negative = 0, n_positive = 0, has_unit_norms = 1;
    uint64_t wrong = 0;
    double largest = 0.0;
    for (int64_t k = 0; k < all->n; k++) {
        int is_positive = all->y[k] > 0, is_negative = all->y[k] < 0;
        uint64_t covered = 0, positive = -(uint64_t)is_positive, negative = -(uint64_t)is_negative;
        for (int64_t w = 0; w < n_words; w++) {
            uint64_t word = all->words[k * n_words + w];
            uint64_t own = word & ((of_sign[w] & negative) | (of_sign[n_words + w] & positive));
            covered |= own;
            wrong |= word ^ own;
        }
        n_negative += is_negative;
        n_positive += is_positive;
        side[0][n_open[0]] = side[1][n_open[1]] = (uint32_t)k; /* no branch: signs are random */
        n_open[0] += is_negative & (covered != 0);
        n_open[1] += is_positive & (covered != 0);
        double norm = norm_of(all, k), p = fabs(all->y[k] * norm);
        has_unit_norms &= norm == 1.0;
        if (covered == 0) {
            p = 0.0;
            if (is_negative | is_positive)
                listed[all->n - ++n_unfit] = (uint32_t)k;
        }
        largest = p > largest ? p : largest;
    }
    *opened = (Opened){{n_open[0], n_open[1]}, n_unfit,     {n_negative, n_positive},
                       scale_above(largest),   wrong == 0, has_unit_norms};
}

/* Look at all samples. List the open ones of each side, shape (2, n), and those with a label that
 * no neuron covers, from the end of the first row. */
void open_samples(const Samples *all, const uint64_t *of_sign, uint32_t *listed, Opened *opened)
{
    if (all->n_words == 1)
        look(all, of_sign, 1, listed, opened);
    else
        look(all, of_sign, all->n_words, listed, opened);
}

/* A limb in units of `unit`, exactly. */
static inline Twofold unfolded(int64_t limb, double unit)
{
    double upper = (double)(int32_t)(limb >> 31), lower = (double)(int32_t)(limb & LOW_BITS);
    return (Twofold){upper * (unit * 0x1p31), lower * unit};
}

static void fill_speeds(int64_t width, double unit, double first_factor, double second_factor,
                        const int64_t *restrict first, const int64_t *restrict second,
                        const int64_t *restrict third, double *restrict speeds)
{
    for (int64_t j = 0; j < width; j++) {
        Twofold upper = unfolded(first[j], unit);
        Twofold sum = add(whole(upper.high, upper.low), unfolded(second[j], unit * unit));
        sum = add(sum, unfolded(third[j], unit * unit * unit));
        Twofold root = square_root(sum);
        int moves = sum.high > LEAST_SUM;
        speeds[j] = moves ? root.high * first_factor * second_factor : 0.0;
        speeds[width + j] = moves ? root.low * first_factor * second_factor : 0.0;
    }
}

/* Fill `speeds` with n ρ_j; 0 if it is about 1e-18 of the largest or less. */
void set_speeds(const Sums *sums, const Neurons *neurons)
{
    double factors[2];
    const int64_t *first = sums->limbs, *second = first + sums->n_neurons;
    powers(sums->scale, factors);
    fill_speeds(neurons->width, ldexp(1.0, -(int)sums->bits), factors[0], factors[1], first, second,
                second + sums->n_neurons, neurons->speeds);
}

/* Fill `arrivals` with the waits of the dormant neurons that move; the others have no speed. */
static void set_arrivals(double n_samples, int64_t width, const int64_t *restrict jump_of_neuron,
                         const double *restrict exponents, double *restrict speeds,
                         double *restrict arrivals)
{
    Twofold n = {n_samples, 0.0};
    for (int64_t j = 0; j < width; j++) {
        Twofold way = multiply((Twofold){-exponents[j], -exponents[width + j]}, n);
        Twofold wait = divide(way, (Twofold){speeds[j], speeds[width + j]});
        int comes = (jump_of_neuron[j] < 0) & (speeds[j] != 0) & (wait.high < INFINITY);
        speeds[j] = comes ? speeds[j] : 0.0;
        arrivals[j] = comes ? wait.high : INFINITY;
        arrivals[width + j] = comes ? wait.low : 0.0;
    }
}

/* Return the least of the waits. */
static Twofold first_arrival(int64_t width, const double *arrivals)
{
    Twofold least = {least_of(1.0, arrivals, width), INFINITY};
    for (int64_t j = 0; j < width; j++)
        if (arrivals[j] == least.high)
            least.low = fmin(least.low, arrivals[width + j]);
    return least;
}

/* Let the neurons grow while the first arrives; `arrivals` become how late they are. */
static void grow(Twofold wait, double n_samples, int64_t width, const double *restrict speeds,
                 double *restrict exponents, double *restrict arrivals)
{
    Twofold n = {n_samples, 0.0}, waited = negative(wait);
    for (int64_t j = 0; j < width; j++) {
        double arrival = arrivals[j], high = exponents[j], low = exponents[width + j];
        Twofold late = add((Twofold){arrival, arrivals[width + j]}, waited);
        Twofold left = divide(multiply(late, (Twofold){speeds[j], speeds[width + j]}), n);
        arrivals[j] = arrival < INFINITY ? late.high : INFINITY;
        exponents[j] = arrival < INFINITY ? -left.high : high;
        exponents[width + j] = arrival < INFINITY ? -left.low : low;
    }
}

/* Wait for the first dormant neurons to arrive and activate them: set their bits in `group`. */
void next_jump(int64_t number, double clock, int64_t n_samples, double tie_tol,
               const Neurons *neurons, uint64_t *group, int64_t n_words, Jump *jump)
{
    int64_t width = neurons->width, n_arrived = 0;
    set_arrivals((double)n_samples, width, neurons->jump_of_neuron, neurons->exponents,
                 neurons->speeds, neurons->arrivals);
    Twofold wait = first_arrival(width, neurons->arrivals);
    double slack = tie_tol * (clock + wait.high);
    jump->escape_rate = -least_of(-1.0, neurons->speeds, width) / (double)n_samples;
    jump->wait = wait.high;
    grow(wait, (double)n_samples, width, neurons->speeds, neurons->exponents, neurons->arrivals);
    memset(group, 0, (size_t)n_words * sizeof *group);
    for (int64_t j = 0; j < width; j++) {
        double late = neurons->arrivals[j];
        if (late < INFINITY && late <= slack) {
            n_arrived++;
            neurons->arrivals[j] = INFINITY;
            neurons->exponents[j] = neurons->exponents[width + j] = 0.0;
            neurons->jump_of_neuron[j] = number;
            group[j >> 6] |= (uint64_t)1 << (j & 63);
        }
    }
    jump->margin = n_arrived > 1 ? 0.0 : least_of(1.0, neurons->arrivals, width);
}

/* Split the open samples of a side by whether the group, of neurons of that side, is active on
 * them; return how many stay open.
 *
 * Writes them in order to `left_open`, which may be the list itself, and `fitted`.
 */
static int64_t fit(const Samples *all, const uint64_t *group, const List *still_open,
                   uint32_t *left_open, uint32_t *fitted)
{
    int64_t left = 0, newly = 0, n_words = all->n_words, last = still_open->n - 1;
    for (int64_t i = 0; i <= last; i++) {
        uint32_t k = still_open->samples[i];
        uint32_t later = still_open->samples[i + AHEAD < last ? i + AHEAD : last];
        __builtin_prefetch(all->words + later * n_words);
        int hit = is_hit(all->words + k * n_words, group, n_words);
        fitted[newly] = left_open[left] = k; /* whether it is a hit cannot be foreseen: no branch */
        newly += hit;
        left += !hit;
    }
    return left;
}

/* Fit many samples of a side, in portions that stay in the cache.
 *
 * Adds the weights of the newly fitted to the sums of the neurons of their sign, and Σ y² and Σ β²
 * to digits of squares. Returns how many stay open.
 */
int64_t fit_and_weigh(const Samples *all, const uint64_t *of_sign, const uint64_t *group,
                      const List *still_open, uint32_t *left_open, uint32_t *fitted, Sums *sums,
                      int64_t *of_labels, int64_t *of_targets)
{
    int64_t left = 0, newly = 0;
    for (int64_t start = 0; start < still_open->n; start += PORTION) {
        int64_t rest = still_open->n - start;
        List portion = {still_open->samples + start, rest < PORTION ? rest : PORTION};
        int64_t stay = fit(all, group, &portion, left_open + left, fitted + newly);
        List just = {fitted + newly, portion.n - stay};
        add_squares(all, &just, of_labels, of_targets);
        add_weights(all, &just, of_sign, 1, sums);
        left += stay;
        newly += just.n;
    }
    return left;
}

static List open_side(const Samples *all, const Process *process, int side)
{
    return (List){process->still_open + side * all->n, process->n_open[side]};
}

static const uint64_t *neurons_of(const Samples *all, const Process *process, int side)
{
    return process->of_sign + side * all->n_words;
}

/* Fill the sums with the weights of the open samples. */
static void weigh_afresh(const Samples *all, Process *process)
{
    Sums *sums = &process->sums;
    memset(sums->limbs, 0, 3 * (size_t)sums->n_neurons * sizeof *sums->limbs);
    List negative = open_side(all, process, 0), positive = open_side(all, process, 1);
    weigh_sides(all, &negative, &positive, process->of_sign, sums);
}

static int64_t scale_of_open(const Samples *all, const Process *process)
{
    List negative = open_side(all, process, 0), positive = open_side(all, process, 1);
    int64_t scales[2] = {scale_of(all, &negative), scale_of(all, &positive)};
    return scales[0] > scales[1] ? scales[0] : scales[1];
}

static void keep_exponents(Process *process)
{
    size_t width = (size_t)process->neurons.width;
    if (process->exponents == NULL)
        return;
    double *row = process->exponents + (size_t)process->n_jumps * width;
    memcpy(row, process->neurons.exponents, width * sizeof *row);
}

/* Start from exponents −1 and the open samples that are listed, at their scale. */
void start_process(const Samples *all, Process *process)
{
    weigh_afresh(all, process);
    keep_exponents(process);
}

/* Close the samples of a side that the group fits. */
static void close_side(const Samples *all, Process *process, int side)
{
    List still_open = open_side(all, process, side);
    const uint64_t *neurons = neurons_of(all, process, side);
    uint64_t *own = process->group + all->n_words;
    if (!is_hit(process->group, neurons, all->n_words))
        return;
    for (int64_t w = 0; w < all->n_words; w++)
        own[w] = process->group[w] & neurons[w];
    uint32_t *left_open = process->still_open + side * all->n;
    uint32_t *fitted = process->fitted + process->n_fitted;
    process->n_open[side] = fit(all, own, &still_open, left_open, fitted);
    List just = {fitted, still_open.n - process->n_open[side]};
    process->n_fitted += just.n;
    add_weights(all, &just, neurons, -1, &process->sums);
}

static int64_t n_open(const Process *process)
{
    return process->n_open[0] + process->n_open[1];
}

/* Jump until no sample is open, or the room is full; return how many samples are open. */
int64_t go_on(const Samples *all, Process *process)
{
    while (n_open(process) > 0 && process->n_jumps < process->room) {
        Jump jump;
        int64_t number = process->n_jumps++;
        set_speeds(&process->sums, &process->neurons);
        next_jump(process->n_before + number, process->clock, process->n_samples, process->tie_tol,
                  &process->neurons, process->group, all->n_words, &jump);
        process->clock += jump.wait;
        process->times[number] = process->clock;
        process->margins[number] = jump.margin;
        process->escape_rates[number] = jump.escape_rate;
        close_side(all, process, 0);
        close_side(all, process, 1);
        if (n_open(process) > 0 && are_small(&process->sums)) {
            process->sums.scale = scale_of_open(all, process);
            weigh_afresh(all, process);
        }
        process->offsets[number + 1] = process->n_fitted;
        keep_exponents(process);
    }
    return n_open(process);
}
