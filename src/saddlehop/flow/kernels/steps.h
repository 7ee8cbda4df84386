/* The loop over steps: pulls constant as long as they may be, else a Taylor step.

   survey → all learned?  → stop, or wait out the time
          → plateau long? → constant pulls, closed form, any length
          → many deaths?  → Magnus step through them
          → stiff?        → implicit step
          → otherwise     → Taylor step of the moving pairs, up to the next death */
#ifndef STEPS_H
#define STEPS_H

#include "api.h"
#include "state.h"

enum status { RUNNING, ARRIVED, LEARNED, OVERFLOWED };

/* In the column of orders, in place of the order of a series. */
enum kind { PLATEAU = 0, STIFF = -1, MAGNUS = -2 };

/* What is recorded at the start of each step. */
typedef struct {
    double *time;       /* (R + 1,) */
    double *loss;       /* (R + 1,) */
    double *sq_norm;    /* (R + 1,) */
    double *log_output; /* (R + 1, m) log |a_j| */
    double *scale;      /* (R + 1, m) σ_j */
    int64_t *order;     /* (R,) of the series, or a kind */
    double *stretch;    /* (R, 3) of the time that series are in */
    double *series;     /* (R, P + 1, m) Taylor coefficients of ã, or the fields of its piece */
} Rows;

API int64_t flow_advance(const Constants *constants, State *state, Work *work, const Rows *rows,
                         int64_t n_steps, int64_t *taken);
API int64_t flow_prepare(const Constants *constants, State *state, Work *work);
API void flow_move_to(const Constants *constants, State *state, Work *work, int64_t order,
                      double offset);
API double flow_loss(const Constants *constants, const State *state, Work *work);
API void flow_pull_one(State *state, Work *work, int64_t j, double time);
API double flow_crossing_of_series(const double *series, int64_t n_terms, const double *stretch,
                                   double level, double length);
API double flow_crossing_of_piece(const Piece *piece, double level, double length);

#endif
