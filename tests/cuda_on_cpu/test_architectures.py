"""The real compiler takes the device code for every architecture, and finds registers enough."""

import json

import pytest

PROGRAM = """
import json, os
from concurrent.futures import ThreadPoolExecutor
import nvrtc
from trainer.backend.cuda.device_code import names_of_kernels, read_source

source = read_source()
kernels = [f"{name}<{real}>" for name in names_of_kernels(source) for real in ("float", "double")]
known = nvrtc.architectures()
with ThreadPoolExecutor(os.cpu_count()) as pool:
    found = pool.map(lambda number: nvrtc.compile_for(number, source, kernels)[1], known)
    print(json.dumps(dict(zip(known, found))))
"""


@pytest.fixture(scope="module")
def resources(python):
    """Registers, bytes of stack and spilled bytes of each kernel, for each architecture."""
    done = python("eager", "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_architecture_from_turing_on(resources):
    assert set(resources) >= {"75", "80", "86", "89", "90", "100", "103", "120"}
    assert all(len(kernels) == 32 for kernels in resources.values())


def test_nothing_is_spilled(resources):
    for kernels in resources.values():
        for registers, stack, spilled in kernels.values():
            assert stack == spilled == 0
            assert registers <= 64  # so that 1,024 threads fit
