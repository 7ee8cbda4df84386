/* Walls and their span: see basis.h. Gram–Schmidt, twice where a vector loses much; Givens rotations where one is
   taken out. */
#include "basis.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

#define DEPENDENT 1e-10 /* a unit vector that stands out of the span by less lies in it */
#define ENOUGH 0.7 /* a unit vector of which so much is left lost no more than the last bit */
#define MOST_REMOVED 32 /* each puts some roundings between the basis and its walls */

bool append(Basis *basis, int64_t wall, const double *x, double s)
{
    int64_t rank = basis->rank, count = basis->count;
    if (count == rank)
        return false;
    double *u = basis->q + count * rank, *upper = basis->upper + count * rank;
    for (int64_t i = 0; i < rank; i++)
        u[i] = s * x[i];
    memset(upper, 0, (size_t)rank * sizeof *upper);
    double rest = 0.0;
    for (int round = 0; round < 2 && rest < ENOUGH; round++) {
        for (int64_t l = 0; l < count; l++) {
            double part = dot(basis->q + l * rank, u, rank);
            upper[l] += part;
            add(u, basis->q + l * rank, -part, rank);
        }
        rest = sqrt(dot(u, u, rank));
    }
    if (rest <= DEPENDENT)
        return false;
    for (int64_t i = 0; i < rank; i++)
        u[i] /= rest;
    upper[count] = rest;
    basis->wall[basis->count++] = wall;
    return true;
}

void truncate_to(Basis *basis, int64_t count)
{
    basis->count = count;
    if (count == 0)
        basis->n_removed = 0;
}

/* (x, y) ← (c x + s y, c y − s x) */
static void rotate(double *restrict x, double *restrict y, double c, double s, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double first = x[i];
        x[i] = c * first + s * y[i];
        y[i] = c * y[i] - s * first;
    }
}

/* Turn q_l and q_{l+1} so that u_l, which came one place nearer, has no part along q_{l+1}. */
static void close_gap(Basis *basis, int64_t l)
{
    int64_t rank = basis->rank;
    double *diagonal = basis->upper + l * rank + l;
    double size = sqrt(diagonal[0] * diagonal[0] + diagonal[1] * diagonal[1]);
    double c = diagonal[0] / size, s = diagonal[1] / size;
    diagonal[0] = size;
    for (int64_t i = l + 1; i < basis->count; i++)
        rotate(basis->upper + i * rank + l, basis->upper + i * rank + l + 1, c, s, 1);
    rotate(basis->q + l * rank, basis->q + (l + 1) * rank, c, s, rank);
}

void remove_from(Basis *basis, int64_t i)
{
    int64_t rank = basis->rank, count = --basis->count;
    for (int64_t l = i; l < count; l++) {
        memcpy(basis->upper + l * rank, basis->upper + (l + 1) * rank, (size_t)(l + 2) * sizeof(double));
        basis->wall[l] = basis->wall[l + 1];
    }
    for (int64_t l = i; l < count; l++)
        close_gap(basis, l);
    basis->n_removed += count > i;
}

bool is_worn(const Basis *basis)
{
    return basis->n_removed > MOST_REMOVED;
}

double project_out(const Basis *basis, double *v)
{
    double square = 0.0;
    for (int64_t l = 0; l < basis->count; l++) {
        const double *q = basis->q + l * basis->rank;
        double part = dot(q, v, basis->rank);
        square += part * part;
        add(v, q, -part, basis->rank);
    }
    return sqrt(square);
}

void coordinates_of(const Basis *basis, const double *v, double *c)
{
    int64_t rank = basis->rank;
    for (int64_t i = 0; i < basis->count; i++)
        c[i] = dot(basis->q + i * rank, v, rank);
    for (int64_t i = basis->count - 1; i >= 0; i--) {
        c[i] /= basis->upper[i * rank + i];
        for (int64_t l = 0; l < i; l++)
            c[l] -= basis->upper[i * rank + l] * c[i];
    }
}
