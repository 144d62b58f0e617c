"""Mistakes planted in the GPU's code and in the backward pass, and whether the tests notice.

Each goes into a copy of the package, and the tests of the GPU run on it, until one fails.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = [
    "backend/cuda",
    "backend/test_kernels.py",
    "nn",
    "optim",
    "training/test_learner.py",
    "training/test_parity.py",
]
"""Those that have to notice."""


class Mistake(NamedTuple):
    file: str
    right: str
    wrong: str
    mode: str = "eager"
    """Of the stand-in, where only one can show the mistake."""


CELL, LOSS, ROWS = "backend/cuda/cell.cu", "backend/cuda/loss.cu", "backend/cuda/rows.cu"
DROPOUT, REDUCE = "backend/cuda/dropout.cu", "backend/cuda/reduce.cu"
UPDATE, COMMON = "backend/cuda/update.cu", "backend/cuda/common.cu"
LSTM, LEARNER = "nn/lstm.py", "training/learner.py"
NO_ELEMENT_LEFT = """\
    if (element >= B * H)
        return;
    const int n = element / H, j = element - n * H;
    const long long before"""
NONE = Mistake(CELL, "", "")
MISTAKES = [
    Mistake(CELL, "x[gate] += b[gate * H + j];", "x[gate] += b[j];"),
    Mistake(CELL, "a * i + c_before * f", "a * f + c_before * i"),
    Mistake(CELL, "c_before = reset ? Real(0) : c[before]", "c_before = c[before]"),
    Mistake(CELL, "if (!reset)", "if (true)"),
    Mistake(CELL, "h[now] = tanh_now * o;", "h[before] = tanh_now * o;"),
    Mistake(CELL, "    z[H] = i;\n    z[2 * H] = f;", "    z[H] = f;\n    z[2 * H] = i;"),
    Mistake(CELL, "o * (1 - tanh_now * tanh_now)", "o * (1 - tanh_now)"),
    Mistake(CELL, "z[0] = delta * i * (1 - a * a)", "z[0] = delta * i * (1 - a)"),
    Mistake(CELL, "delta * c_before * f * (1 - f)", "delta * a * f * (1 - f)"),
    Mistake(CELL, "c_before = reset ? Real(0) : c[at]", "c_before = c[at]"),
    Mistake(CELL, "dc[element] = delta * f;", "dc[element] = delta;"),
    Mistake(CELL, "    dh[at] = dh_now;\n", ""),
    Mistake(CELL, "reset_after ? Real(0) : dc[element]", "dc[element]"),
    Mistake(CELL, "(reset_after ? Real(0) : dh_recurrent[element])", "dh_recurrent[element]"),
    Mistake(CELL, NO_ELEMENT_LEFT, NO_ELEMENT_LEFT.partition("return;\n")[2], "addresses"),
    Mistake(LOSS, "log(sum) - chosen", "log(sum)"),
    Mistake(LOSS, "(v == target ? share : Real(0))", "(v == lane ? share : Real(0))"),
    Mistake(LOSS, "target % WARP", "0"),
    Mistake(ROWS, "__ffs(lanes) - 1", "__ffs(lanes)"),
    Mistake(ROWS, "first + lane < count && ", "", "addresses"),
    Mistake(ROWS, "int other = 1; other", "int other = 2; other"),
    Mistake(ROWS, "    __syncthreads();\n", ""),
    Mistake(COMMON, "    __syncthreads();\n", ""),
    Mistake(REDUCE, "*bad_step < 0 && ", ""),
    Mistake(REDUCE, "*out = sqrt(all);", "*out = all;"),
    Mistake(DROPOUT, "round < 10", "round < 9"),
    Mistake(DROPOUT, ">= Word(threshold)", "> Word(threshold)"),
    Mistake(DROPOUT, "Word(thread) + 1", "Word(thread)"),
    Mistake(UPDATE, "g + weight_decay * p", "g - weight_decay * p"),
    Mistake(UPDATE, "    if (factor > 1)\n        factor = 1;\n", ""),
    Mistake(UPDATE, "update + keep * v[k] : v[k]", "v[k] + keep * v[k] : v[k]"),
    Mistake(UPDATE, "add_2 * (gradient * gradient)", "add_2 * gradient"),
    Mistake(
        LSTM,
        "kernels.step_product(t, h, U, out=recurrent)",
        "kernels.step_product(0, h, U, recurrent)",
    ),
    Mistake(LSTM, "for t in reversed(range(T)):", "for t in range(T):"),
    Mistake(LSTM, "        h_previous = h[:T]\n", "        h_previous = h[1:]\n"),
    Mistake(LSTM, "xp.copyto(dc, 0, where=resets[0][:, None])", "pass"),
    Mistake(LEARNER, ", after=state)", ")"),
    Mistake("backend/cuda/upload.py", "if not staging.copied.done:", "if False:", "late"),
    Mistake("backend/cuda/cublas.py", "return TRANSPOSED,", "return AS_IT_IS,"),
]


def test_each_mistake_can_be_planted():
    for file, right, wrong, _ in MISTAKES:
        assert (ROOT / "trainer" / file).read_text().count(right) == 1, (file, right)
        assert wrong != right


@pytest.fixture(scope="module")
def results(suite, tmp_path_factory):
    """What the tests say to each of them, found side by side."""

    def plant(mistake, folder):
        shutil.copytree(
            ROOT / "trainer", folder / "trainer", ignore=shutil.ignore_patterns("__pycache__")
        )
        place = folder / "trainer" / mistake.file
        place.write_text(place.read_text().replace(mistake.right, mistake.wrong))
        return suite(mistake.mode, "-x", tests=TESTS, cwd=folder)  # whose package comes first

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            mistake: pool.submit(plant, mistake, tmp_path_factory.mktemp("mistake"))
            for mistake in [NONE, *MISTAKES]
        }


def told(mistake: Mistake) -> str:
    return f"{Path(mistake.file).name}: {mistake.right.strip()} -> {mistake.wrong.strip()}"


@pytest.mark.slow
def test_without_a_mistake_the_tests_pass(results):
    result = results[NONE].result()
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=told)
def test_a_mistake_is_noticed(results, mistake):
    result = results[mistake].result()
    said = result.stdout + result.stderr
    # A test failed, or the address checker ended the process; not because it did not compile.
    addresses = mistake.mode == "addresses"
    assert "AddressSanitizer" in said if addresses else result.returncode == 1, said
    assert "CompileException" not in said
