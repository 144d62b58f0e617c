from __future__ import annotations

import html
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from trainer.errors import RunFailed
from trainer.monitor.tensorboard import TensorBoardWriter


def load(directory: Path) -> Any:
    """Return TensorBoard's own reader with everything in `directory` read."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(directory)).Reload()


def scalars(directory: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in load(directory).Scalars(tag)]


def texts(directory: Path, tag: str) -> list[bytes]:
    return [event.tensor_proto.string_val[0] for event in load(directory).Tensors(tag)]


def shown(content: bytes) -> str:
    """Return the letters that TensorBoard's page shows for a text."""
    with warnings.catch_warnings():
        # Of a library inside TensorBoard, about itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        from tensorboard.plugin_util import markdown_to_safe_html

    page = markdown_to_safe_html(content)
    assert page.startswith("<pre><code>") and page.endswith("</code></pre>"), page
    return html.unescape(page.removeprefix("<pre><code>").removesuffix("</code></pre>"))


def test_scalars_come_back(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path / "run", first_step=1) as writer:
        writer.scalar("loss/train", 1.5, step=1)
        writer.scalar("loss/train", 0.25, step=2)
        writer.scalar("loss/validation", 2.0, step=2)

    assert scalars(tmp_path / "run", "loss/train") == [(1, 1.5), (2, 0.25)]
    assert scalars(tmp_path / "run", "loss/validation") == [(2, 2.0)]


def test_values_that_are_not_finite_are_written_as_they_are(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        writer.scalar("gradient_norm", math.nan, step=0)
        writer.scalar("gradient_norm", math.inf, step=1)

    (_, first), (_, second) = scalars(tmp_path, "gradient_norm")
    assert math.isnan(first) and second == math.inf


def test_a_flush_makes_events_visible_and_nothing_else_does(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        writer.scalar("loss/train", 1.5, step=0)
        assert load(tmp_path).Tags()["scalars"] == []
        writer.flush()
        assert scalars(tmp_path, "loss/train") == [(0, 1.5)]


@pytest.mark.parametrize("torn_bytes", [0, 7])
def test_a_resumed_run_is_one_line_without_a_zigzag(tmp_path: Path, torn_bytes: int) -> None:
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        for step in range(31):
            writer.scalar("loss/train", 100 + step, step)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - torn_bytes])  # killed in the middle of an event

    with TensorBoardWriter(tmp_path, first_step=20) as writer:
        for step in range(20, 41):
            writer.scalar("loss/train", 200 + step, step)

    before = [(step, 100.0 + step) for step in range(20)]
    after = [(step, 200.0 + step) for step in range(20, 41)]
    assert scalars(tmp_path, "loss/train") == before + after


def test_each_session_opens_a_file_that_sorts_after_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.000009").touch()
    (tmp_path / "events.out.tfevents.foreign").touch()
    for step in (0, 20):
        TensorBoardWriter(tmp_path, first_step=step).close()

    names = sorted(path.name for path in tmp_path.glob("*.0*"))
    assert [name.rpartition(".")[2] for name in names] == ["000009", "000010", "000011"]


def test_every_session_starts_with_its_version_and_its_first_step(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    from tensorboard.compat.proto.event_pb2 import SessionLog

    TensorBoardWriter(tmp_path, first_step=20).close()
    (file,) = tmp_path.iterdir()
    version, start = LegacyEventFileLoader(str(file)).Load()

    assert version.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (20, SessionLog.START)


@pytest.mark.parametrize(
    "text",
    [
        "To be, or not to be:\nthat is the *question* of _two_ **stars**.",
        "```\nfence\n```\n~~~~\n# heading\n\n\n\n| a | b |\n|---|---|\n    indented\n\ttab",
        "<script>alert('x')</script> &amp; <b>bold</b>\n[link](http://x) ![image](y)\n[1]: http://z",
        "1. one\n- two\n> three\n\n    four\n\nfive\\\n======\n&lt;",
        "\N{GREEK SMALL LETTER ALPHA}\u4e16\u754c \N{PILE OF POO} e\u0301",
    ],
)
def test_a_text_is_shown_letter_by_letter(tmp_path: Path, text: str) -> None:
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        writer.text("sample", text, step=5)

    (content,) = texts(tmp_path, "sample")
    assert shown(content).rstrip("\n") == text.expandtabs(4)


def test_long_lines_are_wrapped_between_words_and_lose_nothing(tmp_path: Path) -> None:
    text = "word and  " * 30 + "\n" + "x" * 250
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        writer.text("sample", text, step=0)

    lines = shown(texts(tmp_path, "sample")[0]).rstrip("\n").split("\n")
    assert max(map(len, lines)) == 100
    assert "".join(lines) == text.replace("\n", "")
    assert all(line.strip()[:4] in ("word", "and", "and ", "xxxx") for line in lines)


def test_what_the_page_cannot_show_is_made_visible(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        writer.text("sample", "a\x00b\x1b[0mc\ud800d\r\ne", step=0)
        writer.text("sample", "", step=1)

    first, second = texts(tmp_path, "sample")
    assert shown(first) == "a\\x00b\\x1b[0mc\\ud800d\ne\n"
    assert second.strip() == b""


def test_texts_belong_to_the_text_page(tmp_path: Path) -> None:
    with TensorBoardWriter(tmp_path, first_step=0) as writer:
        writer.text("sample", "a", step=0)

    assert load(tmp_path).SummaryMetadata("sample").plugin_data.plugin_name == "text"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFailed, match=r"cannot write .*file"):
        TensorBoardWriter(tmp_path / "file", first_step=0)


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open
    monkeypatch.setattr(Path, "open", lambda self, mode: full("wb"))
    writer = TensorBoardWriter(tmp_path, first_step=0)

    with pytest.raises(RunFailed, match=r"tfevents\.000001: No space left"):
        writer.flush()
    with pytest.raises(RunFailed):
        writer.close()


def test_tensorboard_is_imported_only_when_a_writer_is_made() -> None:
    code = (
        "import sys, trainer.monitor.tensorboard, trainer.monitor.console, trainer.monitor.metrics;"
        "sys.exit(any(name.partition('.')[0] in ('tensorboard', 'tqdm', 'numpy') "
        "for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
