/* One neuron under constant pulls: see pull.h. */
#include "pull.h"

#include <math.h>

#include "lanes.h"

static const double MOST_SNAP = 1e-3;
static const double TINY = 1e-300;

/* Something that happens after `wait`, when A has grown by `step`; a and b then. */
typedef struct {
    double wait, step, a, b;
} Arrival;

static Arrival never(double a, double b) { return (Arrival){INFINITY, INFINITY, a, b}; }

/* When A = `reach`; never if a gets to 0 before. */
static Arrival time_to_reach(double a, double b, double rho, double reach)
{
    if (b < 0.0 && rho * a + b <= SNAP * rho * a && reach >= -b / (rho * rho) * (1.0 - SNAP))
        return never(a, b);
    double b_new = b + rho * rho * reach;
    double size = larger(larger(a, rho * reach), -b / rho);
    double part = a / size, way = reach / size;
    double square = part * part + 2.0 * (b / size) * way + (rho * way) * (rho * way);
    if (square < 0.0)
        return never(a, b);
    double a_new = size * sqrt(square), time;
    if (b >= 0.0) {
        double moved = rho * (a_new - a) + rho * rho * reach;
        time = log1p(moved / (rho * a + b));
    } else if (b_new <= 0.0) {
        time = log((rho * a - b) / (rho * a_new - b_new));
    } else {
        double lowest = sqrt((rho * a + b) * (rho * a - b));
        time = log((rho * a - b) / lowest) + log((rho * a_new + b_new) / lowest);
    }
    return (Arrival){time / rho, reach, a_new, b_new};
}

/* When a reaches 0; never if it does not. */
static Arrival time_to_turn(double a, double b, double rho)
{
    double gap = -b - rho * a;
    if (b >= 0.0 || gap <= SNAP * rho * a)
        return never(0.0, b);
    double speed = sqrt(gap * (rho * a - b));
    return (Arrival){log((rho * a - b) / speed) / rho, a * (a / (speed - b)), 0.0, -speed};
}

/* Growth x, a e^{−x} and A e^{−x} after some time without a death. */
typedef struct {
    double growth, a, moved;
} Glide;

static Glide glide(double a, double b, double rho, double time)
{
    if (rho == 0.0)
        return (Glide){0.0, a, a * time};
    double decay = exp(-rho * time), lost = -expm1(-rho * time);
    if (b < 0.0 && fabs(rho * a + b) <= SNAP * rho * a)
        return (Glide){0.0, a * decay, a * lost / rho};
    double a_new = 0.5 * (a * (1.0 + decay * decay) + b / rho * lost * (1.0 + decay));
    double moved = 0.5 * lost * (a * (1.0 + decay) + b / rho * lost) / rho;
    return (Glide){rho * time, a_new, moved};
}

/* A neuron's ã and growth `time` after the start of a constant pull, from its last piece on. */
Grown output_at(const Piece *piece, double time)
{
    Glide end = glide(fabs(piece->a), piece->b, piece->rho, time - piece->start);
    return (Grown){end.growth, copysign(end.a, piece->a)};
}

static bool is_before(const Death *first, const Death *second)
{
    return first->threshold < second->threshold ||
           (first->threshold == second->threshold && first->pair < second->pair);
}

