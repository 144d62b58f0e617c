from __future__ import annotations

import pytest

LINES = ["the «sea» 日本🙂\r\n", "\n", 'old "moon"\t\\" \x85\u2028\x1b sings\n', "hill"]


@pytest.fixture(scope="session")
def units(trained, server, tmp_path_factory):
    """A project with two runs on the same ASCII text, `character` and `byte`; only to be read.

    Both models have a symbol for what they do not know, and `odd.txt` has such characters.
    """
    project = type(trained)(tmp_path_factory.mktemp("units"), server)
    for unit in ("character", "byte"):
        given = (f"name={unit}", f"corpus.unit={unit}", "corpus.unknown=symbol")
        assert project.train("tiny.yaml", *given).status == 0
    (project.path / "odd.txt").write_text("".join(LINES), newline="")
    return project


@pytest.fixture
def odd_lines():
    """The lines of `odd.txt`."""
    return LINES
