// What the other files share. All are compiled as one text, this one first, without any header.
//
// Real is float or double. Python's numbers arrive 8 bytes wide: whole ones as long long, others as
// double.

const int WARP = 32;
const unsigned ALL_LANES = 0xffffffff;

// This thread's number in the whole grid, and how many there are, along x.

__device__ long long thread_of_grid()
{
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ long long threads_of_grid()
{
    return (long long)gridDim.x * blockDim.x;
}

// The sum, or the maximum, of one value of each lane of a warp, to the same bits in each of them.

template <typename Real>
__device__ Real sum_of_warp(Real value)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}

template <typename Real>
__device__ Real maximum_of_warp(Real value)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value = max(value, __shfl_xor_sync(ALL_LANES, value, distance));
    return value;
}

// The sum of one value of each thread of a block of whole warps, in the threads of the first warp.
// Once in a kernel: nothing keeps a second sum from writing while the first is being read.

template <typename Real>
__device__ Real sum_of_block(Real value)
{
    __shared__ Real of_warps[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    value = sum_of_warp(value);
    if (lane == 0)
        of_warps[warp] = value;
    __syncthreads();
    return sum_of_warp(warp == 0 && lane < warps ? of_warps[lane] : Real(0));
}
