"""Which of CuPy's functions the stand-in takes the place of, and how.

Two of CuPy's compiled modules wrap CUDA's runtime and driver. The others, when they are imported,
read the addresses of the wrappers from capsules in ``__pyx_capi__``. A capsule's name is the
function's type in C, by which a CuPy with other functions is noticed.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import Any

RUNTIME = """
    int getDevice()
    int getDeviceCount()
    PyObject *setDevice(int)
    PyObject *_ensure_context(void)
    int driverGetVersion()
    int deviceCanAccessPeer(int, int)
    int deviceGetAttribute(int, int)
    PyObject *getDeviceProperties(int)
    PyObject *deviceSynchronize()
    PyObject *memGetInfo()
    intptr_t malloc(size_t)
    PyObject *free(intptr_t)
    intptr_t hostAlloc(size_t, unsigned int)
    PyObject *freeHost(intptr_t)
    int pointerGetMemoryType(intptr_t)
    PyObject *memcpy(intptr_t, intptr_t, size_t, int)
    PyObject *memcpyAsync(intptr_t, intptr_t, size_t, int, intptr_t)
    PyObject *memset(intptr_t, int, size_t)
    PyObject *memsetAsync(intptr_t, int, size_t, intptr_t)
    intptr_t streamCreate()
    intptr_t streamCreateWithFlags(unsigned int)
    intptr_t streamCreateWithPriority(unsigned int, int)
    PyObject *streamDestroy(intptr_t)
    PyObject *streamSynchronize(intptr_t)
    PyObject *streamQuery(intptr_t)
    PyObject *streamWaitEvent(intptr_t, intptr_t, ...)
    int streamIsCapturing(intptr_t)
    PyObject *streamBeginCapture(intptr_t, ...)
    intptr_t streamEndCapture(intptr_t)
    intptr_t eventCreate()
    intptr_t eventCreateWithFlags(unsigned int)
    PyObject *eventDestroy(intptr_t)
    PyObject *eventRecord(intptr_t, intptr_t)
    PyObject *eventQuery(intptr_t)
    PyObject *eventSynchronize(intptr_t)
    float eventElapsedTime(intptr_t, intptr_t)
    intptr_t graphInstantiate(intptr_t)
    PyObject *graphUpload(intptr_t, intptr_t)
    PyObject *graphLaunch(intptr_t, intptr_t)
    PyObject *graphDestroy(intptr_t)
    PyObject *graphExecDestroy(intptr_t)
"""
DRIVER = """
    int ctxGetDevice()
    intptr_t ctxGetCurrent()
    intptr_t moduleLoadData(PyObject *)
    PyObject *moduleUnload(intptr_t)
    intptr_t moduleGetFunction(intptr_t, PyObject *)
    PyObject *launchKernel(intptr_t, unsigned int, unsigned int, unsigned int, unsigned int, \
unsigned int, unsigned int, unsigned int, intptr_t, intptr_t, intptr_t)
    int funcGetAttribute(int, intptr_t)
"""

TYPES: dict[str, Any] = {
    "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint,
    "size_t": ctypes.c_size_t,
    "intptr_t": ctypes.c_ssize_t,
    "float": ctypes.c_float,
    "PyObject *": ctypes.py_object,
}

name_of = ctypes.pythonapi.PyCapsule_GetName
name_of.argtypes = [ctypes.py_object]
name_of.restype = ctypes.c_void_p  # the capsule's own, which lives as long as CuPy
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
new_capsule.restype = ctypes.py_object

OPTIONAL = "struct __pyx_opt_args_13cupy_backends_4cuda_3api_7runtime_{} *__pyx_optional_args"


def replace(module: Any, prototypes: str, library: ctypes.PyDLL, prefix: str) -> None:
    """Put functions of the library in the place of a module's, for C and for Python.

    Raises `ImportError` if the module has no such function, or one of another type.
    """
    for line in prototypes.strip().splitlines():
        match = re.fullmatch(r"\s*(.+[ *])(\w+)\((.*)\)", line)
        assert match, line
        returns, name, listed = match.groups()
        arguments = [text for text in listed.split(", ") if text not in ("", "void", "...")]
        hidden = ["int __pyx_skip_dispatch", OPTIONAL.format(name)]  # what Cython adds
        hidden = hidden[: 0 if listed == "void" else 2 if listed.endswith("...") else 1]
        wanted = f"{returns}({', '.join(arguments + hidden) or 'void'})"

        old = module.__pyx_capi__.get(name)
        found = ctypes.string_at(name_of(old)).decode() if old else "none"
        if found != wanted:
            raise ImportError(f"this CuPy's {module.__name__}.{name} is not {wanted}, but {found}")
        function = library[prefix + name]
        function.restype = TYPES[returns.strip()]
        function.argtypes = [TYPES[text] for text in arguments] + [ctypes.c_ssize_t] * len(hidden)
        new = new_capsule(ctypes.cast(function, ctypes.c_void_p), name_of(old), None)
        module.__pyx_capi__[name] = new
        setattr(module, name, for_python(function, len(arguments), len(hidden)))


def for_python(function: Any, arguments: int, hidden: int) -> Callable[..., Any]:
    """Return the function as Python calls it; it ignores optional arguments, as the device does."""
    return lambda *given: function(*given[:arguments], *[0] * hidden)
