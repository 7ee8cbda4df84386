/* Neurons with small weights along a stiff step.

   With ℓ = log |a_j| − log |a_j(0)| a neuron of constant sign s has u_j / |a_j| = v, and

       ℓ̇ = g = s Σ_k d_k v_k,     v = e^{−ℓ} c + y,     ẏ_k = s d_k − y_k g,     c = v₀ − y₀

   for any y₀. With y₀ = s d₀ / g₀ it is at rest but for ℓ while the pulls are, however fast it
   grows, and what of v is not yet aligned, or under no pull, fades exactly. (Far from aligned that
   y₀ would be large; then it is 0.) A linearly implicit Euler step under pulls d that change by δd,
   with e₀ = s Σ d₀ c and h₀ = s Σ d₀ y₀, is

       F_k = s (d_k + δd_k) − y_k g − y₀ₖ p,     p = s Σ v₀ δd,
       q = γ s Σ d₀ F / (1 + γ (g₀ + h₀))
       δℓ = γ (g + p + q) / (1 + γe₀),     δy_k = γ (F_k − y₀ₖ q) / (1 + γg₀)

   Its place in `output` rows holds ℓ, in `hidden` rows y, in `lever` c and in `product` y₀. */
#ifndef LIGHT_H
#define LIGHT_H

#include "state.h"

void add_light_pull(Work *work, int64_t j, const double *hidden, double output);
void step_light(const State *state, const Work *work, int64_t j, double gamma, double *hidden,
                double *output);

void begin_light(const State *state, Work *work, int64_t j, double *hidden, double *output);
void end_light(const Work *work, int64_t j, double *hidden, double output);

#endif