/* Sort by threshold; ties by pair, so that the order is the same everywhere. */
static void sort_deaths(Death *deaths, int64_t count)
{
    int64_t gap = 1;
    while (gap < count / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (int64_t i = gap; i < count; i++) {
            Death death = deaths[i];
            int64_t place = i;
            for (; place >= gap && is_before(&death, &deaths[place - gap]); place -= gap)
                deaths[place] = deaths[place - gap];
            deaths[place] = death;
        }
}

/* Fill the deaths to come, in order, of those with thresholds up to `bound`, and tail sums of their
   d²; return their number, and Σ d² of the pairs that stay. */
static int64_t list_deaths(Pairs pairs, double bound, Work *work, double *stay)
{
    int64_t count = 0;
    *stay = 0.0;
    for (int64_t p = 0; p < pairs.count; p++) {
        double u = pairs.hidden[p], d = pairs.pull[p];
        if (u < 0.0)
            continue;
        if (d < 0.0 && u < -bound * d)
            work->deaths[count++] = (Death){-u / d, p};
        else
            *stay += d * d;
    }
    sort_deaths(work->deaths, count);
    work->tail[count] = 0.0;
    for (int64_t i = count - 1; i >= 0; i--) {
        double d = pairs.pull[work->deaths[i].pair];
        work->tail[i] = work->tail[i + 1] + d * d;
    }
    return count;
}

/* What share of ρa is rounding once a has come down from `first`: that of a² − ‖u‖² stays. */
static double snap_of(double first, double a)
{
    if (!(0.0 < a && a < first))
        return SNAP;
    return smaller(MOST_SNAP, SNAP * (first / a) * (first / a));
}

/* Move the alive pairs by A = moved e^{growth} + last; what is left of `moved` may be noise. */
static void shift(Pairs pairs, double moved, double last, double growth, double noise)
{
    double factor = exp(-growth);
    for (int64_t p = 0; p < pairs.count; p++) {
        double u = pairs.hidden[p], d = pairs.pull[p];
        if (u < 0.0)
            continue;
        double rest = u + d * moved;
        if (noise > 0.0 && fabs(rest) <= noise * fabs(d) + SNAP * u)
            rest = 0.0;
        pairs.hidden[p] = positive_part(rest * factor + d * last);
    }
}

/* A neuron on its way, a ≥ 0; a and b with the growth taken out. */
typedef struct {
    double growth, a, b, left;
} Way;

/* Go the last piece, without a death, after A has come to `moved`. */
static Way end_way(Way way, Pairs pairs, double rho, double snap, double moved)
{
    double last = 0.0, noise = 0.0;
    if (way.a > 0.0 || way.b > 0.0) {
        Glide end = glide(way.a, way.b, rho, way.left);
        last = end.moved;
        if (end.growth == 0.0 && way.a > 0.0 && way.b < 0.0) { /* decays for ever: A from its end */
            moved += way.a / rho;
            last = -end.a / rho;
            noise = snap * way.a / rho;
        }
        way = (Way){end.growth, end.a, way.b, 0.0};
    }
    shift(pairs, moved, last, way.growth, noise);
    return way;
}

/* Move one neuron with a ≥ 0 for `time`, or until a = 0.

   A must stay below `bound`. Pairs that die are marked by minus the time since. The start of the
   last piece is counted from the end. */
static Way run_until_turn(double a, Pairs pairs, double time, double bound, Work *work,
                          Piece *piece)
{
    Way way = {0.0, a, 0.0, time};
    for (int64_t p = 0; p < pairs.count; p++)
        if (pairs.hidden[p] >= 0.0)
            way.b += pairs.pull[p] * pairs.hidden[p];
    double stay, rho, snap, moved = 0.0;
    int64_t count = list_deaths(pairs, bound, work, &stay), died = 0;
    for (;;) {
        rho = sqrt(stay + work->tail[died]);
        snap = snap_of(a, way.a);
        if (rho == 0.0)
            way.b = 0.0; /* nothing pulls; what is left of it is rounding */
        else if (way.b < 0.0 && fabs(rho * way.a + way.b) <= snap * rho * way.a)
            way.b = -rho * way.a;
        Arrival next = never(way.a, way.b);
        if (rho > 0.0) {
            if (died < count)
                next = time_to_reach(way.a, way.b, rho,
                                     positive_part(work->deaths[died].threshold - moved));
            Arrival turn = time_to_turn(way.a, way.b, rho);
            if (turn.wait < next.wait)
                next = turn;
        }
        if (!(next.wait < way.left)) /* also ends where the time is not a number */
            break;
        way = (Way){0.0, next.a, next.b, way.left - next.wait};
        moved += next.step;
        if (way.a == 0.0)
            break;
        pairs.hidden[work->deaths[died++].pair] = -larger(way.left, TINY);
    }
    *piece = (Piece){way.left, way.a, way.b, rho};
    return end_way(way, pairs, rho, snap, moved);
}

static void mirror(Pairs pairs, double sign)
{
    for (int64_t p = 0; p < pairs.count; p++)
        pairs.pull[p] *= sign;
}

static double speed_of(Pairs pairs)
{
    double speed = 0.0;
    for (int64_t p = 0; p < pairs.count; p++)
        speed += pairs.pull[p] * positive_part(pairs.hidden[p]);
    return speed;
}

/* Move one neuron for `time` under its pairs' constant pulls.

   |A| must stay below `bound`. Overwrites the pulls, marks pairs that die by minus the time since,
   fills the last piece. */
Grown pull_pairs(double a, Pairs pairs, double time, double bound, Work *work, Piece *piece)
{
    double sign = copysign(1.0, a != 0.0 ? a : speed_of(pairs));
    mirror(pairs, sign);
    Way way = run_until_turn(fabs(a), pairs, time, bound, work, piece);
    if (way.left != 0.0 && way.b != 0.0) {
        mirror(pairs, -1.0);
        sign = -sign;
        way = run_until_turn(way.a, pairs, way.left, UNBOUNDED, work, piece);
    }
    piece->start = time - piece->start;
    piece->a = copysign(piece->a, sign);
    return (Grown){way.growth, sign * way.a};
}

static void strike_dead(State *state, Work *work, int64_t j)
{
    int64_t p = state->first[j];
    while (p < state->first[j] + state->alive[j]) {
        if (!(state->hidden[p] < 0.0)) {
            p++;
            continue;
        }
        state->alive[j]--;
        swap_pairs(state, p, state->first[j] + state->alive[j]);
        work->counts[DEATHS]++;
    }
}

/* Move neuron j for `time` under the constant pulls `work->pull`. */
void pull_one(State *state, Work *work, int64_t j, double time)
{
    const int32_t *sample = state->sample + state->first[j];
    Pairs pairs = {state->hidden + state->first[j], work->segment, state->alive[j]};
    for (int64_t p = 0; p < pairs.count; p++)
        pairs.pull[p] = work->pull[sample[p]];
    Grown end = pull_pairs(state->output[j], pairs, time, UNBOUNDED, work, &work->pieces[j]);
    state->output[j] = end.a;
    state->scale[j] += end.growth;
    strike_dead(state, work, j);
}

/* Move every neuron for `time` under the constant pulls `work->pull`. */
void pull_all(State *state, Work *work, double time)
{
    for (int64_t j = 0; j < state->width; j++)
        pull_one(state, work, j, time);
}

/* What a neuron feels: ρ, b, ‖κu‖, ‖κd‖, and whether anything it touches is left to learn. */
typedef struct {
    double rho, b, shift, gain;
    bool learnable;
} Felt;

static Felt felt_by(const Constants *constants, const State *state, const Work *work, int64_t j)
{
    Felt felt = {0.0, 0.0, 0.0, 0.0, false};
    for (int64_t p = state->first[j]; p < state->first[j] + state->alive[j]; p++) {
        int32_t k = state->sample[p];
        double u = state->hidden[p], d = work->pull[k], kappa = constants->stiffness[k];
        felt.rho += d * d;
        felt.b += d * u;
        felt.shift += (kappa * u) * (kappa * u);
        felt.gain += (kappa * d) * (kappa * d);
        if (d != 0.0 &&
            (constants->target[k] != 0.0 || fabs(work->residual[k]) > constants->plateau_tol))
            felt.learnable = true;
    }
    felt.rho = sqrt(felt.rho);
    felt.shift = sqrt(felt.shift);
    felt.gain = sqrt(felt.gain);
    return felt;
}

/* The largest x with (e^x − 1)(shift + slope e^x) min(x, 1) ≤ e^room, or less. */
static double growth_within(double room, double shift, double slope)
{
    if (room > 600.0)
        return 0.5 * (room - log(slope));
    double limit = exp(room);
    double x = log(2.0 * limit / (shift + sqrt(shift * shift + 4.0 * slope * limit)));
    return x >= 1.0 ? x : smaller(1.0, sqrt(limit / (1.72 * (shift + 2.72 * slope))));
}

/* Gives up early, with a lower length, once it is below `least` and something is left to learn.

   Neuron j adds to the pulls at most w ã (e^x − 1)(‖κu‖ + ‖κd‖ ã e^x / ρ) with x = ρ_j t, where
   ã stands for |a| + |b|/ρ. Half of the tolerance over that, times min(t, 1/ρ), bounds the
   relative error it causes in any weight. */
Plateau plateau(const Constants *constants, const State *state, const Work *work, double least)
{
    Plateau found = {INFINITY, 0.0, true};
    for (int64_t j = 0; j < state->width && !(found.length < least && !found.finished); j++) {
        Felt felt = felt_by(constants, state, work, j);
        double a = fabs(state->output[j]), rho = felt.rho;
        double amplitude = rho > 0.0 ? a + fabs(felt.b) / rho : 0.0;
        if (amplitude == 0.0)
            continue;
        double slope = felt.gain / rho * amplitude;
        double room = log(constants->plateau_tol * rho / amplitude) - 2.0 * state->scale[j];
        bool decays = fabs(a * rho + felt.b * copysign(1.0, state->output[j])) <= SNAP * a * rho;
        if (decays && room > log(felt.shift + slope))
            continue;
        found.finished = found.finished && !felt.learnable;
        found.fastest = larger(found.fastest, rho);
        found.length = smaller(found.length, growth_within(room, felt.shift, slope) / rho);
    }
    return found;
}
