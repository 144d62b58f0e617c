from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

GENERATE = [sys.executable, "-m", "trainer", "generate", "runs/tiny"]


def open_generator(project, *arguments):
    return subprocess.Popen(
        [*GENERATE, *arguments],
        cwd=project.path,
        env={**os.environ, **project.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_the_prompt_comes_first_then_as_many_characters_as_asked_for(trained):
    result = trained.trainer("generate", "runs/tiny", "--prompt", "the moon", "--length", "25")
    assert result.status == 0
    assert result.stderr == ""
    assert result.stdout.startswith("the moon")
    assert len(result.stdout) == len("the moon") + 25 + 1
    assert result.stdout.endswith("\n")


def test_what_is_not_given_is_taken_from_the_configuration(trained):
    result = trained.trainer("generate", "runs/tiny")
    assert len(result.stdout) == 30 + 1
    given = ("--length", "30", "--temperature", "1", "--seed", "1")
    assert trained.trainer("generate", "runs/tiny", *given) == result


def test_the_seed_makes_the_text(trained):
    def text(seed):
        return trained.trainer("generate", "runs/tiny", "--length", "200", "--seed", seed).stdout

    assert text(5) == text(5)
    assert text(5) != text(6)


def test_three_ways_to_be_greedy(trained):
    def text(*options):
        return trained.trainer("generate", "runs/tiny", "--length", "100", *options).stdout

    greedy = text("--temperature", "0")
    assert text("--top-k", "1", "--seed", "3") == greedy
    assert text("--top-p", "0.0001", "--seed", "4") == greedy
    assert text() != greedy


def test_the_best_checkpoint_is_used_else_the_latest(project):
    # A validation text that the model does not come across: the first is the best.
    assert project.train("tiny.yaml", "evaluation.every=5", "checkpoint.every=5").status == 0
    pointer = project.path / "runs/tiny/checkpoints/best"
    names = sorted(path.name for path in pointer.parent.glob("*.safetensors"))

    def text(model="runs/tiny"):
        return project.trainer("generate", model, "--length", "300").stdout

    pointer.write_text(names[0] + "\n")
    assert text() == text(pointer.parent / names[0])
    assert text() != text(pointer.parent / names[-1])
    pointer.unlink()
    assert text() == text(pointer.parent / names[-1])


def test_a_checkpoint_alone_is_enough(trained, project):
    shutil.copy(trained.checkpoint("tiny", "best"), project.path / "model.safetensors")
    project.text.unlink()
    project.config.unlink()
    result = project.trainer("generate", "model.safetensors")
    assert result.stdout == trained.trainer("generate", "runs/tiny").stdout


def test_text_comes_as_it_is_made(trained):
    with open_generator(trained, "--length", "1000000000") as process:
        first = os.read(process.stdout.fileno(), 100_000)  # what is there, at least one byte
        assert len(first) < 4096  # no buffer was filled before
        assert process.poll() is None
        process.terminate()


def test_a_closed_pipe_ends_it_quietly(trained):
    with open_generator(trained, "--length", "1000000000") as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_text_is_utf_8_whatever_the_terminal(project):
    project.text.write_text("«naïve café», ¿qué? 日本語 🙂\n" * 30, encoding="utf-8")
    assert project.train("tiny.yaml").status == 0
    project.environment["PYTHONIOENCODING"] = "ascii"
    result = project.python("-m", "trainer", "generate", "runs/tiny", "--prompt", "日本🙂")
    assert result.status == 0
    assert result.stdout.startswith("日本🙂")
    assert len(result.stdout) == 3 + 30 + 1


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("--temperature", "-1", "generation.temperature"),
        ("--temperature", "nan", "generation.temperature"),
        ("--top-p", "2", "generation.top_p"),
        ("--top-p", "0", "generation.top_p"),
        ("--top-k", "0", "generation.top_k"),
        ("--length", "0", "generation.length"),
        ("--length", "-5", "generation.length"),
        ("--seed", "-1", "generation.seed"),
    ],
)
def test_impossible_options(trained, refused, option, value, key):
    result = trained.trainer("generate", "runs/tiny", f"{option}={value}")
    refused(result, key, f"found {value}" if value != "nan" else "NaN", "expected")


def test_an_option_that_is_no_number(trained):
    result = trained.trainer("generate", "runs/tiny", "--length", "ten")
    assert result.status == 2
    assert result.stdout == ""
    assert "argument --length: invalid int value: 'ten'" in result.stderr


@pytest.mark.parametrize(
    ("prompt", "told"), [("thé", "'é' (U+00E9) at position 2"), ("\udcff", "")]
)
def test_a_prompt_with_unknown_characters(trained, refused, prompt, told):
    result = trained.trainer("generate", "runs/tiny", "--prompt", prompt)
    refused(result, "the prompt: unknown character", told)


def test_models_that_are_not_there(trained, refused):
    refused(trained.trainer("generate", "runs/none"), "runs/none: no such run folder or checkpoint")
    refused(trained.trainer("generate", "runs"), "runs: the folder holds no checkpoint yet")
    refused(trained.trainer("generate", "text.txt"), "text.txt: no checkpoint of this program")
