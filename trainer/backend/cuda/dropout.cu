// Dropout with the masks of trainer.backend.random.keep_mask, bit for bit: NumPy's Philox 4x64-10
// (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

typedef unsigned long long Word;

// Ten rounds over a counter of four words, under a key of two

__device__ void philox(Word counter[4], Word key_0, Word key_1)
{
    const Word M_0 = 0xD2E7470EE14C6C93, M_1 = 0xCA5A826395121157;
    for (int round = 0; round < 10; round++) {
        const Word high_0 = __umul64hi(M_0, counter[0]), low_0 = M_0 * counter[0];
        const Word high_1 = __umul64hi(M_1, counter[2]), low_1 = M_1 * counter[2];
        counter[0] = high_1 ^ counter[1] ^ key_0;
        counter[1] = low_1;
        counter[2] = high_0 ^ counter[3] ^ key_1;
        counter[3] = low_0;
        key_0 += 0x9E3779B97F4A7C15;
        key_1 += 0xBB67AE8584CAA73B;
    }
}

// y = x * mask * factor, mask = [number >= threshold]; 16 elements to a thread
//
// A thread draws four words, 16 numbers of 16 bits, the lowest first. The 32 threads of a warp then
// go through their 512 elements together, 32 neighbours at a time.

template <typename Real>
__global__ void dropout_forward(
    const Real* x, unsigned char* mask, Real* y, const long long* step, Word seed, Word layer,
    Word shard, long long threshold, double scale, long long elements)
{
    const int lane = threadIdx.x % WARP;
    const long long thread = thread_of_grid();
    Word words[4] = {Word(thread) + 1, shard, Word(*step), 0};  // NumPy counts before it draws
    philox(words, seed, layer);
    unsigned kept = 0;
    for (int number = 0; number < 16; number++)
        if ((words[number / 4] >> (16 * (number % 4)) & 0xffff) >= Word(threshold))
            kept |= 1 << number;

    const Real factor = scale;
    for (int group = 0; group < 16; group++) {
        const unsigned theirs = __shfl_sync(ALL_LANES, kept, 2 * group + lane / 16);
        const bool keep = theirs >> (lane % 16) & 1;
        const long long element = (thread - lane) * 16 + group * WARP + lane;
        if (element < elements) {
            mask[element] = keep;
            y[element] = x[element] * Real(keep) * factor;
        }
    }
}

// dy = dy * mask * factor

template <typename Real>
__global__ void dropout_backward(
    Real* dy, const unsigned char* mask, double scale, long long elements)
{
    const Real factor = scale;
    for (long long k = thread_of_grid(); k < elements; k += threads_of_grid())
        dy[k] = dy[k] * Real(mask[k]) * factor;
}
