// Sums over all values, and the latch. Each thread adds up its share, the threads of a block theirs,
// and the blocks theirs: for one number of values always in the same order.

// This thread's share of a sum over `count` values

template <typename Real>
__device__ Real share_of_sum(const Real* values, long long count)
{
    Real share = 0;
    for (long long k = thread_of_grid(); k < count; k += threads_of_grid())
        share += values[k];
    return share;
}

// out = factor * (the sum of all values), by one block

template <typename Real>
__global__ void sum(const Real* values, double factor, Real* out, long long count)
{
    const Real all = sum_of_block(share_of_sum(values, count));
    if (threadIdx.x == 0)
        *out = all * Real(factor);
}

// squares[block] = the sum of the squares of the block's share of the values

template <typename Real>
__global__ void sum_squares(const Real* values, Real* squares, long long count)
{
    Real share = 0;
    for (long long k = thread_of_grid(); k < count; k += threads_of_grid())
        share += values[k] * values[k];
    share = sum_of_block(share);
    if (threadIdx.x == 0)
        squares[blockIdx.x] = share;
}

// out = the root of the sum of what `sum_squares` left, by one block

template <typename Real>
__global__ void root_of_sum(const Real* squares, Real* out, long long count)
{
    const Real all = sum_of_block(share_of_sum(squares, count));
    if (threadIdx.x == 0)
        *out = sqrt(all);
}

// bad_step = step, if it is the first with a loss or a norm that is not finite; by one thread

template <typename Real>
__global__ void observe(
    const Real* loss, const Real* norm, const long long* step, long long* bad_step)
{
    if (*bad_step < 0 && !isfinite(*loss + *norm))
        *bad_step = *step;
}
