from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from trainer.generation.writer import generate
from trainer.model import load

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
    ("prompt", "told"),
    [
        ("thé", "the prompt: unknown character 'é' (U+00E9) at position 2"),
        ("\udcff", "--prompt: what was typed is not UTF-8"),
    ],
)
def test_a_prompt_with_unknown_characters(trained, refused, prompt, told):
    result = trained.trainer("generate", "runs/tiny", "--prompt", prompt)
    refused(result, told)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--samples", "0"], ["--samples: found 0, expected at least 1"]),
        (["--samples", "2", "--interactive"], ["--interactive", "leave out --samples"]),
        (["--until", ""], ["generation.until: found ''", "expected"]),
        (["--prompt-file", "none.txt"], ["no such file: none.txt"]),
        (["--prompt-file", "."], [". is a folder"]),
        (["--prompt-file", "latin.txt"], ["latin.txt is not UTF-8: byte 2 is 0xE9"]),
        (["--prompt-file", "empty.txt"], ["empty.txt is empty"]),
        (["--prompt-file", "foreign.txt"], ["the prompt: unknown character 'é'", "position 2"]),
        (["--prompt-file", "-"], ["standard input is empty"]),
    ],
)
def test_what_cannot_be_read_or_done(trained, prompts, refused, options, words):
    options = [prompts / o if (prompts / o).is_file() else o for o in options]
    refused(trained.trainer("generate", "runs/tiny", *options), *words)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompts")
    (folder / "latin.txt").write_bytes(b"th\xe9")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "foreign.txt").write_text("thé", encoding="utf-8")
    (folder / "lines.txt").write_bytes(b"the sea\nand moon\n")
    return folder


def test_only_one_prompt(trained):
    for options in (["--prompt", "a", "--prompt-file", "b"], ["--prompt", "a", "--interactive"]):
        result = trained.trainer("generate", "runs/tiny", *options)
        assert result.status == 2
        assert result.stdout == ""
        assert "not allowed with argument" in result.stderr.splitlines()[-1]


def test_a_prompt_from_a_file_or_a_pipe_is_the_whole_of_it(trained, prompts):
    path = prompts / "lines.txt"
    given = trained.trainer("generate", "runs/tiny", "--prompt", path.read_text())
    assert given.stdout.startswith("the sea\nand moon\n")
    assert trained.trainer("generate", "runs/tiny", "--prompt-file", path) == given
    piped = trained.trainer("generate", "runs/tiny", "--prompt-file", "-", first=stdin(path))
    assert piped == given


def stdin(path):
    """Python that makes a file the standard input."""
    return f"import os; os.dup2(os.open({str(path)!r}, os.O_RDONLY), 0)"


def test_it_stops_after_a_text_but_not_beyond_the_length(trained):
    def text(*options):
        return trained.trainer("generate", "runs/tiny", "--length", "300", *options).stdout

    whole = text()
    assert text("--until", "e") == whole[: whole.index("e") + 1] + "\n"
    assert text("--until", whole[90:95]) == whole[: whole.index(whole[90:95]) + 5] + "\n"
    assert text("--until", "never") == whole


def test_samples_are_those_of_their_seeds(trained):
    def text(*options):
        options = ("--prompt", "the", "--length", "60", *options)
        return trained.trainer("generate", "runs/tiny", *options).stdout

    # They are computed side by side, so but for rounding; so small a model never comes that near.
    samples = text("--samples", "3", "--seed", "5").split("-----\n")
    assert samples == [text("--seed", seed) for seed in (5, 6, 7)]


def test_lines_of_their_own_are_written_as_they_were_learnt(project):
    project.train("tiny.yaml", "corpus.document=line", "generation.length=300")
    checkpoint = project.checkpoint("tiny")
    text = project.trainer("generate", checkpoint).stdout[:-1]
    (sample,) = (project.path / "runs/tiny/samples").glob("*40*")
    assert sample.read_text().rstrip("\n") == text.rstrip("\n")
    loaded = load(checkpoint)
    model, vocabulary = loaded.network, loaded.vocabulary
    assert "".join(generate(model, vocabulary, None, 300, document="line")) == text
    assert "".join(generate(model, vocabulary, None, 300)) != text


def test_a_table_of_probabilities(trained):
    options = ("generate", "runs/tiny", "--length", "40", "--prompt", "the sea", "--samples", "2")
    result = trained.trainer(*options, "--show-probabilities")
    head, *rows = result.stdout.splitlines()
    assert head == "character\tprobability"
    assert rows[40] == "-----"
    fields = [row.split("\t") for row in rows[:40] + rows[41:]]
    text = "".join(json.loads(character) for character, _ in fields)
    plain = trained.trainer(*options).stdout
    assert plain == f"the sea{text[:40]}\n-----\nthe sea{text[40:]}\n"
    assert all(0 < float(probability) < 1 for _, probability in fields)
    # Greedy choices are not certain ones: what is shown comes before the temperature.
    greedy = trained.trainer(*options, "--show-probabilities", "--temperature", "0")
    assert 0.05 < float(greedy.stdout.splitlines()[1].split("\t")[1]) < 0.95


def test_colours_on_a_terminal(trained, terminal):
    options = ("generate", "runs/tiny", "--length", "100", "--prompt", "the sea")
    plain = trained.trainer(*options)
    result = trained.trainer(*options, "--show-probabilities", first=terminal.become(1))
    shown = terminal.screen()
    assert shown.startswith("the sea\x1b[38;5;")
    assert shown.endswith("\x1b[0m\n")
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == plain.stdout
    colours = set(re.findall(r"\x1b\[[0-9;]*m", shown))
    assert len(colours) > 3
    assert result.stderr.startswith("probability of a character: ")
    assert colours <= set(re.findall(r"\x1b\[[0-9;]*m", result.stderr))

    first = terminal.become(1, no_color="1")
    trained.trainer(*options, "--show-probabilities", first=first)
    assert terminal.screen().startswith("character\tprobability\n")


def test_colours_end_with_the_program(trained, terminal):
    program = f"{terminal.become(1)}; from trainer.commands.cli import main; exit(main())"
    arguments = ["generate", "runs/tiny", "--length", "1000000000", "--show-probabilities"]
    process = trained.start("-c", program, *arguments)
    terminal.screen()
    process.send_signal(signal.SIGINT)
    assert terminal.screen("\x1b[0m").endswith("\x1b[0m\n")
    assert process.communicate(timeout=30)[1].endswith(b"interrupted\n")
    assert process.returncode == 130


def test_models_that_are_not_there(trained, refused):
    refused(trained.trainer("generate", "runs/none"), "runs/none: no such run folder or checkpoint")
    refused(trained.trainer("generate", "runs"), "runs: the folder holds no checkpoint yet")
    refused(trained.trainer("generate", "text.txt"), "text.txt: no checkpoint of this program")
