"""Which device a run computes on, and what is said where that is not to be had."""

from __future__ import annotations

import re

import pytest

from trainer.runs.checkpoint import read_checkpoint

AUTO = "backend.device=auto"

# To be run in a command's process before the command.
HIDDEN = "import sys; sys.modules['cupy'] = None\n"  # as if CuPy were not installed
WHEELS = """
import sys
from pathlib import Path
from trainer.backend import device

for name in {names}:
    folder = Path("wheels", name + "-14.2.0.dist-info")
    folder.mkdir(parents=True, exist_ok=True)
    Path(folder, "METADATA").write_text("Metadata-Version: 2.1\\nName: " + name + "\\n")
Path("wheels", "cupy.py").write_text("raise AssertionError('CuPy was imported')")
sys.path.insert(0, "wheels")
found = device.distributions
device.distributions = lambda: found(path=["wheels"])  # of those really installed, none counts
device.DRIVER = "libnone.so.1"
"""
ONE_WHEEL = WHEELS.format(names=["cupy-cuda13x"])
TWO_WHEELS = WHEELS.format(names=["cupy-cuda12x", "cupy-cuda13x"])

AT_STEP_12 = """
from trainer.training.loop import Training

class CUDARuntimeError(RuntimeError):
    __module__ = "cupy_backends.cuda.api.runtime"

train_step = Training.train_step

def fail_at_step_12(training):
    if training.counters.step == 12:
        {failure}
    train_step(training)

Training.train_step = fail_at_step_12
"""
ILLEGAL = 'raise CUDARuntimeError("cudaErrorIllegalAddress: an illegal access\\nand more")'
NO_MEMORY = 'raise MemoryError("Unable to allocate 3 GiB")'


def strategy(project, run="tiny"):
    return read_checkpoint(project.checkpoint(run)).plan.strategy


NO_RECORDING = """
from trainer.backend.cuda.graph import Recorder

def capture(recorder, work):
    raise RuntimeError("operation not permitted")

Recorder._capture = capture
"""


def notes(result):
    return [line for line in result.stderr.splitlines() if line.startswith("note: ")]


class TestNoGpu:
    def test_who_has_no_cupy_hears_nothing_of_gpus(self, project, refused):
        result = project.train("tiny.yaml", AUTO, first=HIDDEN)
        assert (result.status, notes(result)) == (0, [])
        assert not re.search("gpu|cupy", result.stderr, re.IGNORECASE)
        assert strategy(project) == "reference"
        result = project.train("tiny.yaml", "name=a", "backend.device=gpu", first=HIDDEN)
        refused(result, "backend.device=gpu: CuPy is not installed", "pip install", "device=cpu")
        assert not (project.path / "runs" / "a").exists()

    def test_cupy_without_a_driver(self, project, refused):
        reason = "there is no NVIDIA driver"
        result = project.train("tiny.yaml", AUTO, first=ONE_WHEEL)
        assert result.status == 0, result.stderr
        (note,) = notes(result)
        assert note.startswith(f"note: computes on the CPU: {reason}")
        result = project.train("tiny.yaml", "name=a", "backend.device=gpu:1", first=ONE_WHEEL)
        refused(result, f"backend.device=gpu:1: {reason}", "backend.device=cpu")
        result = project.train("tiny.yaml", "name=a", "backend.device=cpu", first=ONE_WHEEL)
        assert (result.status, notes(result)) == (0, [])

    def test_two_wheels(self, project, refused):
        result = project.train("tiny.yaml", "backend.device=gpu", first=TWO_WHEELS)
        refused(result, "more than once", "pip uninstall cupy-cuda12x cupy-cuda13x")

    @pytest.mark.parametrize("command", ["check-gradients", "find-rate", "train"])
    def test_every_command_that_trains_tells(self, project, refused, command):
        options = ["--png", "a.png", "--steps", "20"] if command == "find-rate" else []
        result = project.trainer(command, "tiny.yaml", *options, AUTO, first=ONE_WHEEL)
        assert result.status == 0, result.stderr
        assert len(notes(result)) == 1
        options += ["name=other", "backend.device=gpu"]
        refused(project.trainer(command, "tiny.yaml", *options, first=ONE_WHEEL), "driver")


