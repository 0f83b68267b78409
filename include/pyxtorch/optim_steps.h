/* One optimiser step of one element: x is the parameter, g its gradient, the others its state. A is
   the type computed in. The options O are those of kernels/optim.h. Read by g++ and by NVRTC. */
#pragma once
#include "math.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class A>
struct SgdStep {
    A lr, decay, momentum, share, sign;
    bool nesterov;
    template <class O>
    explicit PYX_HD SgdStep(const O& o)
        : lr((A)o.lr), decay((A)o.weight_decay), momentum((A)o.momentum), share((A)(1 - o.dampening)),
          sign(o.maximize ? (A)-1 : (A)1), nesterov(o.nesterov) {}
    PYX_HD void plain(A& x, A g) const { x = x - lr * (sign * g + decay * x); }
    PYX_HD void with_momentum(A& x, A g, A& buffer, bool fresh) const {
        A d = sign * g + decay * x;
        A m = fresh ? d : momentum * buffer + share * d;
        buffer = m;
        x = x - lr * (nesterov ? d + momentum * m : m);
    }
};

/* step: lr / (1 - beta1^t); scale: 1 / sqrt(1 - beta2^t) */
template <class A>
struct AdamStep {
    A shrink, decay, sign, eps, take1, beta2, take2;
    template <class O>
    explicit PYX_HD AdamStep(const O& o)
        : shrink(o.decoupled ? (A)(1 - o.lr * o.weight_decay) : (A)1), decay(o.decoupled ? (A)0 : (A)o.weight_decay),
          sign(o.maximize ? (A)-1 : (A)1), eps((A)o.eps), take1((A)(1 - o.beta1)), beta2((A)o.beta2), take2((A)(1 - o.beta2)) {}
    PYX_HD void plain(A& x, A g, A& mean, A& square, A step, A scale) const {
        A y = x * shrink, d = sign * g + decay * y;
        square = square * beta2 + take2 * d * d;
        mean += take1 * (d - mean);
        x = y - step * mean / (sqrt(square) * scale + eps);
    }
    /* top: the largest square so far */
    PYX_HD void with_top(A& x, A g, A& mean, A& square, A& top, A step, A scale) const {
        A y = x * shrink, d = sign * g + decay * y;
        square = square * beta2 + take2 * d * d;
        mean += take1 * (d - mean);
        top = (square > top) | (square != square) ? square : top;
        x = y - step * mean / (sqrt(top) * scale + eps);
    }
};

template <class A>
struct RmspropStep {
    A lr, decay, sign, eps, momentum, alpha, take;
    template <class O>
    explicit PYX_HD RmspropStep(const O& o)
        : lr((A)o.lr), decay((A)o.weight_decay), sign(o.maximize ? (A)-1 : (A)1), eps((A)o.eps), momentum((A)o.momentum),
          alpha((A)o.beta2), take((A)(1 - o.beta2)) {}
    /* buffered, centered: whether there are a momentum buffer and a mean of gradients */
    template <bool buffered, bool centered>
    PYX_HD void run(A& x, A g, A& square, A& buffer, A& mean) const {
        A d = sign * g + decay * x, spread;
        square = spread = alpha * square + take * d * d;
        if (centered) {
            mean += take * (d - mean);
            spread = square - mean * mean;
        }
        A step = d / (sqrt(spread) + eps);
        if (buffered) step = buffer = momentum * buffer + step;
        x = x - lr * step;
    }
};

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
