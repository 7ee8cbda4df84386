/* One linearly implicit Euler step of the moving pairs.

   With y = (u, a), f its velocity and J about ∂f/∂y at the start of the stiff step,

       (I − γJ) δ = γ f(y),     y ← y + δ

   Only heavy neurons are in J with what they do to the pulls. For δ, with v_jk = u_jk + γ a_j d_k
   and s_k = κ_k Σ_j w_j a_j² over the heavy,

       δd_k = −κ_k Σ_j w_j (a_j b_jk + v_jk δa_j) / (1 + γ s_k)                          b = γ f
       (1 − γ² Σ_k d_k²) δa_j = b_j + Σ_k γ (v_jk δd_k + d_k b_jk)
       δu_jk = b_jk + γ (δa_j d_k + a_j δd_k)

   where only a matrix of their number is left, symmetric once row j is scaled by √w_j. The others
   follow δd: the loose by the last two lines, the light as in light.h. */
#ifndef EULER_H
#define EULER_H

#include "linear.h"
#include "state.h"

/* What the Euler steps of one length share. */
typedef struct {
    double gamma;
    Matrix matrix;
    int64_t *heavy; /* (H,) the neurons of its rows */
    double *levers; /* (n, H) v by sample, 0 where dead: a row adds to the matrix in memory order */
    double *right;  /* (H,) */
} System;

void fill_rates(const Constants *constants, Work *work, const System *system);
bool prepare_system(const Constants *constants, const State *state, Work *work, System *system);
void one_euler_step(const Constants *constants, const State *state, Work *work,
                    const System *system, double *hidden, double *output);

#endif
