import ctypes
import gc
import sys

import numpy as np
import pytest

SHAPES = [(1, 1, 1), (1, 5, 1), (5, 1, 3), (1, 4, 3), (3, 4, 1), (1, 1, 6), (6, 1, 1), (7, 5, 9)]


@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
@pytest.mark.parametrize("b_is_transposed", [False, True])
@pytest.mark.parametrize("a_is_transposed", [False, True])
def test_products(cuda, host, dtype, m, k, n, a_is_transposed, b_is_transposed):
    rng = np.random.default_rng(m + 10 * k + 100 * n)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    a_device = cuda.asarray(a.T.copy()).T if a_is_transposed else cuda.asarray(a)
    b_device = cuda.asarray(b.T.copy()).T if b_is_transposed else cuda.asarray(b)
    out = cuda.asarray(np.full((m, n), np.nan, dtype))
    cuda.kernels.product(a_device, b_device, out)
    np.testing.assert_allclose(host(out), a @ b, 1e-5, 1e-5 if dtype == "float32" else 1e-12)


def test_steps_of_a_window(cuda, host, dtype):
    rng = np.random.default_rng(6)
    h, U = rng.standard_normal((4, 1, 3)), rng.standard_normal((3, 12))
    z = cuda.xp.zeros((4, 1, 12), dtype)
    h_device, U_device = cuda.asarray(h, dtype), cuda.asarray(U, dtype)
    for t in (1, 3):
        cuda.kernels.product(h_device[t], U_device, z[t])
    expected = (h @ U) * np.array([0, 1, 0, 1])[:, None, None]
    np.testing.assert_allclose(host(z), expected, 0, 1e-5)


def test_a_product_is_one_call_and_nothing_else(cuda, counts, dtype):
    a, out = cuda.xp.ones((3, 3), dtype), cuda.xp.ones((3, 3), dtype)
    assert counts(lambda: cuda.kernels.product(a, a.T, out)) == {"products": 1}


@pytest.mark.parametrize("allow_tf32", [False, True])
def test_the_handle_has_our_stream_and_workspace_and_tf32_only_if_asked_for(cuda, allow_tf32):
    stand_in = sys.modules.get("stand_in")
    if stand_in is None:
        pytest.skip("needs the stand-in of tests/cuda_on_cpu, which tells")
    gc.collect()  # the handles of other tests
    handle = {
        "stream": cuda.xp.cuda.get_current_stream().ptr,
        "workspace": 32 << 20,
        "math_mode": 3 if allow_tf32 else 0,
    }
    assert handle["stream"] != 0
    before = stand_in.cublas_handles().count(handle)
    backend = type(cuda)(0, allow_tf32=allow_tf32)
    assert stand_in.cublas_handles().count(handle) == before + 1
    del backend
    assert stand_in.cublas_handles().count(handle) == before


def test_a_refused_product_is_an_error(cuda):
    from trainer.backend.cuda.cublas import CublasError

    if "stand_in" not in sys.modules:
        pytest.skip("needs the stand-in of tests/cuda_on_cpu, which refuses what a GPU may not")
    memory = cuda.xp.cuda.UnownedMemory(64, 64, None, 0)  # nobody's
    nowhere = cuda.xp.ndarray((2, 2), memptr=cuda.xp.cuda.MemoryPointer(memory, 0))
    with pytest.raises(CublasError, match="cublasDgemm_v2 of cuBLAS returned status 7"):
        cuda.kernels.product(nowhere, nowhere, nowhere)


def test_a_missing_library_is_told(cuda, monkeypatch):
    from trainer.backend.cuda.cublas import CublasError

    def load(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", load)
    with pytest.raises(CublasError, match=r"cuBLAS cannot be loaded: libcublas\.so\.\d+: cannot"):
        type(cuda)(0)
