// The device's memory, which is the host's, pinned memory, and copies.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "device.h"

namespace stand_in {

size_t memory_limit;

namespace {

constexpr size_t alignment = 512;
constexpr int unwritten = 0xFF;  // in each byte: a NaN in every floating type

using Allocations = std::map<Handle, size_t>;  // sizes by address
Allocations on_device, pinned;
size_t allocated;

bool inside(const Allocations& allocations, Handle address) {
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return false;
  const auto& [start, size] = *--next;
  return size_t(address - start) < size;
}

Handle allocate(Allocations& allocations, size_t size) {
  void* memory;
  if (posix_memalign(&memory, alignment, size)) return raise(out_of_memory), 0;
  memset(memory, unwritten, size);
  allocations[Handle(memory)] = size;
  return Handle(memory);
}

PyObject* release(Allocations& allocations, Handle address) {
  finish_all();  // as CUDA does
  allocations.erase(address);
  free(reinterpret_cast<void*>(address));
  return none();
}

Work copy(Handle to, Handle from, size_t size) {
  return [=] { memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), size); };
}

// As in cudaMemcpyKind.
enum Kind { host_to_host, to_device, to_host, device_to_device, by_address };

Kind count_copy(int kind, Handle to, Handle from) {
  if (kind == by_address) kind = is_device_memory(to) + 2 * is_device_memory(from);
  constexpr const char* names[] = {"copies_on_host", "copies_to_device", "copies_to_host",
                                   "copies_on_device"};
  ++counts[names[kind]];
  return Kind(kind);
}

}  // namespace

bool is_device_memory(Handle address) { return inside(on_device, address); }

extern "C" {

PyObject* runtime_memGetInfo(int) {
  return Py_BuildValue("(nn)", memory_limit - allocated, memory_limit);
}
Handle runtime_malloc(size_t size, int) {
  if (refused_in_capture()) return 0;
  ++counts["mallocs"];
  if (size > memory_limit - allocated) return raise(out_of_memory), 0;
  const Handle address = allocate(on_device, size);
  if (address) allocated += size;
  return address;
}
PyObject* runtime_free(Handle address, int) {
  allocated -= on_device[address];
  return release(on_device, address);
}
Handle runtime_hostAlloc(size_t size, unsigned, int) {
  ++counts["pinned_mallocs"];
  return allocate(pinned, size);
}
PyObject* runtime_freeHost(Handle address, int) { return release(pinned, address); }
int runtime_pointerGetMemoryType(Handle address, int) {
  return inside(pinned, address) ? 1 : inside(on_device, address) ? 2 : 0;
}

// Pinned memory is read or written when the copy's turn comes. Of any other memory, the driver has
// read all when the call returns, or has written all.
PyObject* runtime_memcpyAsync(Handle to, Handle from, size_t size, int given, Handle stream, int) {
  const Kind kind = count_copy(given, to, from);
  const Handle host = kind == to_device ? from : kind == to_host ? to : 0;
  const bool pageable = host && !inside(pinned, host);
  if (pageable && refused_in_capture()) return nullptr;
  if (pageable && kind == to_device) {
    auto read = std::make_shared<std::string>(reinterpret_cast<const char*>(from), size);
    enqueue(stream, [=] { memcpy(reinterpret_cast<void*>(to), read->data(), size); });
  } else {
    enqueue(stream, copy(to, from, size));
  }
  if (pageable) ++counts["pageable_copies"];
  if (pageable && kind == to_host) finish(stream);
  return raise_failure();
}
PyObject* runtime_memcpy(Handle to, Handle from, size_t size, int given, int) {
  if (refused_in_capture()) return nullptr;
  const bool waits = count_copy(given, to, from) != device_to_device;
  enqueue(0, copy(to, from, size));
  if (waits) ++counts["synchronisations"], finish(0);
  return raise_failure();
}
PyObject* runtime_memsetAsync(Handle address, int value, size_t size, Handle stream, int) {
  ++counts["memsets"];
  enqueue(stream, [=] { memset(reinterpret_cast<void*>(address), value, size); });
  return none();
}
PyObject* runtime_memset(Handle address, int value, size_t size, int) {
  return runtime_memsetAsync(address, value, size, 0, 0);
}

// Memory that CuPy's pool gives out once more becomes as if it were new, so that nobody relies on
// what it holds. Not if work is deferred, which may still be about to use it.
void stand_in_allocated(Handle address, size_t size) {
  ++counts["allocations"];
  if (!deferred) memset(reinterpret_cast<void*>(address), unwritten, size);
}

}  // extern "C"

}  // namespace stand_in
