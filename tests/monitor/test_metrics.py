from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from trainer.errors import RunFailed, UserError
from trainer.monitor.metrics import MetricsFile, read_metrics


def row(step: int, kind: str = "train") -> dict[str, object]:
    return {"kind": kind, "step": step, "loss": 1 / (step + 1)}


def write_rows(path: Path, *rows: dict[str, object]) -> None:
    with closing(MetricsFile(path)) as metrics:
        for one in rows:
            metrics.write(one)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_a_row_is_one_compact_line_in_the_order_given(path: Path) -> None:
    write_rows(path, {"step": 1, "kind": "train", "name": "ä"}, row(2))

    assert path.read_bytes().splitlines()[0] == '{"step":1,"kind":"train","name":"ä"}'.encode()
    assert read_metrics(path)[1] == row(2)


def test_a_row_can_be_read_as_soon_as_it_is_written(path: Path) -> None:
    with closing(MetricsFile(path)) as metrics:
        metrics.write(row(1))
        assert read_metrics(path) == [row(1)]


def test_numbers_come_back_bit_for_bit(path: Path) -> None:
    loss = 0.1 + 0.2
    write_rows(path, {"kind": "train", "step": 1, "loss": loss})

    assert read_metrics(path)[0]["loss"] == loss


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_refused_and_not_written(path: Path, value: float) -> None:
    with closing(MetricsFile(path)) as metrics:
        with pytest.raises(ValueError, match="not JSON compliant"):
            metrics.write({"kind": "train", "step": 1, "loss": value})
        metrics.write(row(2))

    assert read_metrics(path) == [row(2)]


def test_a_new_run_may_find_an_empty_file(path: Path) -> None:
    path.touch()
    write_rows(path, row(1))

    assert read_metrics(path) == [row(1)]


def test_a_new_run_does_not_touch_the_rows_of_another(path: Path) -> None:
    write_rows(path, row(1))
    before = path.read_bytes()

    with pytest.raises(UserError, match=r"metrics\.jsonl already holds"):
        MetricsFile(path)
    assert path.read_bytes() == before


def test_a_resume_keeps_the_rows_up_to_its_step_byte_for_byte(path: Path) -> None:
    write_rows(path, row(10), row(20), row(20, "validation"))
    before = path.read_bytes()
    with path.open("ab") as file:
        file.write(json.dumps(row(30)).encode() + b"\n")

    with closing(MetricsFile(path, resume_step=20)) as metrics:
        assert path.read_bytes() == before
        metrics.write(row(30))

    assert [one["step"] for one in read_metrics(path)] == [10, 20, 20, 30]
    assert [child.name for child in path.parent.iterdir()] == ["metrics.jsonl"]


def test_a_lengthened_run_has_not_ended(path: Path) -> None:
    write_rows(path, row(20), row(20, "test"), row(20, "end"))

    with closing(MetricsFile(path, resume_step=20)):
        assert read_metrics(path) == [row(20)]


@pytest.mark.parametrize(
    "torn",
    [
        b'{"kind":"train","step":1',
        b'{"kind":"train","step":15}',
        b'{"kind":"tr\n',
        b"\0\0\0\n",
        b"7\n",
    ],
)
def test_a_torn_last_line_is_cut(path: Path, torn: bytes) -> None:
    write_rows(path, row(10))
    before = path.read_bytes()
    path.write_bytes(before + torn)

    with closing(MetricsFile(path, resume_step=20)):
        assert path.read_bytes() == before


def test_a_crash_while_cutting_leaves_the_old_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(path, row(10), row(20))
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(RunFailed, match=r"metrics\.jsonl: Input/output error"):
        MetricsFile(path, resume_step=10)
    assert path.read_bytes() == before


def test_a_resume_without_the_file_starts_it(path: Path) -> None:
    with closing(MetricsFile(path, resume_step=20)) as metrics:
        metrics.write(row(30))

    assert read_metrics(path) == [row(30)]


def test_a_full_disk_is_told_with_the_file() -> None:
    metrics = MetricsFile(Path("/dev/full"))
    with pytest.raises(RunFailed, match="cannot write /dev/full: No space left"):
        metrics.write(row(1))
    with pytest.raises(RunFailed):
        metrics.close()


def test_a_missing_folder_is_told_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="No such file"):
        MetricsFile(tmp_path / "missing" / "metrics.jsonl")
