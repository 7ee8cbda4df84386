/* One stiff step of the moving pairs: extrapolated linearly implicit Euler.

   Once most samples are fitted, fast residuals follow slow ones, and a series would have to
   resolve the fastest. The results of 2, 3, 4, ... Euler steps (euler.h) over one length are
   extrapolated to step 0, where each further one adds an order, whatever their Jacobian is: that
   decides on stability alone. The results sit in rows 1, 2, ... of `hidden_series` and
   `output_series`, the start in row 0. */
#ifndef IMPLICIT_H
#define IMPLICIT_H

#include "state.h"

enum { MOST_LEVELS = 12 };

/* What an extrapolation came to. */
typedef struct {
    int64_t level;
    double error;
} Extrapolation;

Extrapolation implicit_step(const Constants *constants, const State *state, Work *work, double step,
                            int64_t levels, double hope);
void arrive(State *state, const Work *work);
double first_crossing(const State *state, const Work *work, double tol);

#endif
