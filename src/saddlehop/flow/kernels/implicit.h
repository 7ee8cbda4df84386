/* One stiff step of the moving pairs: extrapolated linearly implicit Euler.

   Once most samples are fitted, fast residuals follow slow ones, and a series would have to resolve
   the fastest. With y = (u, a), f its velocity and J = ∂f/∂y at the start, one Euler step is

       (I − γJ) δ = γ f(y),     y ← y + δ

   and the results of 2, 3, 4, ... such steps over one length are extrapolated to step 0, where each
   further one adds an order. For δ, with v_jk = u_jk + γ a_j d_k and s_k = κ_k Σ_j w_j a_j²,

       δd_k = −κ_k Σ_j w_j (a_j b_jk + v_jk δa_j) / (1 + γ s_k)                          b = γ f
       (1 − γ² Σ_k d_k²) δa_j = b_j + Σ_k γ (v_jk δd_k + d_k b_jk)
       δu_jk = b_jk + γ (δa_j d_k + a_j δd_k)

   so only an m × m system is left. The results sit in rows 1, 2, ... of the series buffers, the
   start in row 0. */
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
                            int64_t levels);
void arrive(State *state, const Work *work);
double first_crossing(const State *state, const Work *work, double tol);

#endif
