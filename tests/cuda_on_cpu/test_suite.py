"""The suite of the model and of the training on the stand-in, with `--device gpu`."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

LEAST = 600
"""Tests that there are: if none of them ran, none could fail."""
OF_KERNELS = ["backend/cuda", "backend/test_kernels.py", "training/test_learner.py"]


@pytest.fixture(scope="module")
def results(suite):
    """What the tests say in each mode, found side by side."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            mode: pool.submit(suite, mode, tests=OF_KERNELS if mode == "addresses" else [""])
            for mode in ("eager", "late", "addresses")
        }


@pytest.mark.parametrize("mode", ["eager", "late"])
def test_it_passes(results, mode):
    done = results[mode].result()
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > LEAST


def test_no_kernel_reads_or_writes_beyond_an_array(results):
    done = results["addresses"].result()
    assert done.returncode == 0, done.stdout + done.stderr
