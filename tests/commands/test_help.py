from __future__ import annotations

import re
import sys

import pytest

from trainer import hints

COMMANDS = [
    "train",
    "generate",
    "evaluate",
    "novelty",
    "gpu-check",
    "check-gradients",
    "find-rate",
    "corpora",
    "schema",
]

# Runs the help of train.py, then tells which modules it took.
HELP = """\
import sys
from trainer.commands.cli import train_main
try:
    train_main(["--help"])
except SystemExit as error:
    print(error.code, *sys.modules, file=sys.stderr)
"""


def test_help_imports_nothing_heavy(project):
    result = project.python("-c", HELP)
    status, *modules = result.stderr.split()
    assert status == "0"
    assert {name for name in modules if name.split(".")[0] == "trainer"} == {
        "trainer",
        "trainer.commands",
        "trainer.commands.arguments",
        "trainer.commands.cli",
        "trainer.errors",
        "trainer.hints",
        "trainer.terminal",
    }
    heavy = {"numpy", "pydantic", "yaml", "tqdm", "tensorboard", "safetensors", "threadpoolctl"}
    assert not heavy & set(modules)


def test_an_error_in_the_command_does_not_import_tensorboard(project):
    program = HELP.replace('["--help"]', '["none.yaml"]').replace("print(error.code", "print(0")
    program = program.replace("except SystemExit as error", "finally")
    result = project.python("-c", program)
    assert "error: none.yaml: no such file" in result.stderr
    assert not {"tensorboard", "tqdm", "PIL"} & set(result.stderr.split())


def test_the_help_of_training(project):
    result = project.train("-h")
    assert result.status == 0
    assert result.stderr == ""
    assert "train.py" in result.stdout.splitlines()[0]
    for words in ("--resume RUN", "--force", "section.key=value", "--debug"):
        assert words in result.stdout
    assert re.search(r"^  \S*python\S* train.py mine.yaml$", result.stdout, re.MULTILINE)
    assert re.search(r"^  \S*python\S* train.py --resume runs/mine$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(project, command):
    result = project.trainer(command, "--help")
    assert result.status == 0
    assert result.stderr == ""
    _, _, examples = result.stdout.partition("examples:\n")
    assert hints.command(command) in examples
    assert "{" not in examples


def test_all_commands_are_listed(project):
    for arguments in (["-h"], ["--help"]):
        result = project.trainer(*arguments)
        assert result.status == 0
        for command in COMMANDS:
            assert re.search(rf"^    {command}\b", result.stdout, re.MULTILINE)


def test_no_command_and_unknown_ones(project):
    assert "COMMAND" in project.trainer().stderr
    assert project.trainer().status == 2
    result = project.trainer("learn")
    assert result.status == 2
    assert "invalid choice: 'learn'" in result.stderr


def test_the_version(project):
    result = project.trainer("--version")
    assert result.status == 0
    assert result.stdout[0].isdigit()
    assert sys.version.split()[0] != result.stdout.strip()


@pytest.mark.parametrize(
    "words",
    [
        ["--learning_rate=0.1"],
        ["--learning_rate", "0.1"],
        ["--lr", "0.1"],
        ["--optimizer.learning_rate=0.1"],
    ],
)
def test_a_key_with_dashes_is_shown_as_it_must_be_written(project, refused, words):
    refused(project.train("tiny.yaml", *words), "no dashes: optimizer.learning_rate=0.1 ")


def test_the_option_or_command_that_was_meant(project, refused):
    refused(project.trainer("generat"), "did you mean generate?")
    refused(project.trainer("generate", "run", "--temprature", "1"), "did you mean --temperature?")


def test_a_line_end_in_a_value_does_not_break_the_line(project, refused):
    refused(project.train("a\nb"), r"a\nb")
