"""TensorBoard event files, written without TensorFlow.

TensorBoard's modules are imported when a writer is made: they take a tenth of a second. Scalars are
of the classic kind (`simple_value`), which is smaller than the tensor kind and is purged on resume.
"""

from __future__ import annotations

import textwrap
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from trainer.files import disk_errors
from trainer.terminal import visible

_NAME = "events.out.tfevents."
# About what a text card shows without scrolling. Nothing of the text is lost at a line end.
_LINES = textwrap.TextWrapper(
    width=100, expand_tabs=False, replace_whitespace=False, drop_whitespace=False
)


class TensorBoardWriter:
    """Writes the events of one session of a run to a new file in `directory`.

    A session starts with the first step that it will log. TensorBoard drops what older sessions
    logged from that step on, so a resumed run shows one line without a zigzag. It reads the files
    in the order of their names: each session takes the next number.

    Events are buffered: call `flush` where they should become visible, and `close` at the end.
    Raises RunFailed when the file cannot be made or written.
    """

    def __init__(self, directory: Path, first_step: int) -> None:
        # Not EventFileWriter: its thread and its names by the clock promise no order.
        from tensorboard.compat.proto import (  # type: ignore[import-untyped]
            event_pb2,
            summary_pb2,
            tensor_pb2,
            types_pb2,
        )
        from tensorboard.summary.writer.record_writer import (  # type: ignore[import-untyped]
            RecordWriter,
        )

        self._event, self._summary = event_pb2, summary_pb2
        self._tensor, self._types = tensor_pb2, types_pb2
        with disk_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            self._path = directory / f"{_NAME}{_next_session(directory):06d}"
        with disk_errors(self._path):
            self._records = RecordWriter(self._path.open("xb"))
        self._write(0, file_version="brain.Event:2")
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write(first_step, session_log=start)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Add a number to the curve `tag`; NaN and infinities are drawn as such."""
        self._add(step, tag=tag, simple_value=value)

    def text(self, tag: str, text: str, step: int) -> None:
        """Add a text to the series `tag`, shown letter by letter and not as markdown."""
        content = _as_markdown_code(text).encode("utf-8", errors="replace")
        self._add(
            step,
            tag=tag,
            tensor=self._tensor.TensorProto(dtype=self._types.DT_STRING, string_val=[content]),
            metadata=self._summary.SummaryMetadata(
                plugin_data=self._summary.SummaryMetadata.PluginData(plugin_name="text")
            ),
        )

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        with disk_errors(self._path):
            self._records.flush()

    def close(self) -> None:
        """Flush and close the file."""
        with disk_errors(self._path):
            self._records.close()

    def __enter__(self) -> TensorBoardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _add(self, step: int, **value: Any) -> None:
        """Write one summary value, given by the fields of its message."""
        self._write(
            step, summary=self._summary.Summary(value=[self._summary.Summary.Value(**value)])
        )

    def _write(self, step: int, **content: Any) -> None:
        """Write one event of now, given by its one content field."""
        event = self._event.Event(wall_time=time.time(), step=step, **content)
        with disk_errors(self._path):
            self._records.write(event.SerializeToString())


def _next_session(directory: Path) -> int:
    """Return the number after the highest session with events in `directory`."""
    endings = (path.name.removeprefix(_NAME) for path in directory.glob(f"{_NAME}*"))
    return max((int(ending) for ending in endings if ending.isdecimal()), default=0) + 1


def _as_markdown_code(text: str) -> str:
    """Return `text` as an indented code block of lines that fit a text card.

    Indented and not fenced: no text can end the block.
    """
    lines = visible(text).expandtabs(4).split("\n")
    return "\n".join(f"    {part}" for line in lines for part in _LINES.wrap(line) or [""])
