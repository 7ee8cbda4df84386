/* Walls and their span: see basis.h. Gram–Schmidt, each vector twice. */
#include "basis.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

#define DEPENDENT 1e-10 /* a unit vector that stands out of the span by less lies in it */

bool append(Basis *basis, int64_t wall, const double *x, double s)
{
    int64_t rank = basis->rank, count = basis->count;
    if (count == rank)
        return false;
    double *u = basis->q + count * rank, *upper = basis->upper + count * rank;
    for (int64_t i = 0; i < rank; i++)
        u[i] = s * x[i];
    memset(upper, 0, (size_t)rank * sizeof *upper);
    for (int round = 0; round < 2; round++)
        for (int64_t l = 0; l < count; l++) {
            double part = dot(basis->q + l * rank, u, rank);
            upper[l] += part;
            add(u, basis->q + l * rank, -part, rank);
        }
    double rest = sqrt(dot(u, u, rank));
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
