// What a compiled kernel offers the device, and the device a kernel.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace stand_in {

extern char* dynamic_shared;

struct Kernel {
  const char* name;
  void* (*copy_arguments)(void** addresses);
  void (*drop_arguments)(void* arguments);
  void (*run_thread)(void* arguments);
  void (*clear_shared)();
};

// All wait until the threads concerned are at the same line; `exchange` then returns the value that
// lane `source` brought, `ballot` a bit for each lane that brought a true one.
void wait_for_block(int line);
uint64_t exchange(uint64_t value, unsigned mask, int source, int line);
unsigned ballot(bool value, unsigned mask, int line);
int lane_number();

}  // namespace stand_in
