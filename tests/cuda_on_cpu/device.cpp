// The device: what it says of itself, its kernels, and how often the host asked it for what.
//
// Functions called runtime_... and driver_... take the place of CuPy's own of these names (see
// capsules.py); their last int is Cython's, and means nothing here.
#include "device.h"

#include <dlfcn.h>

#include <memory>
#include <utility>
#include <vector>

namespace stand_in {

std::map<std::string, long> counts;

namespace {

constexpr int compute_capability[] = {9, 0}, processors = 132, threads_of_block = 1024;
constexpr unsigned warp_size = 32, shared_size_of_block = 49152;

struct Function {
  const Kernel* kernel;
  long launches = 0;
};
std::vector<Function*> functions;  // all there are; they are never unloaded

int devices, current_device;
bool old_driver;
std::string failure;

PyObject* dictionary(const std::map<std::string, long>& numbers) {
  PyObject* result = Py_BuildValue("{}");
  for (const auto& [name, number] : numbers)
    Py_DecRef(PyObject_CallMethod(result, "__setitem__", "sl", name.c_str(), number));
  return result;
}

}  // namespace

PyObject* none() { return Py_BuildValue(""); }

PyObject* raise(Error error) {
  PyObject* runtime = PyImport_ImportModule("cupy_backends.cuda.api.runtime");
  PyObject* exception = PyObject_CallMethod(runtime, "CUDARuntimeError", "i", int(error));
  PyObject* type = PyObject_Type(exception);
  PyErr_SetObject(type, exception);
  for (PyObject* object : {runtime, exception, type}) Py_DecRef(object);
  return nullptr;
}

void fail(const std::string& message) { failure = message; }

PyObject* raise_failure() {
  if (failure.empty()) return none();
  return PyErr_Format(PyExc_RuntimeError, "%s", std::exchange(failure, "").c_str());
}

extern "C" {

// ---- devices -----------------------------------------------------------------------------------

int runtime_getDeviceCount(int) {
  if (old_driver) return raise(insufficient_driver), -1;
  if (!devices) return raise(no_device), -1;
  return devices;
}
int runtime_getDevice(int) { return runtime_getDeviceCount(0) < 0 ? -1 : current_device; }
PyObject* runtime_setDevice(int device, int) {
  if (runtime_getDeviceCount(0) < 0) return nullptr;
  if (device < 0 || device >= devices) return raise(invalid_device);
  current_device = device;
  return none();
}
PyObject* runtime__ensure_context() { return none(); }
int runtime_driverGetVersion(int) { return old_driver ? 11000 : 13000; }
int runtime_deviceCanAccessPeer(int, int, int) { return 0; }
int runtime_deviceGetAttribute(int attribute, int, int) {
  switch (attribute) {
    case 1: return threads_of_block;
    case 8: return shared_size_of_block;
    case 10: return warp_size;
    case 16: return processors;
    case 75: return compute_capability[0];
    case 76: return compute_capability[1];
    default: return 0;  // no memory pools, for one: CuPy keeps its own
  }
}
PyObject* runtime_getDeviceProperties(int, int) {
  return Py_BuildValue("{s:y,s:n,s:i,s:i,s:i,s:i,s:i,s:i}", "name", "stand-in (CPU)",
                       "totalGlobalMem", memory_limit, "sharedMemPerBlock", shared_size_of_block,
                       "warpSize", warp_size, "multiProcessorCount", processors, "major",
                       compute_capability[0], "minor", compute_capability[1],
                       "maxThreadsPerBlock", threads_of_block);
}
int driver_ctxGetDevice(int) { return current_device; }
Handle driver_ctxGetCurrent(int) { return 1; }

// ---- kernels -----------------------------------------------------------------------------------

// What CuPy takes for a module's code is the path of the library that build.py made of its source.
Handle driver_moduleLoadData(PyObject* path, int) {
  void* library = dlopen(PyBytes_AsString(path), RTLD_NOW | RTLD_LOCAL);
  if (!library) PyErr_Format(PyExc_RuntimeError, "%s", dlerror());
  return Handle(library);
}
PyObject* driver_moduleUnload(Handle, int) { return none(); }
Handle driver_moduleGetFunction(Handle library, PyObject* name, int) {
  const std::string symbol = std::string("exported_") + PyUnicode_AsUTF8(name);
  void* kernel = dlsym(reinterpret_cast<void*>(library), symbol.c_str());
  if (!kernel) return PyErr_Format(PyExc_RuntimeError, "%s", dlerror()), 0;
  functions.push_back(new Function{static_cast<const Kernel*>(kernel)});
  return Handle(functions.back());
}
int driver_funcGetAttribute(int, Handle, int) { return 0; }
PyObject* driver_launchKernel(Handle handle, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                              unsigned block_x, unsigned block_y, unsigned block_z,
                              unsigned shared_size, Handle stream, Handle parameters, Handle,
                              int) {
  auto* function = reinterpret_cast<Function*>(handle);
  const Kernel* kernel = function->kernel;
  const Shape grid{grid_x, grid_y, grid_z}, block{block_x, block_y, block_z};
  if (!grid.size() || grid.x > 0x7fffffff || grid.y > 0xffff || grid.z > 0xffff || !block.size() ||
      block.size() > threads_of_block || block.z > 64 || shared_size > shared_size_of_block)
    return raise(invalid_configuration);
  ++counts["kernels"];
  ++function->launches;
  const std::shared_ptr<void> arguments(
      kernel->copy_arguments(reinterpret_cast<void**>(parameters)), kernel->drop_arguments);
  enqueue(stream, [=] { run_grid(kernel, arguments.get(), grid, block, shared_size); });
  return raise_failure();
}

// ---- for stand_in.py ---------------------------------------------------------------------------

void stand_in_configure(int number_of_devices, size_t memory, int driver_is_old, int defer) {
  devices = number_of_devices;
  memory_limit = memory;
  old_driver = driver_is_old;
  deferred = defer;
}
void stand_in_drop(int drop) { dropped = drop; }
void stand_in_reset() {
  counts.clear();
  for (Function* function : functions) function->launches = 0;
}
PyObject* stand_in_counters() { return dictionary(counts); }
PyObject* stand_in_kernels() {
  std::map<std::string, long> launches;
  for (const Function* function : functions)
    if (function->launches) launches[function->kernel->name] += function->launches;
  return dictionary(launches);
}

}  // extern "C"

}  // namespace stand_in