class TestFailures:
    """What fails in the middle of a training; the errors are a GPU's, which need not be there."""

    def test_the_gpu(self, project, trained):
        result = project.train("tiny.yaml", first=AT_STEP_12.format(failure=ILLEGAL))
        assert (result.status, result.stdout) == (1, "")
        assert result.stderr.splitlines()[-1] == (
            "failed: the GPU: cudaErrorIllegalAddress: an illegal access; "
            "go on from the last checkpoint with python train.py --resume runs/tiny"
        )
        assert project.train("--resume", "runs/tiny").status == 0
        assert project.outcome("tiny") == trained.outcome("tiny")

    def test_memory(self, project):
        result = project.train("tiny.yaml", first=AT_STEP_12.format(failure=NO_MEMORY))
        assert (result.status, result.stdout) == (1, "")
        assert re.fullmatch(
            r"failed: not enough memory \(Unable to allocate 3 GiB\): the training takes "
            r"0\.\d\d MB by formula, this machine has [\d,.]+ GB for it: see what else takes it, "
            r"or lower model\.hidden_size, training\.batch_size, training\.sequence_length or "
            r"evaluation\.streams; go on from the last checkpoint with python train\.py .*",
            result.stderr.splitlines()[-1],
        )

    def test_what_is_no_failure_of_the_gpu_is_not_called_one(self, project):
        result = project.train("tiny.yaml", first=AT_STEP_12.format(failure="1 / 0"))
        assert "ZeroDivisionError" in result.stderr
        assert "GPU" not in result.stderr


