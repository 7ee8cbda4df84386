/* Rows of X Xᵀ: see gram.h. */
#include "gram.h"

#include "lanes.h"

const double *gram_row(Gram *gram, int64_t k)
{
    int64_t place = gram->made % gram->capacity, n = gram->n, rank = gram->rank;
    if (gram->place[k] >= 0)
        return gram->rows + gram->place[k] * n;
    if (gram->made >= gram->capacity)
        gram->place[gram->owner[place]] = -1;
    gram->made++;
    gram->place[k] = place;
    gram->owner[place] = k;
    double *row = gram->rows + place * n;
    for (int64_t l = 0; l < n; l++)
        row[l] = dot(gram->x + l * rank, gram->x + k * rank, rank);
    return row;
}
