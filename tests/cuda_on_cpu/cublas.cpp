// The part of cuBLAS that is used here, on the stand-in's streams. Matrices are column-major.
//
// Every other symbol that CuPy's own extension asks for is in stubs.inc (build.py), and fails.
#include <algorithm>
#include <map>
#include <vector>

#include "device.h"

namespace stand_in {

namespace {

enum Status { success = 0, not_initialized = 1, invalid_value = 7, not_supported = 15 };

struct Context {
  Handle stream = 0;
  int math_mode = 0;
  size_t workspace = 0;
};
std::map<Handle, Context> contexts;  // by cuBLAS's handle, in the order in which they were made
Handle last_handle;

struct Options {
  bool transpose_a, transpose_b;
  long m, n, k, lda, ldb, ldc;
};

// C (m, n) = alpha op(A) (m, k) op(B) (k, n) + beta C; each sum in its own type, in the order of k.
template <class T>
__attribute__((target_clones("arch=x86-64-v3", "default")))
void multiply(const Options& o, T alpha, const T* a, const T* b, T beta, T* c) {
  long lda = o.lda;
  std::vector<T> transposed;
  if (o.transpose_a) {
    transposed.resize(o.m * o.k);
    for (long i = 0; i < o.m; ++i)
      for (long l = 0; l < o.k; ++l) transposed[i + l * o.m] = a[l + i * lda];
    a = transposed.data();
    lda = o.m;
  }
  std::vector<T> sums(o.m);
  for (long j = 0; j < o.n; ++j) {
    std::fill(sums.begin(), sums.end(), T(0));
    for (long l = 0; l < o.k; ++l) {
      const T factor = o.transpose_b ? b[j + l * o.ldb] : b[l + j * o.ldb];
      const T* column = a + l * lda;
      for (long i = 0; i < o.m; ++i) sums[i] += column[i] * factor;
    }
    T* result = c + j * o.ldc;
    for (long i = 0; i < o.m; ++i)
      result[i] = alpha * sums[i] + (beta == 0 ? 0 : beta * result[i]);
  }
}

template <class T>
bool on_device(const T* matrix, long rows, long columns, long leading) {
  return is_device_memory(Handle(matrix)) &&
         is_device_memory(Handle(matrix + (columns - 1) * leading + rows - 1));
}

template <class T>
Status product(Handle handle, const Options& o, const T* alpha, const T* a, const T* b,
               const T* beta, T* c) {
  auto context = contexts.find(handle);
  if (context == contexts.end()) return not_initialized;
  if (o.m < 0 || o.n < 0 || o.k < 0) return invalid_value;
  long a_rows = o.transpose_a ? o.k : o.m, b_rows = o.transpose_b ? o.n : o.k;
  if (o.lda < std::max(1L, a_rows) || o.ldb < std::max(1L, b_rows) || o.ldc < std::max(1L, o.m))
    return invalid_value;
  if (!o.m || !o.n) return success;
  if (!on_device(c, o.m, o.n, o.ldc) ||
      (o.k && (!on_device(a, a_rows, o.m + o.k - a_rows, o.lda) ||
               !on_device(b, b_rows, o.k + o.n - b_rows, o.ldb))))
    return invalid_value;
  ++counts["products"];
  enqueue(context->second.stream,
          [=, alpha = *alpha, beta = *beta] { multiply(o, alpha, a, b, beta, c); });
  return success;
}

}  // namespace

extern "C" {

int cublasCreate_v2(Handle* handle) {
  contexts[*handle = ++last_handle];
  return success;
}
int cublasDestroy_v2(Handle handle) { return contexts.erase(handle) ? success : not_initialized; }
// As on a GPU, a new stream brings the default workspace back.
int cublasSetStream_v2(Handle handle, Handle stream) {
  contexts[handle].stream = stream;
  contexts[handle].workspace = 0;
  return success;
}
int cublasSetWorkspace_v2(Handle handle, Handle workspace, size_t size) {
  if (!is_device_memory(workspace) || workspace % 256) return invalid_value;
  contexts[handle].workspace = size;
  return success;
}
int cublasSetMathMode(Handle handle, int mode) {
  contexts[handle].math_mode = mode;
  return success;
}
int cublasSgemm_v2(Handle handle, int transpose_a, int transpose_b, int m, int n, int k,
                   const float* alpha, const float* a, int lda, const float* b, int ldb,
                   const float* beta, float* c, int ldc) {
  return product(handle, {transpose_a != 0, transpose_b != 0, m, n, k, lda, ldb, ldc}, alpha, a, b,
                 beta, c);
}
int cublasDgemm_v2(Handle handle, int transpose_a, int transpose_b, int m, int n, int k,
                   const double* alpha, const double* a, int lda, const double* b, int ldb,
                   const double* beta, double* c, int ldc) {
  return product(handle, {transpose_a != 0, transpose_b != 0, m, n, k, lda, ldb, ldc}, alpha, a, b,
                 beta, c);
}

// For stand_in.py: the settings of all handles.
PyObject* stand_in_handles() {
  PyObject* all = Py_BuildValue("[]");
  for (const auto& entry : contexts)
    Py_DecRef(PyObject_CallMethod(all, "append", "({s:n,s:i,s:n})", "stream", entry.second.stream,
                                  "math_mode", entry.second.math_mode, "workspace",
                                  entry.second.workspace));
  return all;
}

#define STUB(name) \
  int name(...) { return not_supported; }
#include "stubs.inc"

}  // extern "C"

}  // namespace stand_in
