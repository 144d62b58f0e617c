// Runs the threads of a grid one after another, on one processor of the host.
//
// A fiber (a stack to switch to) begins thread after thread. When one has to wait for others, its
// fiber rests with it, and another fiber begins the next thread; so a kernel without barriers needs
// one. When all have begun, those whose barrier is complete go on, round after round.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "device.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

// Leaves this stack, noting in *leave where, and goes on where the stack `enter` was left.
extern "C" void switch_stack(void** leave, void* enter);
asm(R"(
  .text
  .type switch_stack, @function
switch_stack:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");

namespace stand_in {

char* dynamic_shared;

namespace {

enum class State { running, at_block_barrier, at_warp_barrier, ended };

struct Thread {
  State state;
  int line;          // of the barrier
  unsigned mask;     // the lanes that a warp's barrier is for
  uint64_t value;    // what this lane brings to it,
  uint64_t brought;  // and what it brought to the one it has passed
  void** fiber;      // where it rests
};

constexpr unsigned warp_size = 32;
constexpr size_t stack_size = 256 << 10;

const Kernel* kernel;
void* arguments;
bool reversed;
std::vector<Thread> threads;  // of the block
unsigned begun, ended, current;
std::vector<void**> idle;  // fibers: each a pointer to where its stack was left
void** running;
void* host_stack;

unsigned in_order(unsigned i, unsigned number) { return reversed ? number - 1 - i : i; }

uint3 position(unsigned i, const dim3& extent) {
  return {i % extent.x, i / extent.x % extent.y, i / extent.x / extent.y};
}

void select(unsigned number) {
  current = number;
  threadIdx = position(number, blockDim);
}

void run_fiber() {
  for (;; switch_stack(running, host_stack))
    while (begun < threads.size()) {
      select(in_order(begun++, threads.size()));
      kernel->run_thread(arguments);
      threads[current].state = State::ended;
      ++ended;
    }
}

void enter(void** fiber) {
  running = fiber;
  switch_stack(&host_stack, *fiber);
  if (threads[current].state == State::ended) idle.push_back(fiber);
}

void enter_idle() {
  if (idle.empty()) {
    void* memory = mmap(nullptr, stack_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void** top = static_cast<void**>(memory) + stack_size / sizeof(void*);
    top[-2] = reinterpret_cast<void*>(run_fiber);  // where the first switch returns to,
    idle.push_back(new void*(top - 8));            // below six registers
  }
  void** fiber = idle.back();
  idle.pop_back();
  enter(fiber);
}

void wait(State state, int line, unsigned mask, uint64_t value) {
  Thread& thread = threads[current];
  thread.state = state;
  thread.line = line;
  thread.mask = mask;
  thread.value = value;
  thread.fiber = running;
  switch_stack(running, host_stack);
}

// Calls `visit` with each thread of this warp that the mask names.
template <class Visit>
void for_lanes(unsigned number, unsigned mask, Visit visit) {
  unsigned first = number / warp_size * warp_size;
  for (unsigned lane = 0; lane < warp_size && first + lane < threads.size(); ++lane)
    if (mask >> lane & 1) visit(threads[first + lane]);
}

bool release_block() {
  for (const Thread& thread : threads)
    if (thread.state != State::at_block_barrier || thread.line != threads[0].line) return false;
  for (Thread& thread : threads) thread.state = State::running;
  return true;
}

bool release_warp(unsigned number) {
  const Thread thread = threads[number];
  if (thread.state != State::at_warp_barrier) return false;
  bool complete = thread.mask >> number % warp_size & 1;
  for_lanes(number, thread.mask, [&](const Thread& lane) {
    complete &= lane.state == thread.state && lane.line == thread.line && lane.mask == thread.mask;
  });
  if (complete)
    for_lanes(number, thread.mask, [](Thread& lane) {
      lane.state = State::running;
      lane.brought = lane.value;
    });
  return complete;
}

void report_divergence() {
  std::map<std::string, int> places;
  for (const Thread& thread : threads)
    ++places[thread.state == State::ended ? "ended" : "at line " + std::to_string(thread.line)];
  std::string list;
  for (const auto& place : places)
    list += (list.empty() ? "" : ", ") + std::to_string(place.second) + " " + place.first;
  fail(std::string("kernel ") + kernel->name + ": threads do not meet at a barrier: " + list);
}

bool run_block() {
  for (Thread& thread : threads) thread = {};
  begun = ended = 0;
  while (begun < threads.size()) enter_idle();
  while (ended < threads.size()) {
    bool released = release_block();
    if (!released)
      for (unsigned i = 0; i < threads.size(); ++i) released |= release_warp(i);
    if (!released) return report_divergence(), false;
    for (unsigned i = 0; i < threads.size(); ++i) {
      unsigned number = in_order(i, threads.size());
      if (threads[number].state != State::running) continue;
      select(number);
      enter(threads[number].fiber);
    }
  }
  return true;
}

}  // namespace

void wait_for_block(int line) { wait(State::at_block_barrier, line, 0, 0); }

int lane_number() { return current % warp_size; }

uint64_t exchange(uint64_t value, unsigned mask, int source, int line) {
  wait(State::at_warp_barrier, line, mask, value);
  unsigned other = current / warp_size * warp_size + source;
  bool there = unsigned(source) < warp_size && other < threads.size() && mask >> source & 1;
  return there ? threads[other].brought : ~uint64_t(0);  // undefined on a GPU; a NaN here
}

unsigned ballot(bool value, unsigned mask, int line) {
  wait(State::at_warp_barrier, line, mask, uint64_t(value) << lane_number());
  unsigned votes = 0;
  for_lanes(current, mask, [&](const Thread& lane) { votes |= lane.brought; });
  return votes;
}

void run_grid(const Kernel* which, void* values, Shape grid, Shape block, size_t shared) {
  const char* order = getenv("CUDA_ON_CPU_ORDER");
  reversed = order && !strcmp(order, "reverse");
  kernel = which;
  arguments = values;
  gridDim = dim3(grid.x, grid.y, grid.z);
  blockDim = dim3(block.x, block.y, block.z);
  threads.resize(block.size());
  dynamic_shared = static_cast<char*>(malloc(shared));
  for (size_t i = 0; i < grid.size(); ++i) {
    blockIdx = position(in_order(i, grid.size()), gridDim);
    memset(dynamic_shared, 0xFF, shared);
    kernel->clear_shared();
    if (!run_block()) break;
  }
  free(dynamic_shared);
}

}  // namespace stand_in