class TestStandIn:
    """The unmodified CuPy, on a device that can be made to fail."""

    def test_auto_takes_the_gpu(self, project, stand_in):
        result = project.train("tiny.yaml", AUTO, first=stand_in)
        assert (result.status, notes(result)) == (0, []), result.stderr
        assert strategy(project) == "cuda"

    def test_an_old_driver(self, project, stand_in, refused):
        project.environment["CUDA_ON_CPU_DRIVER"] = "old"
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in)
        words = ["the NVIDIA driver is too old for cupy-cuda", "install a newer driver"]
        refused(result, *words)
        result = project.train("tiny.yaml", AUTO, first=stand_in)
        assert result.status == 0
        (note,) = notes(result)
        assert words[0] in note

    def test_no_device(self, project, stand_in, refused):
        project.environment["CUDA_ON_CPU_DEVICES"] = "0"
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in)
        refused(result, "the NVIDIA driver finds no GPU", "CUDA_VISIBLE_DEVICES")

    @pytest.mark.parametrize(
        ("devices", "known"), [("1", "one, gpu:0"), ("2", "2, gpu:0 to gpu:1")]
    )
    def test_a_number_that_there_is_not(self, project, stand_in, refused, devices, known):
        project.environment["CUDA_ON_CPU_DEVICES"] = devices
        result = project.train("tiny.yaml", "backend.device=gpu:5", first=stand_in)
        refused(result, f"there is no GPU 5: the driver knows {known};")

    def test_the_second_of_two(self, project, stand_in):
        project.environment["CUDA_ON_CPU_DEVICES"] = "2"
        result = project.train("tiny.yaml", "backend.device=gpu:1", first=stand_in)
        assert (result.status, strategy(project)) == (0, "cuda"), result.stderr

    @pytest.mark.parametrize(
        ("failure", "reason"),
        [
            (
                """from cuda.pathfinder import DynamicLibNotFoundError as Error
message = 'Failure finding "libnvrtc.so.13": no such file'""",
                'Failure finding "libnvrtc.so.13": no such file',
            ),
            (
                """from functools import partial
from cupy.cuda.compiler import CompileException
Error = partial(CompileException, source="", name="", options=())
message = 'carray.cuh(7): catastrophic error: cannot open source file "cuda_fp16.h"'""",
                'cannot open source file "cuda_fp16.h"',
            ),
            (
                """Error = RuntimeError
message = "Failed to find CUDA headers. Please install cupy-cuda12x[ctk], say" """,
                "Failed to find CUDA headers; the libraries of CUDA come with",
            ),
        ],
        ids=["no NVRTC", "no header files", "as CuPy 14.2 tells it"],
    )
    def test_what_compiling_needs_is_missing(self, project, stand_in, refused, failure, reason):
        missing = f"""
{failure}
from cupy.cuda import compiler

def fail(*arguments, **options):
    raise Error(message)

compiler._compile_with_cache_cuda = fail
"""
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in + missing)
        refused(result, "failed a trial", reason, "-m pip install 'cupy-cuda", "[ctk]'")

    def test_cublas_is_missing(self, project, stand_in, refused):
        missing = """
import ctypes

load = ctypes.CDLL

def refuse(name, *arguments, **options):
    if "libcublas" in str(name):
        raise OSError(f"{name}: cannot open shared object file")
    return load(name, *arguments, **options)

ctypes.CDLL = refuse
"""
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in + missing)
        refused(result, "cuBLAS cannot be loaded", "-m pip install 'cupy-cuda", "[ctk]'")

    def test_a_gpu_too_old_for_its_cuda(self, project, stand_in, refused):
        older = "import trainer.backend.device as device; device.OLDEST_OF_CUDA_13 = 95\n"
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in + older)
        words = "is too old for CUDA 13: pip uninstall cupy", "-m pip install 'cupy-cuda12x[ctk]'"
        refused(result, *words)

    def test_a_gpu_whose_memory_others_have(self, project, stand_in, refused):
        project.environment["CUDA_ON_CPU_MEMORY"] = "1000000"
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in)
        refused(result, "failed a trial: Out of memory", "see nvidia-smi")

    def test_a_wrong_result(self, project, stand_in, refused):
        wrong = """
from trainer.backend.cuda.kernels import CudaKernels
norm = CudaKernels.norm
CudaKernels.norm = lambda kernels, values, out: norm(kernels, values * 1.01, out)
"""
        result = project.train("tiny.yaml", "backend.device=gpu", first=stand_in + wrong)
        refused(result, "failed a trial: it computed 70.5049 in place of 69.8069;")

    def test_a_model_too_large_for_the_gpu(self, project, stand_in, refused):
        project.environment["CUDA_ON_CPU_MEMORY"] = str(100_000_000)
        given = ("backend.device=gpu", "model.hidden_size=3000")
        result = project.train("tiny.yaml", *given, first=stand_in)
        words = ["GB by formula", "MB for it: lower model.hidden_size, training.batch_size"]
        refused(result, *words)
        assert not (project.path / "runs").exists()

    def test_its_memory_runs_out(self, project, stand_in):
        failure = "import cupy; cupy.empty(10**12)"
        first = stand_in + AT_STEP_12.format(failure=failure)
        result = project.train("tiny.yaml", "backend.device=gpu", first=first)
        assert (result.status, result.stdout) == (1, "")
        assert re.fullmatch(
            r"failed: not enough memory \(Out of memory allocating 8,000,000,000,000 bytes.*\): "
            r"the training takes [\d.]+ MB by formula, .* has [\d.]+ GB for it: see what else "
            r"takes it, or lower model\.hidden_size, .* or evaluation\.streams; go on from the "
            r"last checkpoint with python train\.py --resume .*",
            result.stderr.splitlines()[-1],
        )

    def test_a_recorded_run_is_the_same_to_the_bit(self, project, stand_in):
        """Through evaluations, samples and watched gates, which are not recorded."""
        for name, recorded in ("a", "false"), ("b", "true"):
            given = (f"name={name}", "backend.device=gpu", f"backend.cuda_graph={recorded}")
            result = project.train("tiny.yaml", *given, first=stand_in)
            assert result.status == 0, result.stderr
            assert ("steps as CUDA graphs" in result.stderr) == (recorded == "true")
        eager, graph = project.outcome("a"), project.outcome("b")
        assert graph["arrays"] == eager["arrays"]
        assert graph["rows"] == eager["rows"]

    def test_a_refused_recording_is_told_once_and_the_run_goes_on(self, project, stand_in):
        given = ("backend.device=gpu", "backend.cuda_graph=true")
        result = project.train("tiny.yaml", *given, first=stand_in + NO_RECORDING)
        assert result.status == 0, result.stderr
        told = "steps are not recorded as CUDA graphs: RuntimeError: operation not permitted"
        assert result.stderr.count(told) == 1

    def test_check_gradients(self, project, stand_in):
        options = ("backend.device=gpu", "model.embedding_size=5")
        result = project.trainer("check-gradients", "tiny.yaml", *options, first=stand_in)
        assert (result.status, result.stderr) == (0, "")
        assert "all gradients are right" in result.stdout

    def test_find_rate(self, project, stand_in):
        options = ("backend.device=gpu", "--steps", "20", "--png", "a.png")
        result = project.trainer("find-rate", "tiny.yaml", *options, first=stand_in)
        assert result.status == 0, result.stderr

    def test_a_dry_run_measures_the_gpu(self, project, stand_in):
        project.text.write_text(10 * project.text.read_text())
        given = ("model.hidden_size=128", "training.batch_size=32", "training.sequence_length=20")
        options = ("--dry-run", "backend.device=gpu", *given)
        first = stand_in + "from trainer.commands import dry_run; dry_run.SECONDS = 0.1\n"
        told = project.train("tiny.yaml", *options, first=first).stdout
        share = re.search(r"([\d.]+) % of the formula", told)
        assert float(share[1]) == pytest.approx(100, abs=4)


