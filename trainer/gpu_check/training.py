"""Whole trainings: the quick start, and one that goes from the CPU to the GPU and back."""

from __future__ import annotations

import io
from contextlib import closing, redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trainer.backend import ONE_THREAD, Plan
from trainer.builder import build_corpus
from trainer.config import Config, config_from_mapping
from trainer.errors import RunFailed
from trainer.gpu_check.check import Finding, judge
from trainer.gpu_check.gpu import Gpu, difference
from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal
from trainer.monitor.metrics import read_metrics
from trainer.runs.checkpoint import read_checkpoint
from trainer.runs.folder import RunFolder
from trainer.training.loop import Training

QUICK_START: dict[str, dict[str, Any]] = {
    "model": {"hidden_size": 128, "embedding_size": 128, "forget_bias": 0.0},
    "training": {"batch_size": 50, "sequence_length": 50},
    "optimizer": {"learning_rate": 2.0},
    "schedule": {"name": "linear"},
}
"""What `configs/shakespeare.yaml` sets."""
SMALL: dict[str, dict[str, Any]] = {
    **QUICK_START,
    "model": {"hidden_size": 16, "embedding_size": 8, "forget_bias": 0.0},
    "training": {"batch_size": 4, "sequence_length": 8},
}
RESUME_TOLERANCE = 1e-4


def quick_start(gpu: Gpu) -> Finding:
    """Train as the quick start does, on a text that needs no network, until it has learnt."""
    steps, bound = gpu.size((1000, 1.6), (40, 3.6))
    with TemporaryDirectory() as folder:
        config = _config(gpu, folder, steps, log_every=steps // 20)
        run = _run(config, Path(folder), "run", gpu.plan)
        rows = read_metrics(run.metrics)
    train, validation = ([r for r in rows if r["kind"] == k] for k in ("train", "validation"))
    first, last = train[0]["loss"], validation[-1]["loss"]
    speed = train[-1]["characters_per_second"]
    told = f"{steps} steps: loss {first:.2f}, at the end {last:.3f} on a validation text"
    if not last < bound:
        raise RunFailed(f"{told}, not below {bound:g}")
    return Finding(
        f"{told}, below {bound:g}; {speed:,.0f} characters/s",
        {"steps": steps, "loss": last, "bound": bound, "characters_per_second": speed},
    )


def resume(gpu: Gpu) -> Finding:
    """Train on the CPU alone, on the GPU alone, and half on each."""
    half = gpu.size(20, 5)
    with TemporaryDirectory() as name:
        folder = Path(name)
        config = _config(gpu, name, 2 * half, log_every=1)
        cpu = _run(config, folder, "cpu", ONE_THREAD)
        on_gpu = _run(config, folder, "gpu", gpu.plan)
        there = _run(config, folder, "there", gpu.plan, cpu.checkpoint_file(half))
        back = _run(config, folder, "back", ONE_THREAD, on_gpu.checkpoint_file(half))
        runs = {"GPU alone": on_gpu, "CPU, then GPU": there, "GPU, then CPU": back}
        expected = _losses(cpu, half)
        errors = {name: difference(_losses(run, half), expected) for name, run in runs.items()}
    return judge(errors, RESUME_TOLERANCE, "trainings beside one on the CPU")


def _losses(run: RunFolder, after: int) -> list[float]:
    """Return the losses of the steps after one."""
    rows = [row for row in read_metrics(run.metrics) if row["kind"] == "train"]
    return [row["loss"] for row in rows if row["step"] > after]


def _config(gpu: Gpu, folder: str, steps: int, log_every: int) -> Config:
    """Configure a training of a text that comes with Python."""
    sections = gpu.size(QUICK_START, SMALL)
    return config_from_mapping(
        {
            "name": "gpu-check",
            "corpus": {"name": "python-docs", "cache": folder, "split": [0.9, 0.1, 0.0]},
            **sections,
            "training": {**sections["training"], "steps": steps},
            "evaluation": {
                "every": steps,
                "characters": gpu.size(20_000, 400),
                "streams": gpu.size(50, 4),
            },
            "generation": {"length": gpu.size(200, 10), "temperature": 0.8},
            "monitor": {"log_every": log_every, "gates_every": 10, "sample_every": steps},
            "checkpoint": {"every": steps // 2},
        },
        "gpu-check",
    )


def _run(
    config: Config, folder: Path, name: str, plan: Plan, begun: Path | None = None
) -> RunFolder:
    """Train to the end, from a checkpoint if there is one; what is shown meanwhile is not."""
    run = RunFolder(folder / name)
    run.create(config.to_yaml())
    checkpoint = None if begun is None else read_checkpoint(begun)
    with redirect_stderr(io.StringIO()):
        training = Training(config, build_corpus(config.corpus), run, plan, checkpoint)
        progress = Progress(training.length.steps, "steps", training.amount)
        with closing(Journal(run.path, run.metrics, training.saved_step, progress)) as journal:
            if not training.train(journal):
                raise KeyboardInterrupt  # which the training has made an orderly end
    return run
