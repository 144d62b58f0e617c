// Put before every kernel's source: CUDA C++ as far as the kernels here use it, for g++.
#pragma once
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tuple>

#include "kernel_interface.h"

#define __device__
#define __host__
#define __global__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)

// ---- shared memory ------------------------------------------------------------------------------
// build.py makes a Shared<T[N]> of `__shared__ T a[N];`, so that no block finds what another left.
namespace stand_in {

struct SharedArray {
  static inline SharedArray* all = nullptr;
  SharedArray* next = all;
  void* start;
  size_t size;
  SharedArray(void* start, size_t size) : start(start), size(size) { clear(), all = this; }
  void clear() { memset(start, 0xFF, size); }
};
template <class T>
struct Shared : SharedArray {
  alignas(16) T value;
  Shared() : SharedArray(&value, sizeof value) {}
};
static void clear_shared() {
  for (SharedArray* array = SharedArray::all; array; array = array->next) array->clear();
}

}  // namespace stand_in

// ---- barriers and warps -------------------------------------------------------------------------
constexpr int warpSize = 32;
inline void __syncthreads(int line = __builtin_LINE()) { stand_in::wait_for_block(line); }
inline void __syncwarp(unsigned mask = ~0u, int line = __builtin_LINE()) {
  stand_in::exchange(0, mask, 0, line);
}
inline unsigned __ballot_sync(unsigned mask, bool value, int line = __builtin_LINE()) {
  return stand_in::ballot(value, mask, line);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32, int line = __builtin_LINE()) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  int first = stand_in::lane_number() / width * width;
  bits = stand_in::exchange(bits, mask, first + lane % width, line);
  memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bit, int width = 32, int line = __builtin_LINE()) {
  return __shfl_sync(mask, value, stand_in::lane_number() ^ bit, width, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, int by, int width = 32, int line = __builtin_LINE()) {
  int lane = stand_in::lane_number() % width;
  return __shfl_sync(mask, value, lane + by < width ? lane + by : lane, width, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, int by, int width = 32, int line = __builtin_LINE()) {
  int lane = stand_in::lane_number() % width;
  return __shfl_sync(mask, value, lane >= by ? lane - by : lane, width, line);
}

// ---- functions ----------------------------------------------------------------------------------
using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;
template <class T>
T max(T a, T b) { return a > b ? a : b; }
template <class T>
T min(T a, T b) { return a < b ? a : b; }
inline float max(float a, float b) { return fmaxf(a, b); }
inline float min(float a, float b) { return fminf(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline float rsqrt(float x) { return 1 / sqrtf(x); }
inline double rsqrt(double x) { return 1 / sqrt(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return uint64_t(a) * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned __int128>(a) * b >> 64;
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
// CuPy's sources name complex numbers, but their header takes g++ a second, and nothing uses them.
template <class T>
struct complex;
template <class T>
T norm(const complex<T>&) { abort(); }

namespace stand_in {

template <class To, class From>
To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace stand_in

inline float __int_as_float(int bits) { return stand_in::bits_as<float>(bits); }
inline int __float_as_int(float value) { return stand_in::bits_as<int>(value); }
inline unsigned __float_as_uint(float value) { return stand_in::bits_as<unsigned>(value); }
inline double __longlong_as_double(long long bits) { return stand_in::bits_as<double>(bits); }
inline long long __double_as_longlong(double value) { return stand_in::bits_as<long long>(value); }
template <class T>
T __ldg(const T* address) { return *address; }

// There is one thread at a time: what it does between two barriers is atomic.
inline void __threadfence() {}
inline void __threadfence_block() {}
namespace stand_in {

template <class T>
T replace(T* address, T value) {
  T old = *address;
  *address = value;
  return old;
}

}  // namespace stand_in

#define ATOMIC(T)                                                                                  \
  inline T atomicAdd(T* p, T v) { return stand_in::replace(p, *p + v); }                           \
  inline T atomicExch(T* p, T v) { return stand_in::replace(p, v); }
#define INTEGER_ATOMIC(T)                                                                          \
  ATOMIC(T)                                                                                        \
  inline T atomicMax(T* p, T v) { return stand_in::replace(p, max(*p, v)); }                       \
  inline T atomicMin(T* p, T v) { return stand_in::replace(p, min(*p, v)); }                       \
  inline T atomicCAS(T* p, T c, T v) { return stand_in::replace(p, *p == c ? v : *p); }
ATOMIC(float)
ATOMIC(double)
INTEGER_ATOMIC(int)
INTEGER_ATOMIC(unsigned)
INTEGER_ATOMIC(unsigned long long)

// ---- what a kernel is to the device -------------------------------------------------------------
namespace stand_in {

template <auto kernel>
struct Launch;
template <class... Types, void (*kernel)(Types...)>
struct Launch<kernel> {
  using Values = std::tuple<Types...>;
  template <size_t... i>
  static void* copy(void** addresses, std::index_sequence<i...>) {
    return new Values(*static_cast<std::remove_const_t<Types>*>(addresses[i])...);
  }
  static void* copy_arguments(void** addresses) {
    return copy(addresses, std::index_sequence_for<Types...>{});
  }
  static void drop_arguments(void* values) { delete static_cast<Values*>(values); }
  static void run_thread(void* values) { std::apply(kernel, *static_cast<Values*>(values)); }
  static constexpr Kernel named(const char* name) {
    return {name, copy_arguments, drop_arguments, run_thread, clear_shared};
  }
};

}  // namespace stand_in

#define EXPORT_KERNEL(symbol, ...)          \
  extern "C" const stand_in::Kernel symbol; \
  const stand_in::Kernel symbol = stand_in::Launch<&__VA_ARGS__>::named(#__VA_ARGS__);
