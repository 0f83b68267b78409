/* One optimiser step of one element, read by g++ and by NVRTC.

   A step is a struct over A, the type computed in, made from the options O of kernels/optim.h, with

       states             how many tensors of state it may have (lists 2, 3, 4 of a pyx_optim_list)
       scalars            how many numbers each parameter has of its own (`each`)
       forms              the sets of states that it runs with: bit k is state k
       run<form>(x, g, state, each)     x: the parameter, g: its gradient

   and a line in PYX_OPTIMIZERS, by whose name operations ask for it. The CPU's loops and the GPU's
   kernels come from that line. */
#pragma once
#include "math.h"

#define PYX_OPTIMIZERS(X) \
    X(sgd, SgdStep)       \
    X(adam, AdamStep)     \
    X(rmsprop, RmspropStep)

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* state: momentum buffer; each: 1 where it is new */
template <class A>
struct SgdStep {
    static constexpr int states = 1, scalars = 1;
    static constexpr int forms[] = {0, 1};
    A lr, decay, momentum, share, sign;
    bool nesterov;
    template <class O>
    explicit PYX_HD SgdStep(const O& o)
        : lr((A)o.lr), decay((A)o.weight_decay), momentum((A)o.momentum), share((A)(1 - o.dampening)),
          sign(o.maximize ? (A)-1 : (A)1), nesterov(o.nesterov) {}
    template <int form>
    PYX_HD void run(A& x, A g, A* state, const A* each) const {
        A d = sign * g + decay * x;
        if (form) {
            A m = each[0] != (A)0 ? d : momentum * state[0] + share * d;
            state[0] = m;
            d = nesterov ? d + momentum * m : m;
        }
        x = x - lr * d;
    }
};

/* state: means of g and of g^2, the largest of the latter so far; each: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
template <class A>
struct AdamStep {
    static constexpr int states = 3, scalars = 2;
    static constexpr int forms[] = {3, 7};
    A shrink, decay, sign, eps, take1, beta2, take2;
    template <class O>
    explicit PYX_HD AdamStep(const O& o)
        : shrink(o.decoupled ? (A)(1 - o.lr * o.weight_decay) : (A)1), decay(o.decoupled ? (A)0 : (A)o.weight_decay),
          sign(o.maximize ? (A)-1 : (A)1), eps((A)o.eps), take1((A)(1 - o.beta1)), beta2((A)o.beta2), take2((A)(1 - o.beta2)) {}
    template <int form>
    PYX_HD void run(A& x, A g, A* state, const A* each) const {
        A y = x * shrink, d = sign * g + decay * y, square = state[1] * beta2 + take2 * d * d, mean = state[0] + take1 * (d - state[0]);
        state[0] = mean;
        state[1] = square;
        if (form & 4) state[2] = square = (square > state[2]) | (square != square) ? square : state[2];
        x = y - each[0] * mean / (sqrt(square) * each[1] + eps);
    }
};

/* state: mean of g^2, momentum buffer, mean of g */
template <class A>
struct RmspropStep {
    static constexpr int states = 3, scalars = 0;
    static constexpr int forms[] = {1, 3, 5, 7};
    A lr, decay, sign, eps, momentum, alpha, take;
    template <class O>
    explicit PYX_HD RmspropStep(const O& o)
        : lr((A)o.lr), decay((A)o.weight_decay), sign(o.maximize ? (A)-1 : (A)1), eps((A)o.eps), momentum((A)o.momentum),
          alpha((A)o.beta2), take((A)(1 - o.beta2)) {}
    template <int form>
    PYX_HD void run(A& x, A g, A* state, const A*) const {
        A d = sign * g + decay * x, spread = alpha * state[0] + take * d * d;
        state[0] = spread;
        if (form & 4) {
            state[2] += take * (d - state[2]);
            spread = spread - state[2] * state[2];
        }
        A step = d / (sqrt(spread) + eps);
        if (form & 2) step = state[1] = momentum * state[1] + step;
        x = x - lr * step;
    }
};

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
