"""Compiles the stand-in's libraries, and kernels, with g++, into a folder that processes share."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import importlib.util
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=c++17", "-fPIC", "-w"]
ADDRESS_CHECKS = ["-fsanitize=address", "-fno-omit-frame-pointer", "-g"]
DRIVER = "libcuda.so.1"  # who asks for NVIDIA's driver by its name finds the stand-in


class CompilationFailed(Exception):
    """What a compiler said."""


def addresses_are_checked() -> bool:
    """Tell whether what is compiled checks every address."""
    return os.environ.get("CUDA_ON_CPU_ASAN", "0") != "0"


@functools.cache
def cache() -> Path:
    """Return the folder for what is compiled: the one that was chosen, or the first that works.

    That is one in the user's cache, or else one in the folder for temporary files.
    """
    if chosen := os.environ.get("CUDA_ON_CPU_CACHE"):
        folder = Path(chosen).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "cuda_on_cpu"
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # it cannot be written to; there is no home
        folder = Path(tempfile.gettempdir()) / f"cuda_on_cpu-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} is not yours: set CUDA_ON_CPU_CACHE") from None
    return folder


def once(target: Path, make: Callable[[Path], object]) -> Path:
    """Return `target`; if it is not there yet, one process makes it, whole or not at all."""
    if not target.exists():
        with target.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                    made = Path(folder) / target.name
                    make(made)
                    made.rename(target)
    return target


def run(*command: object) -> str:
    """Return what a command prints; raises `CompilationFailed` if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise CompilationFailed(done.stderr)
    return done.stdout


@functools.cache
def compiler() -> str:
    """Return what the compiler says it is."""
    return run("g++", "--version")


def digest(sources: Iterable[Path], *parts: object) -> str:
    """Return a name for what this compiler makes of these sources and parts."""
    texts = [path.read_text() for path in sorted(sources)]
    return hashlib.sha256(repr((compiler(), texts, parts)).encode()).hexdigest()[:32]


def device() -> Path:
    """Return the library that is the device."""
    sources = [HERE / f"{name}.cpp" for name in ("device", "memory", "streams", "grid")]
    flags = [*FLAGS, "-O2"]

    def make(library: Path) -> None:
        objects = [library.with_name(f"{source.stem}.o") for source in sources]

        def compile_one(source: Path, made: Path) -> None:
            run("g++", *flags, f"-I{HERE}", "-c", source, "-o", made)

        with ThreadPoolExecutor() as pool:
            list(pool.map(compile_one, sources, objects))
        run("g++", "-shared", *objects, f"-Wl,-soname,{DRIVER}", "-o", library)

    return once(cache() / f"device-{digest([*sources, *HERE.glob('*.h')], flags)}.so", make)


def cublas() -> Path:
    """Return the library in the place of cuBLAS, made for the CuPy that is installed."""
    package = importlib.util.find_spec("cupy_backends")  # found, not imported
    assert package is not None
    assert package.submodule_search_locations is not None
    (folder,) = package.submodule_search_locations
    (extension,) = Path(folder, "cuda", "libs").glob("cublas.*.so")
    source = HERE / "cublas.cpp"
    flags = [*FLAGS, "-O3", *(ADDRESS_CHECKS if addresses_are_checked() else [])]

    def make(library: Path) -> None:
        # CuPy's extension needs a cuBLAS of a certain name and version with all these symbols.
        (name,) = set(re.findall(r"libcublas\.so\.\d+", run("readelf", "-d", extension)))
        wanted = re.findall(r"\bU (cublas\w+)", run("nm", "-D", extension))
        ours = re.findall(r"^int (cublas\w+)\(", source.read_text(), re.MULTILINE)
        stubs = [f"STUB({symbol})\n" for symbol in sorted({*wanted} - {*ours})]
        library.with_name("stubs.inc").write_text("".join(stubs))
        versions = library.with_name("versions")
        versions.write_text(f"{name} {{ global: *; }};\n")
        linking = ["-shared", f"-Wl,-soname,{name}", f"-Wl,--version-script={versions}"]
        run("g++", *flags, f"-I{library.parent}", source, *linking, "-o", library)

    name = digest([source, HERE / "device.h", Path(__file__)], flags, extension.stat().st_mtime_ns)
    return once(cache() / f"cublas-{name}.so", make)


# In CUDA source: a kernel, and whether it is a template; arrays in shared memory, of a size that is
# known and of one that the launch tells.
BOUNDS = r"(?:__launch_bounds__\s*\([^)]*\)\s*)?"
KERNEL = re.compile(rf"(template\s*<[^>]*>\s*)?__global__\s+{BOUNDS}void\s+{BOUNDS}(\w+)\s*\(")
SHARED = re.compile(r"(?<!extern )__shared__\s+([^;]+?)\s*\b(\w+)\s*((?:\[[^;]*\])?)\s*;")
DYNAMIC = re.compile(r"extern __shared__\s+([^;]+?)\s*\b(\w+)\s*\[\s*\]\s*;")


def translated(source: str, exports: dict[str, str]) -> str:
    """Return C++ for g++, line for line, which exports kernels as these symbols."""
    source = source.replace("#include <cupy/complex.cuh>", "")  # see kernel.h
    source = DYNAMIC.sub(r"\1* \2 = reinterpret_cast<\1*>(stand_in::dynamic_shared);", source)
    known = r"static stand_in::Shared<\1\3> shared_\2; \1 (&\2)\3 = shared_\2.value;"
    lines = [f"EXPORT_KERNEL(exported_{symbol}, {name})" for name, symbol in exports.items()]
    return "\n".join([SHARED.sub(known, source), *lines, ""])


def kernels(
    source: str, options: Iterable[str], expressions: Iterable[str]
) -> tuple[Path, dict[str, str]]:
    """Compile CUDA source.

    Args:
        options: for CuPy's compiler; folders and definitions count.
        expressions: the templates to compile, as ``name<float>``.

    Returns:
        A library, and the symbol of each expression.

    Raises:
        CompilationFailed: g++ refuses the source.
    """
    symbols = {expression: f"template_{i}" for i, expression in enumerate(expressions)}
    plain = {name: name for template, name in KERNEL.findall(source) if not template}
    text = translated(source, {**plain, **symbols})
    # Without gnu-unique, no two libraries have a variable in common.
    flags = [*FLAGS, "-O2", "-fno-gnu-unique", "-fno-strict-aliasing", "-fno-threadsafe-statics"]
    flags += ADDRESS_CHECKS if addresses_are_checked() else []
    flags += [option for option in options if option.startswith(("-I", "-D"))]

    def make(library: Path) -> None:
        path = library.with_suffix(".cpp")
        path.write_text(text)
        run("g++", *flags, "-include", HERE / "kernel.h", "-shared", path, "-o", library)

    name = digest(HERE.glob("kernel*.h"), text, flags)
    return once(cache() / f"kernels-{name}.so", make), symbols
