// The update of all parameters p from their gradients g, on flat arrays, as trainer.optim explains.
//
// The first `decayed` elements decay. Nothing happens once a step went wrong (bad_step >= 0).

// g *= min(1, max_norm / (norm + 1e-6)), then within [-max_value, max_value]; nan stays nan.
// Without a limit of the norm, norm is null; without one of the values, max_value is infinite.

template <typename Real>
__global__ void clip(
    Real* g, const Real* norm, double max_norm, double max_value, long long elements)
{
    Real factor = 1;
    if (norm)
        factor = Real(max_norm) / (*norm + Real(1e-6));
    if (factor > 1)
        factor = 1;
    if (factor == 1 && isinf(max_value))
        return;
    const Real limit = max_value;
    for (long long k = thread_of_grid(); k < elements; k += threads_of_grid()) {
        const Real limited = g[k] * factor;
        g[k] = limited > limit ? limit : limited < -limit ? -limit : limited;
    }
}

template <typename Real>
__device__ Real decay(Real g, Real p, Real weight_decay, bool decays)
{
    return decays ? g + weight_decay * p : g;
}

// p -= rate g; with a momentum v = momentum v + g, and v stands for g, or g + momentum v (Nesterov)

template <typename Real>
__global__ void sgd(
    Real* p, const Real* g, Real* v, const Real* rates, const long long* bad_step, double momentum,
    long long nesterov, double weight_decay, long long decayed, long long elements)
{
    if (*bad_step >= 0)
        return;
    const Real keep = momentum, rate = rates[0];
    for (long long k = thread_of_grid(); k < elements; k += threads_of_grid()) {
        Real update = decay(g[k], p[k], Real(weight_decay), k < decayed);
        if (v) {
            v[k] = keep * v[k] + update;
            update = nesterov ? update + keep * v[k] : v[k];
        }
        p[k] -= rate * update;
    }
}

// s = alpha s + (1 - alpha) g^2,  p -= rate g / (sqrt(s) + eps); v, if any, as in sgd

template <typename Real>
__global__ void rmsprop(
    Real* p, const Real* g, Real* s, Real* v, const Real* rates, const long long* bad_step,
    double alpha, double eps, double momentum, double weight_decay, long long decayed,
    long long elements)
{
    if (*bad_step >= 0)
        return;
    const Real keep = alpha, add = 1 - alpha, rate = rates[0];
    for (long long k = thread_of_grid(); k < elements; k += threads_of_grid()) {
        const Real gradient = decay(g[k], p[k], Real(weight_decay), k < decayed);
        s[k] = keep * s[k] + add * (gradient * gradient);
        Real update = gradient / (sqrt(s[k]) + Real(eps));
        if (v)
            update = v[k] = Real(momentum) * v[k] + update;
        p[k] -= rate * update;
    }
}

// m = beta_1 m + (1 - beta_1) g,  s = beta_2 s + (1 - beta_2) g^2,  p -= rate m / (sqrt(s) + eps);
// rates hold rate and eps, both corrected for the number of the step

template <typename Real>
__global__ void adam(
    Real* p, const Real* g, Real* m, Real* s, const Real* rates, const long long* bad_step,
    double beta_1, double beta_2, double weight_decay, long long decayed, long long elements)
{
    if (*bad_step >= 0)
        return;
    const Real keep_1 = beta_1, add_1 = 1 - beta_1, keep_2 = beta_2, add_2 = 1 - beta_2;
    const Real rate = rates[0], eps = rates[1];
    for (long long k = thread_of_grid(); k < elements; k += threads_of_grid()) {
        const Real gradient = decay(g[k], p[k], Real(weight_decay), k < decayed);
        m[k] = keep_1 * m[k] + add_1 * gradient;
        s[k] = keep_2 * s[k] + add_2 * (gradient * gradient);
        p[k] -= rate * (m[k] / (sqrt(s[k]) + eps));
    }
}
