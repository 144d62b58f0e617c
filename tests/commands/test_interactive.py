from __future__ import annotations

import signal

import pytest

from trainer.model import load

INTERACTIVE = ("generate", "runs/tiny", "--interactive", "--length", "200")


@pytest.fixture
def converse(trained, tmp_path):
    """Run the command with this as what is typed."""

    def run(typed, *options):
        path = tmp_path / "typed.txt"
        path.write_bytes(typed if isinstance(typed, bytes) else typed.encode())
        first = f"import os; os.dup2(os.open({str(path)!r}, os.O_RDONLY), 0)"
        return trained.trainer(*INTERACTIVE, *options, first=first)

    return run


@pytest.fixture
def writer(trained):
    """The model of the command, for comparison."""
    return load(trained.checkpoint("tiny", "best")).writer()


def answer(writer, typed, length, until=None):
    writer.read(typed)
    written = writer.write(length, until=until)
    return typed + "".join(character for _, character, _ in written)


def test_one_text_grows_in_turns(converse, writer):
    result = converse("the sea\n\r\n and old", "--length", "12", "--until", "zzz")
    assert result.status == 0
    assert result.stderr == ""
    expected = [answer(writer, typed, 12) for typed in ("the sea", "", " and old")]
    assert result.stdout == "".join(f"{text}\n" for text in expected)


def test_an_answer_ends_with_its_line(converse, writer):
    result = converse("the sea\nold\n")
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    # The line end that the model wrote is part of the text.
    assert [answer(writer, typed, 200, "\n") for typed in ("the sea", "old")] == [
        f"{line}\n" for line in lines
    ]


def test_or_with_what_is_asked_for(converse, writer):
    result = converse("the sea\nold\n", "--until", "s")
    expected = [answer(writer, typed, 200, "s") for typed in ("the sea", "old")]
    assert result.stdout == "".join(f"{text}\n" for text in expected)


def test_what_the_model_does_not_know_is_told_and_not_read(converse):
    result = converse("the \u00e9\nthe sea\n")
    assert result.status == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: unknown character 'é' (U+00E9) at position 4")
    assert result.stdout == converse("the sea\n").stdout
    result = converse(b"the \xe9\nthe sea\n")
    assert result.stderr.splitlines()[0].startswith("error: what was typed is not UTF-8")
    assert result.stdout == converse("the sea\n").stdout


def test_with_probabilities(converse):
    rows = converse("the sea\nold\n", "--show-probabilities", "--length", "3").stdout.splitlines()
    assert rows[0] == "character\tprobability"
    assert len(rows) == 1 + 3 + 3


def test_no_input(trained, refused):
    assert trained.trainer(*INTERACTIVE) == (0, "", "")
    closed = "import sys; sys.stdin = None"
    refused(trained.trainer(*INTERACTIVE, first=closed), "standard input is closed")


def test_on_a_terminal(trained, terminal):
    program = f"{terminal.become(0, 1, 2)}; from trainer.commands.cli import main; exit(main())"
    process = trained.start("-c", program, *INTERACTIVE, "--length", "10000000", "--until", "zzz")
    hints = terminal.screen("> ")
    assert "Ctrl-C" in hints
    assert "Ctrl-D" in hints
    terminal.type("the sea\n")
    terminal.screen("the sea\nthe sea")  # the echo, then the text from its beginning
    terminal.screen()
    process.send_signal(signal.SIGINT)  # stops the model and not the program
    terminal.screen("\n> ")
    terminal.type("\x04")
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 0


def test_a_line_that_goes_on_in_the_next(converse, writer):
    """A play needs a name, a line end, and what is said."""
    result = converse("the sea\\\nold\nand\\\n", "--length", "12", "--until", "zzz")
    assert (result.status, result.stderr) == (0, "")
    expected = [answer(writer, typed, 12) for typed in ("the sea\nold", "and\n")]
    assert result.stdout == "".join(f"{text}\n" for text in expected)
