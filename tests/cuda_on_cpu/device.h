// What the parts of the stand-in share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "kernel_interface.h"

// The few functions of Python's C interface that are needed: so no Python headers are.
struct _object;
using PyObject = _object;
extern "C" {
PyObject* PyImport_ImportModule(const char*);
PyObject* PyObject_CallMethod(PyObject*, const char* name, const char* format, ...);
PyObject* PyObject_Type(PyObject*);
PyObject* Py_BuildValue(const char* format, ...);
char* PyBytes_AsString(PyObject*);
const char* PyUnicode_AsUTF8(PyObject*);
PyObject* PyErr_Format(PyObject* type, const char* format, ...);
void PyErr_SetObject(PyObject* type, PyObject* value);
void Py_DecRef(PyObject*);
extern PyObject* PyExc_RuntimeError;
}

namespace stand_in {

// Numbers of cudaError_t.
enum Error {
  out_of_memory = 2,
  invalid_configuration = 9,
  insufficient_driver = 35,
  no_device = 100,
  invalid_device = 101,
  not_ready = 600,
  capture_unsupported = 900,
  capture_invalidated = 901,
};

using Handle = intptr_t;             // of a stream, an event or a graph; or an address
using Work = std::function<void()>;  // something for the device to do

// device.cpp
extern std::map<std::string, long> counts;  // what the host did how often, see README.md
PyObject* none();
PyObject* raise(Error);                 // sets the exception: nullptr
void fail(const std::string& message);  // an error of the device, which the host meets later:
PyObject* raise_failure();              // as `raise` if there was one, else None

// memory.cpp
extern size_t memory_limit;
bool is_device_memory(Handle address);

// streams.cpp
extern bool deferred;       // work waits until the host waits for it
extern bool dropped;        // work is thrown away
bool refused_in_capture();  // what a capture cannot have breaks it: true, with the exception set
void enqueue(Handle stream, Work);
void finish(Handle stream);
void finish_all();

// grid.cpp
struct Shape {
  unsigned x, y, z;
  size_t size() const { return size_t(x) * y * z; }
};
void run_grid(const Kernel*, void* arguments, Shape grid, Shape block, size_t shared_size);

}  // namespace stand_in
