from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest

TEXT = b"Dear web,\r\nhow are you?\r\n"


@pytest.fixture
def own(project, web):
    """The project with a catalogue of its own: a text on the disk and one on the web."""
    web.pages["/web"] = TEXT
    (project.path / "data").mkdir()
    (project.path / "data" / "catalogue.yaml").write_text(
        f"""\
mine:
  title: A text of mine
  licence: my own
  size: 700 characters
  path: text.txt
web:
  title: A letter to the web
  url: {web.address}/web
  sha256: {hashlib.sha256(TEXT).hexdigest()}
lost:
  title: A text that is not there
  path: lost.txt
"""
    )
    return project


def test_the_list(own):
    assert own.trainer("corpora", "show", "web").status == 0
    result = own.trainer("corpora")
    assert (result.status, result.stderr) == (0, "")
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["name", "cached", "size", "licence", "title"]
    cached = {line.split()[0]: line.split()[1] for line in lines}
    built_in = ["shakespeare", "tinyshakespeare", "python-docs", "python-stdlib"]
    assert list(cached) == [*built_in, "mine", "web", "lost"]
    assert cached["shakespeare"] == "no"
    assert (cached["mine"], cached["web"], cached["lost"]) == ("file", "yes", "absent")
    assert "  700 characters                     my own         A text of mine" in lines[4]
    assert max(map(len, [head, *lines])) <= 100


def test_a_named_text_is_fetched_and_shown(own, web):
    result = own.trainer("corpora", "show", "web")
    assert result.status == 0
    assert result.stderr == f"fetching web from {web.address}/web\n"
    assert (
        result.stdout
        == f"""\
title            A letter to the web
licence          not stated
source           {web.address}/web
file             data/cache/web.txt
sha256           {hashlib.sha256(TEXT).hexdigest()}
bytes            25
characters       25, 15 distinct
lines            2, the longest of 12 characters (line 2)
line ends        2 CRLF; the last line is ended
byte order mark  none

most frequent:
  3   12.00 %  U+0020  space
  3   12.00 %  U+0065  e
  2    8.00 %  U+000A  line feed
  2    8.00 %  U+000D  carriage return
  2    8.00 %  U+0061  a
  2    8.00 %  U+006F  o
  2    8.00 %  U+0072  r
  2    8.00 %  U+0077  w
  1    4.00 %  U+002C  ,
  1    4.00 %  U+003F  ?
  1    4.00 %  U+0044  D
  1    4.00 %  U+0062  b
  1    4.00 %  U+0068  h
  1    4.00 %  U+0075  u
  1    4.00 %  U+0079  y

beginning:
  Dear web,\\r
  how are you?\\r
"""
    )
    assert own.trainer("corpora", "show", "web").stderr == ""  # it is there now


def test_a_file_is_shown_too(project):
    text = "\ufeff\x1b[31m\u200b\u0301\U0001f642\r" + "x" * 200 + "\n" * 20 + "end"
    (project.path / "odd.txt").write_bytes(text.encode())
    project.environment["PYTHONUTF8"] = "0"
    project.environment["LC_ALL"] = "C"
    result = project.trainer("corpora", "show", "odd.txt")
    assert (result.status, result.stderr) == (0, "")
    for line in (
        "file             odd.txt",
        "lines            21, the longest of 210 characters (line 1)",
        "line ends        20 LF, 1 CR alone, which ends no line here; the last line is not ended",
        "byte order mark  yes, it counts as a character: better removed",
        "combining        1, 1 distinct: each is a character of its own",
        "above U+FFFF     1, 1 distinct",
        "  200   85.84 %  U+0078   x",
        "    1    0.43 %  U+0301   combining acute accent",
        "    1    0.43 %  U+200B   zero width space",
        "    1    0.43 %  U+1F642  🙂",
        r"  \ufeff\x1b[31m\u200b" + "\u0301\U0001f642" + r"\r" + "x" * 71 + "…",
    ):
        assert line in result.stdout.splitlines(), line
    assert "\x1b" not in result.stdout
    assert "  end\n" not in result.stdout  # beyond ten lines


def test_a_text_can_be_learnt_by_a_name_of_ones_own(own):
    assert own.train("tiny.yaml", "corpus.name=mine", "training.steps=2").status == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shakespear", ["no text is called 'shakespear' (did you mean shakespeare?)", "no such"]),
        ("text.tx", ["(did you mean text.txt?)"]),
        ("lost", ["data/catalogue.yaml:10: lost: no such file: lost.txt"]),
        (".", [". is a folder"]),
    ],
)
def test_what_cannot_be_shown(own, refused, name, words):
    refused(own.trainer("corpora", "show", name), *words)


@pytest.mark.parametrize("content", ["mine:\n  title: a\n  pth: b\n", "mine: {"])
def test_what_is_wrong_in_a_catalogue_blocks_nothing_else(own, refused, content):
    (own.path / "data" / "catalogue.yaml").write_text(content)
    word = "data/catalogue.yaml:" + ("3: mine.pth: unknown key" if "pth" in content else "1:8: not")
    listed = own.trainer("corpora")
    assert listed.status == 0
    assert listed.stderr.startswith(f"note: left out: {word}")
    assert "python-docs" in listed.stdout
    refused(own.train("tiny.yaml", "corpus.path=", "corpus.name=mine"), word)
    assert own.trainer("corpora", "show", "python-docs").status == 0


def failed(project, result, status, *words):
    """Check that fetching ended in one line, and that nothing of it is left."""
    assert result.status == status, result
    assert result.stdout == ""
    fetching, line = result.stderr.splitlines()
    assert fetching.startswith("fetching web")
    for word in words:
        assert word in line
    assert list((project.path / "data" / "cache").iterdir()) == []


def test_the_web_is_not_there(own, web):
    del web.pages["/web"]
    result = own.trainer("corpora", "show", "web")
    words = ["error: cannot fetch", "404", "check the address", "corpus.name=python-docs"]
    failed(own, result, 2, *words)


def test_a_full_disk(own, web):
    web.pages["/web"] = b"long " * 100_000
    first = (
        "import resource, signal\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    )
    result = own.trainer("corpora", "show", "web", first=first)
    failed(own, result, 1, "failed: cannot write data/cache: File too large")


def test_an_interrupt(own, web):
    cache = own.path / "data" / "cache"

    def stop_halfway(handler):
        handler.answer(b"half " * 50_000, 500_000)
        deadline = time.monotonic() + 30
        while not list(cache.glob(".fetch-*/download")) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(int(Path(own.path, "pid").read_text()), signal.SIGINT)
        handler.rfile.read()  # until the other side goes

    web.pages["/web"] = stop_halfway
    first = (
        "import os, pathlib, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))"
    )
    failed(own, own.trainer("corpora", "show", "web", first=first), 130, "interrupted")
