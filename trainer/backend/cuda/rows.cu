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

// out[row] = the sum of values[n] over all n with rows[n] = row; a block for 128 columns of one row
//
// The warps of a block share the n, 32 at a time: the lanes of a warp look at one each, tell each
// other which belong to the row, and then each adds up its columns. The sums of the warps are added
// at the end. All in a fixed order, without sorting, and no two threads write to one place.

const int COLUMNS = 4, MAX_WARPS = 8;  // of a lane; of a block

template <typename Real>
__global__ void sum_rows(
    const Real* values, const int* rows, Real* out, long long count, long long columns)
{
    __shared__ Real of_warps[MAX_WARPS][COLUMNS][WARP];
    const int lane = threadIdx.x, warp = threadIdx.y, warps = blockDim.y, row = blockIdx.x;
    const long long column = (long long)blockIdx.y * COLUMNS * WARP + lane;
    Real sum[COLUMNS] = {};
    for (long long first = warp * WARP; first < count; first += warps * WARP) {
        const bool found = first + lane < count && rows[first + lane] == row;
        unsigned lanes = __ballot_sync(ALL_LANES, found);
        for (; lanes; lanes &= lanes - 1) {  // which takes the lowest bit away
            const Real* value = values + (first + __ffs(lanes) - 1) * columns + column;
            for (int k = 0; k < COLUMNS; k++)
                if (column + k * WARP < columns)
                    sum[k] += value[k * WARP];
        }
    }
    for (int k = 0; k < COLUMNS; k++)
        of_warps[warp][k][lane] = sum[k];
    __syncthreads();
    if (warp > 0)
        return;
    for (int k = 0; k < COLUMNS; k++) {
        for (int other = 1; other < warps; other++)
            sum[k] += of_warps[other][k][lane];
        if (column + k * WARP < columns)
            out[row * columns + column + k * WARP] = sum[k];
    }
}
