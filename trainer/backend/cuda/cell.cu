// One time step of the cell, forward and backward, in the letters of docs/derivation.md.
//
// z (T, B, 4H) with the gates side by side as a | i | f | o; c and h (T + 1, B, H), slot t holding
// what step t - 1 left; tanh_c and dh (T, B, H); recurrent (B, 4H); b (4H); dh_recurrent and dc
// (B, H); resets (T, B). b and resets may be null. One thread for each element (n, j) of (B, H).

template <typename Real>
__device__ Real sigma(Real x)
{
    return Real(0.5) * tanh(Real(0.5) * x) + Real(0.5);
}

// a = tanh(z_a), i = sigma(z_i), f = sigma(z_f), o = sigma(z_o), where z has had U h and b added;
// c^t = a i + c^(t-1) f,  h^t = tanh(c^t) o

template <typename Real>
__global__ void gates_forward(
    long long t, Real* z, const Real* recurrent, const Real* b, Real* c, Real* tanh_c, Real* h,
    const bool* resets, long long batch, long long hidden)
{
    const int B = batch, H = hidden;
    const int element = thread_of_grid();
    if (element >= B * H)
        return;
    const int n = element / H, j = element - n * H;
    const long long before = t * B * H + element, now = before + B * H;
    const bool reset = resets && resets[t * B + n];

    z += (t * B + n) * 4 * H + j;
    recurrent += n * 4LL * H + j;
    Real x[4];
    for (int gate = 0; gate < 4; gate++) {
        x[gate] = z[gate * H];
        if (!reset)
            x[gate] += recurrent[gate * H];
        if (b)
            x[gate] += b[gate * H + j];
    }
    const Real a = tanh(x[0]), i = sigma(x[1]), f = sigma(x[2]), o = sigma(x[3]);
    const Real c_before = reset ? Real(0) : c[before];
    const Real c_now = a * i + c_before * f;
    const Real tanh_now = tanh(c_now);

    z[0] = a;
    z[H] = i;
    z[2 * H] = f;
    z[3 * H] = o;
    c[now] = c_now;
    tanh_c[before] = tanh_now;
    h[now] = tanh_now * o;
}

// dh^t += dh_recurrent,  delta c^t = dc + dh^t o (1 - tanh(c^t)^2); z becomes
// delta c^t i (1 - a^2) | delta c^t a i (1 - i) | delta c^t c^(t-1) f (1 - f) | dh^t tanh(c^t) o (1 - o)
// and dc becomes delta c^t f

template <typename Real>
__global__ void gates_backward(
    long long t, Real* z, const Real* c, const Real* tanh_c, Real* dh, const Real* dh_recurrent,
    Real* dc, const bool* resets, long long steps, long long batch, long long hidden)
{
    const int B = batch, H = hidden;
    const int element = thread_of_grid();
    if (element >= B * H)
        return;
    const int n = element / H, j = element - n * H;
    const long long at = t * B * H + element;
    const bool reset = resets && resets[t * B + n];
    const bool reset_after = resets && t + 1 < steps && resets[(t + 1) * B + n];

    z += (t * B + n) * 4 * H + j;
    const Real a = z[0], i = z[H], f = z[2 * H], o = z[3 * H];
    const Real c_before = reset ? Real(0) : c[at], tanh_now = tanh_c[at];
    const Real dh_now = dh[at] + (reset_after ? Real(0) : dh_recurrent[element]);
    const Real dc_after = reset_after ? Real(0) : dc[element];
    const Real delta = dc_after + dh_now * o * (1 - tanh_now * tanh_now);

    dh[at] = dh_now;
    z[0] = delta * i * (1 - a * a);
    z[H] = delta * a * i * (1 - i);
    z[2 * H] = delta * c_before * f * (1 - f);
    z[3 * H] = dh_now * tanh_now * o * (1 - o);
    dc[element] = delta * f;
}
