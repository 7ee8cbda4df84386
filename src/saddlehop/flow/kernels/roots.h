/* The first root of a polynomial c_0 + c_1 t + … + c_P t^P with c_0 > 0 in (0, step).

   Its Bernstein coefficients on [0, length] bound the number of roots there: none if all are
   positive, one if their sign changes once. Halve the interval until one of these holds. */
#ifndef ROOTS_H
#define ROOTS_H

#include <stdint.h>

/* `order` is below MOST_TERMS; inf if there is none. */
double first_root(const double *coefficients, int64_t order, double step);

#endif
