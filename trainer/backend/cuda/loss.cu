// Softmax cross-entropy of N predictions over V symbols: a warp for each, whose lanes share the
// symbols. Each lane reads and writes only its own symbols, so no lane waits for another's writes.

// loss = log(sum_v exp(x_v - max)) - (x_target - max); x becomes exp(x - max), total its sum

template <typename Real>
__global__ void softmax_forward(
    Real* logits, const int* targets, Real* total, Real* losses, long long predictions,
    long long symbols)
{
    const int V = symbols, lane = threadIdx.x % WARP;
    const long long prediction = thread_of_grid() / WARP;
    if (prediction >= predictions)
        return;
    Real* x = logits + prediction * V;
    const int target = targets[prediction];

    Real largest = -1 / Real(0);
    for (int v = lane; v < V; v += WARP)
        largest = max(largest, x[v]);
    largest = maximum_of_warp(largest);

    Real sum = 0, chosen = 0;
    for (int v = lane; v < V; v += WARP) {
        const Real difference = x[v] - largest;
        if (v == target)
            chosen = difference;
        x[v] = exp(difference);
        sum += x[v];
    }
    sum = sum_of_warp(sum);
    chosen = __shfl_sync(ALL_LANES, chosen, target % WARP);
    if (lane == 0) {
        total[prediction] = sum;
        losses[prediction] = log(sum) - chosen;
    }
}

// dx_v = (exp(x_v - max) / total - [v = target]) / predictions, over how many the mean is

template <typename Real>
__global__ void softmax_backward(
    Real* p, const int* targets, const Real* total, long long mean_of, long long predictions,
    long long symbols)
{
    const int V = symbols, lane = threadIdx.x % WARP;
    const long long prediction = thread_of_grid() / WARP;
    if (prediction >= predictions)
        return;
    p += prediction * V;
    const int target = targets[prediction];
    const Real factor = 1 / (mean_of * total[prediction]), share = Real(1) / mean_of;
    for (int v = lane; v < V; v += WARP)
        p[v] = p[v] * factor - (v == target ? share : Real(0));
}
