"""The stand-in shows what it is there to show. Each program runs in a Python of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

HERE = Path(__file__).resolve().parent
BEGINNING = """
import ctypes, json, os, sys
import stand_in
stand_in.activate()
import cupy as cp, cupyx, numpy as np

def kernel(source, name):
    return cp.RawModule(code=source, name_expressions=[name]).get_function(name)

def error(action):
    try:
        return f"none, but {action()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""
# Runs programs, each in a fork of a process that has begun already.
FORKS = """
for line in sys.stdin:
    program, variables, outputs = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, path in enumerate(outputs, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        os.environ.update(variables)
        stand_in.configure()
        exec(program)
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def command(program):
    return [sys.executable, "-W", "error", "-c", dedent(program)]


def environment(**variables):
    return {**os.environ, "PYTHONPATH": str(HERE), "OPENBLAS_NUM_THREADS": "1", **variables}


def python(program, **variables):
    """Run a program with these variables in its environment, in a Python of its own."""
    return subprocess.run(
        command(program), env=environment(**variables), capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def forks():
    asked = python("import stand_in; print(stand_in.missing() or '')")
    assert asked.returncode == 0, asked.stderr
    if reason := asked.stdout.strip():
        pytest.skip(reason)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command(BEGINNING + FORKS), env=environment(), **pipes) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def standing_in(forks, tmp_path):
    """Run a program on the stand-in: it must end well, and say nothing on standard error."""

    def standing_in(program, **variables):
        outputs = [tmp_path / "standard output", tmp_path / "standard error"]
        order = [dedent(program), variables, [str(path) for path in outputs]]
        forks.stdin.write(json.dumps(order) + "\n")
        forks.stdin.flush()
        status = forks.stdout.readline()
        out, complaint = (path.read_text() for path in outputs)
        assert (status, complaint) == ("0\n", "")
        return out

    return standing_in


def test_kernels_compute_what_cuda_says(standing_in):
    standing_in(
        r"""
        source = '''
        template <typename Real>
        __device__ Real sum_of_warp(Real x)
        {
            for (int k = 16; k > 0; k /= 2)
                x += __shfl_xor_sync(0xffffffff, x, k);
            return x;
        }

        template <typename Real, int SIZE>
        __global__ void __launch_bounds__(128)
        sum(const Real* x, Real* y, long long n, double factor)
        {
            __shared__ Real of_warps[4][1];
            extern __shared__ Real all[];
            Real x_i = threadIdx.x < n ? x[blockIdx.x * n + threadIdx.x] : Real(0);
            all[threadIdx.x] = x_i;
            x_i = sum_of_warp(x_i);
            if (threadIdx.x % 32 == 0)
                of_warps[threadIdx.x / 32][0] = x_i;
            __syncthreads();
            if (threadIdx.x < 32)
                x_i = sum_of_warp(threadIdx.x < SIZE ? of_warps[threadIdx.x][0] : Real(0));
            if (threadIdx.x == 0)
                y[blockIdx.x] = x_i * Real(factor) + all[n - 1];
        }

        extern "C" __global__ void lanes(long long* out)
        {
            const unsigned lane = threadIdx.x;
            out[lane] = __shfl_down_sync(0xffffffff, lane, 1);
            out += 32;
            out[lane] = __shfl_up_sync(0xffffffff, lane, 3, 8);
            out += 32;
            out[lane] = __shfl_sync(0xffffffff, lane, 5);
            out += 32;
            out[lane] = __ffs(__ballot_sync(0xffffffff, lane == 7 || lane == 9));
            out += 32;
            if (lane >= 16)
                out[lane] = __shfl_xor_sync(0xffff0000, lane, 1);
            __syncwarp();
            out += 32;
            out[lane] = __umul64hi(0xfedcba9876543210, 1ull << lane);
        }
        '''
        x = np.random.default_rng(0).standard_normal((3, 100))
        for dtype, name in ((np.float32, "float"), (np.float64, "double")):
            a, y = cp.asarray(x.astype(dtype)), cp.empty(3, dtype)
            kernel(source, f"sum<{name}, 4>")((3,), (128,), (a, y, 100, 0.5), shared_mem=1024)
            np.testing.assert_allclose(y.get(), x.sum(1) / 2 + x[:, -1], 1e-5)
        out = cp.zeros((6, 32), np.int64)
        cp.RawModule(code=source).get_function("lanes")((1,), (32,), (out,))
        lane = np.arange(32)
        high = [(0xfedcba9876543210 << k) >> 64 for k in range(32)]
        expected = [np.minimum(lane + 1, 31), np.where(lane % 8 < 3, lane, lane - 3), 0 * lane + 5,
                    0 * lane + 8, np.where(lane < 16, 0, lane ^ 1), high]
        assert (out.get() == expected).all(), out

        a = cp.asarray(x)
        np.testing.assert_allclose((cp.tanh(a) * 2 + a[:, ::-1]).get(), np.tanh(x) * 2 + x[:, ::-1])
        np.testing.assert_allclose([float(a.sum()), float(a.max())], [x.sum(), x.max()])
        double = cp.ElementwiseKernel("T x", "T y", "y = isfinite(x) ? 2 * x : 0", "double_of")
        assert (double(cp.asarray([1, np.inf])).get() == [2, 0]).all()
        """
    )


def test_each_thread_has_its_arguments_and_place(standing_in):
    standing_in(
        r"""
        source = '''
        extern "C" __global__ void places(int* out, int n)
        {
            n += threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
            const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
            out[block * blockDim.x * blockDim.y * blockDim.z + n] = n * 100 + block;
        }
        '''
        out = cp.zeros((24, 30), np.int32)
        cp.RawKernel(source, "places")((2, 3, 4), (5, 3, 2), (out, 0))
        assert (out.get() == np.arange(30) * 100 + np.arange(24)[:, None]).all()
        """
    )


def test_kernels_of_one_name_keep_apart(standing_in):
    standing_in(
        r"""
        source = '''
        template <typename Real>
        __global__ void fill(Real* x)
        {
            __shared__ Real shared[SIZE];
            shared[threadIdx.x] = SIZE;
            __syncthreads();
            x[threadIdx.x] = shared[SIZE - 1 - threadIdx.x];
        }
        '''
        for size in (1, 1000):
            x = cp.empty(size)
            kernel(source.replace("SIZE", str(size)), "fill<double>")((1,), (size,), (x,))
            assert (x.get() == size).all()
        """
    )


def test_a_missing_barrier_shows_in_reverse_order(standing_in):
    standing_in(
        r"""
        source = '''
        template <bool BARRIER>
        __global__ void shift(float* x)
        {
            __shared__ float shared[64];
            shared[threadIdx.x] = x[threadIdx.x];
            if (BARRIER)
                __syncthreads();
            x[threadIdx.x] = threadIdx.x > 0 ? shared[threadIdx.x - 1] : 0;
        }
        '''
        expected = [0, *range(63)]
        for order in ("forward", "reverse"):
            os.environ["CUDA_ON_CPU_ORDER"] = order
            for barrier in ("true", "false"):
                x = cp.arange(64, dtype="f")
                kernel(source, f"shift<{barrier}>")((1,), (64,), (x,))
                right = x.get().tolist() == expected
                assert right == (barrier == "true" or order == "forward"), (order, barrier)
        """
    )


@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_threads_that_do_not_meet_at_a_barrier_are_an_error(standing_in, streams):
    out = standing_in(
        r"""
        source = '''
        template <int CASE>
        __global__ void part(float* x)
        {
            if (CASE == 1 && threadIdx.x >= 40)
                return;
            if (CASE == 2 && threadIdx.x < 32)
                __syncthreads();
            if (CASE == 3 && threadIdx.x < 40)
                __syncwarp();
            __syncthreads();
            x[threadIdx.x] = 1;
        }
        '''
        x = cp.zeros(64)
        def launch(case):
            kernel(source, f"part<{case}>")((2,), (64,), (x,))
            cp.cuda.get_current_stream().synchronize()
        for case in range(4):
            print(error(lambda: launch(case)))
            x.fill(0)
        """,
        CUDA_ON_CPU_STREAMS=streams,
    )
    apart = "RuntimeError: kernel part<{}>: threads do not meet at a barrier: {}"
    assert out.splitlines() == [
        "none, but None",
        apart.format(1, "40 at line 11, 24 ended"),
        apart.format(2, "32 at line 11, 32 at line 8"),
        apart.format(3, "8 at line 10, 56 at line 11"),
    ]


def test_memory_that_nobody_wrote_is_not_a_number(standing_in):
    standing_in(
        r"""
        assert np.isnan(cp.empty(100).get()).all()
        a = cp.zeros(100)
        address = a.data.ptr
        del a
        a = cp.empty(100, "f")
        assert a.data.ptr == address and np.isnan(a.get()).all()
        assert np.isnan(cupyx.empty_pinned(100)).all()
        source = '''
        extern "C" __global__ void count(float* x)
        {
            __shared__ float shared;
            x[blockIdx.x] = shared;
            shared = 1;
        }
        '''
        cp.RawKernel(source, "count")((100,), (1,), (a,))
        assert np.isnan(a.get()).all()
        """
    )


class TestAddressChecks:
    PROGRAM = r"""
        source = '''
        template <int EXTRA>
        __global__ void write(float* x, int n)
        {
            if (threadIdx.x < n + EXTRA)
                x[threadIdx.x] = 1;
        }
        '''
        x = cp.empty(100, "f")
        kernel(source, "write<0>")((1,), (128,), (x, 100))
        print(x.get().tolist() == [1] * 100, flush=True)
        kernel(source, "write<1>")((1,), (128,), (x, 100))
        print("not noticed")
        """

    def test_an_index_past_an_array_aborts(self, standing_in):
        asked = python("import json, stand_in; print(json.dumps(stand_in.address_checks()))")
        done = python(BEGINNING + dedent(self.PROGRAM), **json.loads(asked.stdout))
        assert (done.returncode != 0, done.stdout) == (True, "True\n")
        assert "heap-buffer-overflow" in done.stderr
        assert re.search(r"write<1>.*\.cpp:6", done.stderr)

    def test_half_the_environment_is_refused(self, standing_in):
        done = python(BEGINNING, CUDA_ON_CPU_ASAN="1")
        assert "needs the whole environment of address_checks()" in done.stderr


class TestStreams:
    """Deferred, the device does as late as it may what it is told."""

    def test_pinned_memory_that_is_used_again_too_early(self, standing_in):
        standing_in(
            r"""
            stream = cp.cuda.Stream(non_blocking=True)
            pinned, back = cupyx.empty_pinned(4), cupyx.empty_pinned(4)
            a = cp.zeros(4)
            back[:] = 0
            with stream:
                for wait in (False, True):
                    pinned[:] = 1
                    a.set(pinned)
                    if wait:
                        stream.synchronize()
                    pinned[:] = 2
                    a.get(out=back, blocking=False)
                    assert (back == 0).all()
                    stream.synchronize()
                    assert (back == (1 if wait else 2)).all()
                    back[:] = 0
                pageable = np.ones(4)  # the driver reads it before it returns
                a.set(pageable)
                pageable[:] = 2
                assert (a.get() == 1).all()
            """,
            CUDA_ON_CPU_STREAMS="deferred",
        )

    def test_a_query_does_not_wait_but_gets_there(self, standing_in):
        standing_in(
            r"""
            stream = cp.cuda.Stream(non_blocking=True)
            event, later = cp.cuda.Event(), cp.cuda.Event()
            assert event.done
            with stream:
                a = cp.zeros(4)
                a += 1
                event.record()
                assert not stream.done
                event.synchronize()
                assert event.done and stream.done
                for number in range(5):
                    a += 1
                event.record()
                a += 1
                later.record()
                stand_in.reset()
                queries = 0
                while not event.done:
                    queries += 1
                assert queries == 5 and not later.done
                assert stand_in.counters() == {}
                later.synchronize()
                assert stand_in.counters() == {"synchronisations": 1}
                assert cp.cuda.get_elapsed_time(event, later) > 0
            """,
            CUDA_ON_CPU_STREAMS="deferred",
        )

    def test_one_stream_does_not_wait_for_another_unless_told(self, standing_in):
        standing_in(
            r"""
            first, second = (cp.cuda.Stream(non_blocking=True) for _ in range(2))
            a, b, c = (cp.zeros(4) for _ in range(3))
            cp.cuda.Device().synchronize()
            with first:
                a += 1
                event = first.record()
            with second:
                b += a
                second.wait_event(event)
                c += a
                assert b.get().tolist() == [0] * 4 and c.get().tolist() == [1] * 4

            cp.cuda.Stream.null.synchronize()
            blocking = cp.cuda.Stream()
            with blocking:
                a += 1
            b += a  # on the default stream, for which a blocking one waits
            assert b.get().tolist() == [2] * 4
            """,
            CUDA_ON_CPU_STREAMS="deferred",
        )


def test_counters(standing_in):
    standing_in(
        r"""
        def counts(work):
            stand_in.reset()
            work()
            return stand_in.counters()

        host, pinned = np.zeros(4), cupyx.zeros_pinned(4)
        a, b = cp.zeros(4), cp.ones(4)
        stream = cp.cuda.get_current_stream()
        assert counts(lambda: cp.add(a, b, out=a)) == {"kernels": 1}
        assert stand_in.kernels() == {"cupy_add__float64_float64_float64": 1}
        cp.ones(4)  # leaves its memory in CuPy's pool
        assert counts(lambda: cp.add(a, b)) == {"kernels": 1, "allocations": 1}
        assert counts(lambda: cp.empty(10**7)) == {"allocations": 1, "mallocs": 1}
        assert counts(lambda: cupyx.empty_pinned(10**6)) == {"pinned_mallocs": 1}
        assert counts(lambda: a.set(pinned)) == {"copies_to_device": 1}
        assert counts(lambda: a.set(host)) == {"copies_to_device": 1, "pageable_copies": 1}
        assert counts(lambda: a.get(out=pinned, blocking=False)) == {"copies_to_host": 1}
        fetched = {"copies_to_host": 1, "pageable_copies": 1, "synchronisations": 1}
        assert counts(lambda: a.get()) == fetched
        assert counts(lambda: a.data.copy_from_device(b.data, 8)) == {"copies_on_device": 1}
        assert counts(lambda: a.data.memset_async(0, 32)) == {"memsets": 1}
        assert counts(lambda: stream.synchronize()) == {"synchronisations": 1}
        assert counts(lambda: stream.record().done) == {}
        assert stand_in.kernels() == {}

        stand_in.drop(True)
        b.fill(7)
        stand_in.drop(False)
        assert b.get().tolist() == [1] * 4
        """
    )


class TestGraphs:
    def test_a_replay_does_what_was_captured(self, standing_in):
        standing_in(
            r"""
            stream = cp.cuda.Stream(non_blocking=True)
            pinned = cupyx.zeros_pinned(4)
            with stream:
                a, b = cp.zeros(4), cp.zeros(4)
                cp.add(a, b, out=b)
                stream.begin_capture()
                assert stream.is_capturing()
                upload = a.data.ptr, pinned.ctypes.data, a.nbytes, 1, stream.ptr
                cp.cuda.runtime.memcpyAsync(*upload)  # CuPy's own methods refuse to be captured
                cp.add(a, b, out=b)
                graph = stream.end_capture()
                assert not stream.is_capturing() and b.get().tolist() == [0] * 4
                stand_in.reset()
                for number in (1, 2, 3):
                    pinned[:] = number
                    graph.launch(stream)
                    stream.synchronize()
                assert stand_in.counters() == {"graph_launches": 3, "synchronisations": 3}
                assert b.get().tolist() == [6] * 4
            """
        )

    def test_what_breaks_a_capture(self, standing_in):
        out = standing_in(
            r"""
            stream = cp.cuda.Stream(non_blocking=True)
            runtime = cp.cuda.runtime
            host = np.zeros(4)
            with stream:
                a = cp.zeros(4)
                for action in (
                    lambda: runtime.malloc(512),
                    lambda: runtime.memcpyAsync(a.data.ptr, host.ctypes.data, 8, 1, stream.ptr),
                    lambda: runtime.memcpyAsync(host.ctypes.data, a.data.ptr, 8, 2, stream.ptr),
                    lambda: runtime.memcpy(a.data.ptr, host.ctypes.data, 8, 1),
                    lambda: stream.synchronize(),
                    lambda: runtime.deviceSynchronize(),
                    lambda: cp.cuda.Event().synchronize(),
                    lambda: stream.record(),
                    lambda: None,
                ):
                    stream.begin_capture()
                    print(error(action)[:69], error(stream.end_capture)[:69], sep="; ")
            print(error(cp.cuda.Stream.null.begin_capture))
            """
        )
        *refused, right, default = out.splitlines()
        assert len(refused) == 8
        for line in refused:
            assert re.fullmatch(".*cudaErrorStreamCaptureUnsupp.*; .*CaptureInvalidated.*", line)
        assert right.startswith("none, but None; none, but <cupy.cuda.graph.Graph")
        assert default


class TestDevices:
    def test_it_says_what_it_is(self, standing_in):
        standing_in(
            r"""
            assert cp.cuda.runtime.getDeviceCount() == 1
            assert cp.cuda.runtime.getDeviceProperties(0)["name"] == b"stand-in (CPU)"
            assert cp.cuda.Device().compute_capability == "90"
            ctypes.CDLL("libcuda.so.1").runtime_getDeviceCount
            """
        )

    def test_several(self, standing_in):
        standing_in(
            r"""
            assert cp.cuda.runtime.getDeviceCount() == 2
            with cp.cuda.Device(1):
                assert cp.ones(3).device.id == 1
            assert "cudaErrorInvalidDevice" in error(cp.cuda.Device(2).use)
            """,
            CUDA_ON_CPU_DEVICES="2",
        )

    @pytest.mark.parametrize(
        ("variable", "value", "message"),
        [
            ("CUDA_ON_CPU_DEVICES", "0", "cudaErrorNoDevice"),
            ("CUDA_ON_CPU_DRIVER", "old", "cudaErrorInsufficientDriver"),
        ],
    )
    def test_none_that_works(self, standing_in, variable, value, message):
        out = standing_in(
            "print(error(cp.cuda.runtime.getDeviceCount), error(lambda: cp.zeros(3)))",
            **{variable: value},
        )
        assert out.count(message) == 2

    def test_memory_has_an_end(self, standing_in):
        standing_in(
            r"""
            free, total = cp.cuda.Device().mem_info
            assert free == total == 1_000_000
            a = cp.zeros(100_000)
            free, total = cp.cuda.Device().mem_info
            assert (free, total) == (199_744, 1_000_000)
            assert error(lambda: cp.zeros(100_000)).startswith("OutOfMemoryError")
            del a
            a = cp.zeros(110_000)  # CuPy gives back what it kept
            """,
            CUDA_ON_CPU_MEMORY="1000000",
        )


def test_products(standing_in):
    standing_in(
        r"""
        from cupy_backends.cuda.libs import cublas
        library = ctypes.CDLL(f"libcublas.so.{cp.cuda.runtime.runtimeGetVersion() // 1000}")
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        handle = pointer()
        assert library.cublasCreate_v2(ctypes.byref(handle)) == 0

        def product(dtype, a_transposed, b_transposed, sizes, leading, a, b, c):
            function = library["cublasSgemm_v2" if dtype == "f" else "cublasDgemm_v2"]
            factors = [pointer, pointer, integer, pointer, integer]
            function.argtypes = [pointer, *[integer] * 5, *factors, pointer, pointer, integer]
            alpha, beta = np.array(2, dtype), np.array(0.5, dtype)
            lda, ldb, ldc = leading
            return function(
                handle, a_transposed, b_transposed, *sizes,
                alpha.ctypes.data, a, lda, b, ldb, beta.ctypes.data, c, ldc,
            )

        m, n, k = sizes = 5, 3, 7
        leading = la, lb, lc = 8, 9, 6
        x, y, z = (np.random.default_rng(0).standard_normal((9, 9)) for _ in range(3))
        for dtype in "fd":
            for ta in (0, 1):
                for tb in (0, 1):
                    # cuBLAS sees their rows as columns; they are longer than what is multiplied.
                    a, b, c = (v[:, :l].astype(dtype) for v, l in zip((x, y, z), leading))
                    A = a[:m, :k] if ta else a[:k, :m].T
                    B = b[:k, :n] if tb else b[:n, :k].T
                    expected = c.copy()
                    expected[:n, :m] = (2 * A @ B).T + c[:n, :m] / 2
                    on_device = [cp.asarray(v) for v in (a, b, c)]
                    pointers = [v.data.ptr for v in on_device]
                    assert product(dtype, ta, tb, sizes, leading, *pointers) == 0
                    np.testing.assert_allclose(on_device[2].get(), expected, 1e-5, 1e-5)

        good = [v.data.ptr for v in on_device]
        nowhere = x.ctypes.data
        assert product("d", 0, 0, sizes, (4, 9, 6), *good) == 7
        assert product("d", 1, 0, sizes, (6, 9, 6), *good) == 7
        assert product("d", 0, 0, sizes, (8, 9, 4), *good) == 7
        for place in range(3):
            bad = [*good]
            bad[place] = nowhere
            assert product("d", 0, 0, sizes, leading, *bad) == 7
        assert product("d", 0, 0, (m, 10**8, k), leading, *good) == 7

        stream = cp.cuda.Stream(non_blocking=True)
        set_stream, set_workspace = library.cublasSetStream_v2, library.cublasSetWorkspace_v2
        def settings():
            return [*stand_in.cublas_handles()[-1].values()]
        assert settings() == [0, 0, 0]
        assert library.cublasSetMathMode(handle, 3) == 0
        assert set_stream(handle, pointer(stream.ptr)) == 0
        assert set_workspace(handle, pointer(good[0]), ctypes.c_size_t(256)) == 0
        assert settings() == [stream.ptr, 3, 256]
        assert set_stream(handle, pointer(stream.ptr)) == 0  # takes the workspace away
        assert settings() == [stream.ptr, 3, 0]
        assert library.cublasDestroy_v2(handle) == 0 and stand_in.cublas_handles() == []
        """,
    )


class TestPreparation:
    """What happens before there is a stand-in."""

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ("sys.platform = 'darwin'", "CUDA on a CPU needs Linux on x86-64"),
            ("shutil.which = lambda name: None", "CUDA on a CPU needs g++, which is not installed"),
            ("installed.clear()", "CUDA on a CPU needs one CuPy; installed are none"),
            (
                "installed['cupy-cuda12x'] = '14.2.0'",
                "CUDA on a CPU needs one CuPy; installed are cupy-cuda12x, cupy-cuda13x",
            ),
            (
                "installed['cupy-cuda13x'] = '14.20.0'",
                "CUDA on a CPU needs CuPy 14.2; installed is cupy-cuda13x 14.20.0",
            ),
            ("", "None"),
        ],
    )
    def test_what_is_missing_is_told(self, changed, message):
        program = f"""
            import importlib.metadata, platform, shutil, sys
            import stand_in

            installed = {{"cupy-cuda13x": "14.2.0"}}
            def version(name):
                if name not in installed:
                    raise importlib.metadata.PackageNotFoundError
                return installed[name]
            importlib.metadata.version = version
            platform.machine = lambda: "x86_64"
            shutil.which = lambda name: "/usr/bin/" + name
            sys.platform = "linux"
            {changed}
            print(stand_in.missing())
            """
        done = python(program)
        assert (done.stdout, done.stderr) == (f"{message}\n", "")

    def test_a_cupy_with_other_functions_is_refused(self, standing_in):
        out = standing_in(
            """
            import capsules
            from cupy_backends.cuda.api import runtime
            for prototype in ("int getDevice(int)", "int getGizmo()"):
                print(error(lambda: capsules.replace(runtime, prototype, None, "")))
            """
        )
        place = "ImportError: this CuPy's cupy_backends.cuda.api.runtime"
        cython = "int __pyx_skip_dispatch"
        assert out.splitlines() == [
            f"{place}.getDevice is not int (int, {cython}), but int ({cython})",
            f"{place}.getGizmo is not int ({cython}), but none",
        ]

    def test_it_must_come_before_cupy(self, standing_in):
        out = standing_in("print(error(stand_in.activate))")
        assert out == "ImportError: the stand-in must be activated before CuPy is imported\n"

    def test_what_is_compiled_is_made_once_and_whole(self, tmp_path):
        done = python(
            f"""
            import time
            from concurrent.futures import ThreadPoolExecutor
            from pathlib import Path
            import build

            folder = Path({str(tmp_path)!r})
            made = []
            def make(path):
                assert not path.exists() and path.parent != folder
                path.write_text("half")
                time.sleep(0.1)
                if not made.append(path) and len(made) == 1:
                    raise build.CompilationFailed("of memory")
                path.write_text("whole")

            def ask(number):
                try:
                    return build.once(folder / "a.so", make).read_text()
                except build.CompilationFailed as failure:
                    return str(failure)

            with ThreadPoolExecutor(5) as pool:
                answers = list(pool.map(ask, range(5)))
            assert sorted(answers) == ["of memory", *["whole"] * 4], answers
            assert len(made) == 2
            assert sorted(path.name for path in folder.iterdir()) == ["a.lock", "a.so"]
            """
        )
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_home_that_cannot_be_written_does_no_harm(self, tmp_path):
        program = "import build; print(build.cache())"
        nowhere = {"CUDA_ON_CPU_CACHE": "", "XDG_CACHE_HOME": "/dev/null", "TMPDIR": str(tmp_path)}
        done = python(program, **nowhere)
        assert done.stdout == f"{tmp_path}/cuda_on_cpu-{os.getuid()}\n", done.stderr
        cache = tmp_path / "a cache"
        done = python(program, **{**nowhere, "XDG_CACHE_HOME": str(cache)})
        assert done.stdout == f"{cache}/cuda_on_cpu\n", done.stderr
        done = python(program, CUDA_ON_CPU_CACHE=str(cache / "of mine"))
        assert done.stdout == f"{cache}/of mine\n", done.stderr


def test_what_the_compiler_says_is_told_with_the_line(standing_in):
    out = standing_in(
        r"""
        source = "\nextern \"C\" __global__ void wrong(float* x)\n{ y[0] = 1; }"
        print(error(lambda: cp.RawModule(code=source).get_function("wrong")))
        """
    )
    assert out.startswith("CompileException: ")
    assert re.search(r"\.cpp:3:.*error:", out)


def test_the_real_compiler_tells_what_kernels_take(standing_in):
    standing_in(
        r"""
        import nvrtc
        source = "template <typename Real> __global__ void one(Real* x) { x[threadIdx.x] = 1; }"
        architecture = nvrtc.architectures()[0]
        binary, taken = nvrtc.compile_for(architecture, source, ["one<float>", "one<double>"])
        assert binary.startswith(b"\x7fELF") and list(taken) == ["one<float>", "one<double>"]
        for resources in taken.values():
            assert 0 < resources.registers < 32 and resources[1:] == (0, 0), resources
        assert "CompileException" in error(lambda: nvrtc.compile_for(architecture, "wrong", []))
        """
    )


def test_it_is_a_plugin_of_pytest(standing_in, tmp_path):
    (tmp_path / "test_device.py").write_text(
        "def test():\n    import cupy\n    assert int(cupy.ones(3).sum()) == 3\n"
    )
    program = f"import pytest; pytest.main(['-q', '-p', 'stand_in', {str(tmp_path)!r}])"
    assert "1 passed" in python(program).stdout
