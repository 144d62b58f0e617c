// Rows of a table (R, K), one for each symbol: looked up, and their gradients summed.

// out[n] = table[rows[n]]; a block for some columns of one n

template <typename Real>
__global__ void gather_rows(const Real* table, const int* rows, Real* out, long long columns)
{
    const long long n = blockIdx.x, row = rows[n];
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column < columns)
        out[n * columns + column] = table[row * columns + column];
}

// out[row] = the sum of values[n] over all n with rows[n] = row; a block for 32 columns of one row
//
// The warps of a block share the n, 32 at a time: the lanes of a warp look at one each, tell each
// other which belong to the row, and then each adds up one column. The sums of the warps are added
// at the end. All in a fixed order, without sorting, and no two threads write to one place.

template <typename Real>
__global__ void sum_rows(
    const Real* values, const int* rows, Real* out, long long count, long long columns)
{
    __shared__ Real of_warps[WARP][WARP];
    const int lane = threadIdx.x, warp = threadIdx.y, warps = blockDim.y, row = blockIdx.x;
    const int column = blockIdx.y * WARP + lane;
    Real sum = 0;
    for (long long first = warp * WARP; first < count; first += warps * WARP) {
        const bool found = first + lane < count && rows[first + lane] == row;
        unsigned lanes = __ballot_sync(ALL_LANES, found);
        for (; lanes; lanes &= lanes - 1) {  // which takes the lowest bit away
            const long long n = first + __ffs(lanes) - 1;
            if (column < columns)
                sum += values[n * columns + column];
        }
    }
    of_warps[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || column >= columns)
        return;
    for (int other = 1; other < warps; other++)
        sum += of_warps[other][lane];
    out[row * columns + column] = sum;
}
