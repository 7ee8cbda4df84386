/* One step through many deaths: pulls that change little, each neuron exact under them.

   Under given pulls d(t) the equations of a neuron are linear, and under constant pulls they are
   closed form, deaths included. A commutator-free Magnus step replaces d(t) by two constants,

       y(h) ≈ e^{(h/2) B(D₁ + 4 D₂)} e^{(h/2) B(D₁ − 4 D₂)} y(0)
       D₁ = (1/h) ∫ d dt,   D₂ = (1/h²) ∫ (t − h/2) d dt            over the step

   with error h⁵. d(t) is found by sweeps: first extrapolated from the start, then twice from what
   the last sweep gives, the second time in two halves. The difference between the last two sweeps
   is the error estimate.

   Each death is a kink of d: where pair (j, k) dies, ḋ_k gains c = κ_k w_j a_j² d_k. So d(t) is
   taken as a sum of ramps c (t − τ)₊ and the cubic through what is left of d and ḋ at both ends.
   With s = h − τ the ramp has ∫ d = c s²/2 and ∫ (t − h/2) d = c (h s²/4 − s³/6).

   Rows of the series buffers: 0 the start, 1 and 2 the results of sweeps, 3 the middle, 4 what
   lies between two exponentials. A pair that died within the step holds minus the time since its
   death. */
#ifndef MAGNUS_H
#define MAGNUS_H

#include "state.h"

double magnus_step(const Constants *constants, const State *state, Work *work, double step);
void land(State *state, Work *work);

#endif