class TestResume:
    """A checkpoint does not know where it was made, but its run goes on there if it can."""

    def begin(self, project, *given, first=HIDDEN):
        assert (
            project.train("tiny.yaml", AUTO, "training.steps=20", *given, first=first).status == 0
        )

    def resume(self, project, *given, first=HIDDEN):
        result = project.train("--resume", "runs/tiny", "training.steps=40", *given, first=first)
        assert result.status == 0, result.stderr
        return notes(result)

    def test_a_cpu_run_stays_on_the_cpu_with_its_plan(self, project, stand_in):
        given = ("model.hidden_size=64", "training.batch_size=32", "training.sequence_length=4")
        self.begin(project, *given)
        before = read_checkpoint(project.checkpoint("tiny")).plan
        (note,) = self.resume(project, first=stand_in)
        assert "stays there; backend.device=gpu moves it" in note
        assert read_checkpoint(project.checkpoint("tiny")).plan == before

    def test_a_finished_run_is_told_so_without_its_gpu(self, project, stand_in):
        assert project.train("tiny.yaml", "backend.device=gpu", first=stand_in).status == 0
        before = project.files("runs")
        result = project.train("--resume", "runs/tiny")  # where there is none
        assert result.status == 0
        assert "is finished (step 40)" in result.stderr
        assert project.files("runs") == before

    def test_what_evaluation_takes_is_counted_before_a_run_begins(self, project, stand_in, refused):
        project.text.write_text(300 * project.text.read_text())
        project.environment["CUDA_ON_CPU_MEMORY"] = str(38_000_000)
        given = ("backend.device=gpu", "model.hidden_size=32")
        result = project.train("tiny.yaml", *given, "evaluation.streams=40", first=stand_in)
        refused(result, "training.sequence_length or evaluation.streams")
        assert not (project.path / "runs").exists()
        few = (*given, "evaluation.streams=2", "--dry-run")
        assert project.train("tiny.yaml", *few, first=stand_in).status == 0

    def test_a_cpu_run_moves_to_the_gpu_if_asked(self, project, stand_in):
        self.begin(project)
        (note,) = self.resume(project, "backend.device=gpu", first=stand_in)
        assert "computed on the CPU, it continues on" in note
        assert strategy(project) == "cuda"

    def test_a_gpu_run_stays_on_the_gpu(self, project, stand_in):
        self.begin(project, first=stand_in)
        assert strategy(project) == "cuda"
        assert self.resume(project, "backend.cuda_graph=true", first=stand_in) == []
        assert strategy(project) == "cuda"

    def test_a_gpu_run_moves_to_the_cpu_if_asked(self, project, stand_in):
        self.begin(project, first=stand_in)
        (note,) = self.resume(project, "backend.device=cpu", first=stand_in)
        assert note == (
            "note: so far the run was computed on a GPU, it continues on the CPU; "
            "the last bits of all numbers will differ"
        )
        assert strategy(project) == "reference"

    def test_a_gpu_run_whose_gpu_is_gone(self, project, stand_in, refused):
        self.begin(project, first=stand_in)
        given = ("backend.device=gpu", "training.steps=40")
        refused(project.train("--resume", "runs/tiny", *given, first=HIDDEN), "CuPy is not inst")
        (note,) = self.resume(project)
        assert "computed on a GPU, it continues on the CPU: CuPy is not installed; the last" in note
        assert strategy(project) == "reference"
