"""The checks of a GPU, on the stand-in for one: that they pass there, and that they can fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainer.config import load_config
from trainer.gpu_check.training import QUICK_START

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    "environment",
    "no wait in a step",
    "flat memory",
    "quick start",
    "resume",
    "memory runs out",
    "speed, 8/1/3/4",
    "speed, 8/2/3/4",
]

# Python to be run before the command. Only the checks that matter are done.
ONLY = """
from trainer.commands import gpu_check
gpu_check.CORRECTNESS = [check for check in gpu_check.CORRECTNESS if check.name in {names}]
gpu_check.speeds = lambda quick: []
"""
IN_EACH_STEP = """
import itertools
from trainer.training.learner import Learner
learn, numbers = Learner._learn, itertools.count()

def learn_wrongly(learner, *arrays, **watch):
    learn(learner, *arrays, **watch)
    xp = learner.backend.xp
    {mistake}

Learner._learn = learn_wrongly
"""
ANOTHER_STEP = """
from trainer.training.learner import Learner
step = Learner.step

def step_wrongly(learner, *ids, **options):
    options["learning_rate"] *= 1 + 1e-3 * (learner.backend.name == "cupy")
    return step(learner, *ids, **options)

Learner.step = step_wrongly
"""
NOT_A_MEMORY_ERROR = """
import cupy
right = cupy.zeros

def zeros(*arguments):
    try:
        return right(*arguments)
    except MemoryError as error:
        raise ValueError("no room") from error

cupy.zeros = zeros
"""


@pytest.fixture
def check(project, stand_in):
    """Run the command on small sizes, on a GPU that does nothing before it is waited for."""

    def check(*arguments, first=""):
        project.environment["CUDA_ON_CPU_STREAMS"] = "deferred"
        return project.trainer("gpu-check", "--quick", *arguments, first=stand_in + first)

    return check


def rows(result):
    """Return result and words of each check, by name."""
    head, *lines = result.stdout.split("\n\n")[0].splitlines()
    assert head.split() == ["check", "result", "seconds", "measured"]
    start, end = head.index("result"), head.index("seconds")
    return {
        line[:start].strip(): (line[start:end].split()[0], line[head.index("measured") :])
        for line in lines
    }


def test_all_checks_pass(check, project):
    result = check("--json", "gpu.json")
    assert result.status == 0, result.stdout + result.stderr
    found = rows(result)
    assert list(found) == CHECKS
    assert {outcome for outcome, _ in found.values()} == {"passed"}
    assert result.stdout.splitlines()[-1].startswith(f"{len(CHECKS)} passed, in ")
    assert [line.split(" ... ")[0] for line in result.stderr.splitlines()] == CHECKS

    content = json.loads((project.path / "gpu.json").read_text())
    assert content.keys() == {"verdict", "environment", "checks"}
    assert {"gpu", "compute_capability", "memory_bytes", "cupy"} <= content["environment"].keys()
    assert [one["name"] for one in content["checks"]] == CHECKS
    for one in content["checks"]:
        assert one.keys() == {"name", "result", "told", "seconds", "facts"}
    speed = content["checks"][-1]["facts"]
    assert speed.keys() == {"eager", "graph", "products"}
    assert speed["graph"]["step"] > 0
    assert not (project.path / "runs").exists()


def test_what_does_not_fit_is_skipped_and_json_can_stand_in_for_the_table(check):
    result = check("--budget", "5.5", "--json", "-")
    assert result.status == 1  # not all is known
    content = json.loads(result.stdout)
    first, *others = content["checks"]
    assert first["result"] == "passed"
    assert {one["result"] for one in others} == {"skipped"}
    assert "of 5.5 s" in others[0]["told"]
    assert content["verdict"].startswith(f"1 passed, {len(CHECKS) - 1} skipped")


MISTAKES = {
    "other steps than on the CPU": (
        ANOTHER_STEP,
        {"resume": "wrong: GPU alone ("},
    ),
    "a step that waits": (
        IN_EACH_STEP.format(mistake="learner.backend.synchronize()"),
        {"no wait in a step": "the host waited for the GPU within a training step"},
    ),
    "a step that takes memory": (
        IN_EACH_STEP.format(mistake="xp.empty(10)"),
        {
            "flat memory": "a training step asks for memory, 80 bytes",
        },
    ),
    "nothing is learnt": (
        IN_EACH_STEP.format(mistake="learner.model.parameters.values[...] = 0"),
        {"quick start": "not below 3.6"},
    ),
    "another error than that of memory": (NOT_A_MEMORY_ERROR, {"memory runs out": "no room"}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_fails_its_checks_and_the_others_go_on(check, mistake):
    program, wrong = MISTAKES[mistake]
    names = list(dict.fromkeys(["environment", *wrong, "memory runs out"]))
    result = check(first=program + ONLY.format(names=names))
    assert result.status == 1, result.stdout
    found = rows(result)
    assert list(found) == names
    assert found["environment"][0] == "passed"
    for name, told in wrong.items():
        outcome, words = found[name]
        assert (outcome, told in words) == ("failed", True), result.stdout
    assert f"{len(wrong)} failed, in " in result.stdout.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_traceback_for_who_asks(check):
    first = ANOTHER_STEP + ONLY.format(names=["resume"])
    result = check("--debug", first=first)
    assert "Traceback" in result.stderr
    assert result.stdout


def test_no_gpu(project, refused, stand_in):
    hidden = "import sys; sys.modules['cupy'] = None"
    result = project.trainer("gpu-check", first=hidden)
    refused(result, "there is no GPU to check: CuPy is not installed", "pip install")
    result = project.trainer("gpu-check", "--device", "gpu:3", first=stand_in)
    refused(result, "there is no GPU to check: there is no GPU 3")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "cpu"), "--device cpu: expected gpu"),
        (("--budget", "0"), "--budget 0: expected seconds"),
        (("--budget", "nan"), "--budget nan: expected seconds"),
        (("--json", "none/gpu.json"), "--json none/gpu.json: expected a file in a folder"),
    ],
)
def test_bad_input(project, refused, arguments, words):
    refused(project.trainer("gpu-check", *arguments), words)


def test_the_quick_start_is_that_of_the_configuration():
    config = load_config(ROOT / "configs" / "shakespeare.yaml", []).model_dump()
    for section, values in QUICK_START.items():
        assert values == {key: config[section][key] for key in values}
