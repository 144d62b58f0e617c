import pytest

from trainer.backend import Plan, create_backend, make_plan, plan
from trainer.backend.device import Device
from trainer.errors import UserError


@pytest.fixture(params=[True, False], ids=["numba", "no numba"])
def numba(request, monkeypatch):
    monkeypatch.setattr(plan, "numba_is_installed", lambda: request.param)
    return request.param


def test_a_small_model_needs_one_thread_and_no_compiler(numba):
    assert make_plan(16, 32, threads=8) == Plan("reference", 1, 1)


def test_compiled_kernels_take_the_batch_in_shards(numba):
    assert make_plan(50, 128, threads=2) == (
        Plan("fused", 2, 2) if numba else Plan("reference", 2, 1)
    )


def test_a_part_has_enough_sequences(numba):
    if numba:
        assert make_plan(50, 256, threads=8) == Plan("fused", 3, 3)
        assert make_plan(20, 512, threads=8) == Plan("fused", 8, 1)


def test_one_thread_is_one_thread(numba):
    found = make_plan(50, 512, threads=1)
    assert (found.threads, found.shards) == (1, 1)


def test_without_numba_the_fused_kernels_are_refused(monkeypatch):
    monkeypatch.setattr("trainer.backend.backend.numba_is_installed", lambda: False)
    with pytest.raises(UserError, match="pip install numba"):
        create_backend("fused")


def test_a_gpu_has_no_threads_and_no_shards(numba):
    gpu = Device(1, "NVIDIA H100")
    assert make_plan(50, 512, threads=8, device=gpu) == Plan("cuda", 1, 1, gpu)
    assert make_plan(50, 512, device=gpu).describe() == "NVIDIA H100"
    plan = make_plan(50, 512, device=gpu, allow_tf32=True, cuda_graph=True)
    assert plan.describe() == "NVIDIA H100, products in TF32, steps as CUDA graphs"
