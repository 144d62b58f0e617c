from __future__ import annotations

import errno
import gzip
import io
import os
import time
import zipfile
from pathlib import Path

import pytest

from trainer.errors import RunFailed, UserError
from trainer.text import downloads

TEXT = b"Weather, fair.\n" * 10_000  # more than one piece


def fetch(address: str, folder: Path, member: str | None = None) -> bytes:
    """Return the text at an address, and check that nothing else remains."""
    try:
        with downloads.downloaded(address, folder, "do that instead") as file:
            (temporary,) = folder.iterdir()
            assert file.parent == temporary
            return b"".join(downloads.text_of(file, address, member, "do that instead"))
    finally:
        assert list(folder.iterdir()) == []


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


ZIP = zipped({"read.me": b"no", "folder/": b"", "folder/text": TEXT, "../../evil": b"out"})
GZ = gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])  # two members are one text
# An archive says twice, before each member and at its end, whether it is encrypted.
LOCKED = ZIP.replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0").replace(
    b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"
)

MIDDLE = ZIP.index(b"folder/text") + 50
FLIPPED = ZIP[:MIDDLE] + bytes([ZIP[MIDDLE] ^ 1]) + ZIP[MIDDLE + 1 :]


@pytest.mark.parametrize(
    ("path", "page", "member"),
    [
        ("/text", TEXT, None),
        ("/text.txt.GZ?raw=1", GZ, None),
        ("/archive.zip", ZIP, "folder/text"),
        ("/download?id=3", ZIP, "folder/text"),
    ],
)
def test_a_text_and_its_wrappings(web, tmp_path, path, page, member):
    web.pages[path] = page
    assert fetch(web.address + path, tmp_path, member) == TEXT
    assert web.agents == ["lstm-trainer"]


def test_a_member_that_would_leave_the_folder_is_only_read(web, tmp_path):
    web.pages["/a.zip"] = ZIP
    folder = tmp_path / "data" / "cache"
    folder.mkdir(parents=True)
    assert fetch(f"{web.address}/a.zip", folder, "../../evil") == b"out"
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "cache"]


@pytest.mark.parametrize(
    ("path", "page", "member", "reason"),
    [
        ("/a.zip", b"<html>log in</html>", "text", "a .zip archive that can be read (File is not"),
        ("/a.zip", LOCKED, "folder/text", "'folder/text' is encrypted"),
        ("/a.zip", FLIPPED, "folder/text", "a .zip archive that can be read ("),
        ("/a.zip", ZIP[:-30], "x", "a .zip archive that can be read (File is not"),
        ("/a.zip", ZIP, "folder/texts", "it has 'folder/text', 'read.me', '../../evil': correct"),
        ("/a.zip", zipped({}), "text", "has no member 'text'; it is empty"),
        ("/a.zip", zipped(dict.fromkeys("abcdefgh", b"")), "text", " and 3 more: correct member:"),
        ("/a.gz", b"<html>log in</html>", None, "a .gz file that can be read (Not a gzipped file"),
        ("/a.gz", GZ[:-9], None, "a .gz file that can be read ("),
        ("/a.gz", GZ[:20] + b"\xff" + GZ[21:], None, "a .gz file that can be read ("),
    ],
)
def test_archives_that_are_not_what_they_should_be(web, tmp_path, path, page, member, reason):
    web.pages[path] = page
    with pytest.raises(UserError) as caught:
        fetch(web.address + path, tmp_path, member)
    assert reason in str(caught.value)
    assert str(caught.value).endswith("do that instead")
    assert web.address + path in str(caught.value)


@pytest.mark.parametrize("path", ["/bomb.gz", "/bomb.zip", "/bomb.txt"])
def test_an_archive_that_unpacks_to_more_than_any_text(web, tmp_path, monkeypatch, path):
    monkeypatch.setattr(downloads, "LARGEST", 100_000)
    zeros = b"0" * 1_000_000
    web.pages["/bomb.gz"], web.pages["/bomb.txt"] = gzip.compress(zeros), zeros
    web.pages["/bomb.zip"] = zipped({"text": zeros})
    with pytest.raises(UserError, match=r"over 100,000 bytes.*corpus\.path=FILE"):
        fetch(web.address + path, tmp_path, "text" if path.endswith("zip") else None)


def hang_up(handler):
    handler.answer(TEXT, 2 * len(TEXT))


def say_nothing(handler):
    time.sleep(0.5)


def stop_halfway(handler):
    hang_up(handler)
    handler.wfile.flush()
    say_nothing(handler)


def tear_a_chunk(handler):
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"FF\r\nshort")


def redirect_for_ever(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def redirect_to_a_file(handler):
    handler.send_response(302)
    handler.send_header("Location", "file:///etc/passwd")
    handler.end_headers()


def talk_nonsense(handler):
    handler.wfile.write(b"220 this is no web server\r\n")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (None, "HTTP status 404 Not Found"),
        (hang_up, "the connection ended after 150,000 of 300,000 bytes"),
        (tear_a_chunk, "IncompleteRead("),
        (say_nothing, "no answer for 0.2 seconds"),
        (stop_halfway, "no answer for 0.2 seconds"),
        (redirect_for_ever, "HTTP status 302 "),
        (redirect_to_a_file, "HTTP status 302 "),
        (talk_nonsense, "220 this is no web server"),
    ],
)
def test_a_server_that_fails(web, tmp_path, monkeypatch, page, reason):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    web.pages["/text"] = page
    with pytest.raises(UserError) as caught:
        fetch(f"{web.address}/text", tmp_path)
    assert str(caught.value).startswith(f"cannot fetch {web.address}/text ({reason}")
    assert str(caught.value).endswith("): do that instead")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:1/text", "Connection refused"),
        ("http://a..b/text", ""),  # worded by Python
    ],
)
def test_no_server_at_all(tmp_path, monkeypatch, address, reason):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(UserError) as caught:
        fetch(address, tmp_path)
    assert str(caught.value).startswith(f"cannot fetch {address} ({reason}")


def test_a_full_disk(web, tmp_path, monkeypatch):
    web.pages["/text"] = TEXT

    def full(path: Path, mode: str) -> io.BufferedWriter:
        path.touch()
        return io.open("/dev/full", mode)  # noqa: UP020 - Path.open is replaced

    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RunFailed, match=os.strerror(errno.ENOSPC)):
        fetch(f"{web.address}/text", tmp_path)
