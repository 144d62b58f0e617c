"""One place for all that a run tells: metrics.jsonl, TensorBoard and the progress display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from trainer.monitor.console import Progress
from trainer.monitor.metrics import MetricsFile
from trainer.monitor.tensorboard import TensorBoardWriter

_CURVES = ("train", "validation")  # the losses of other rows are single points
_TAGS = {
    "learning_rate": "optimizer/learning_rate",
    "gradient_norm": "optimizer/gradient_norm",
    "characters_per_second": "speed/characters_per_second",
}


class Journal:
    """The record of one session of a run.

    Args:
        folder: of the run; TensorBoard's events lie in it.
        metrics: the run's metrics.jsonl.
        resume_step: step of the checkpoint that the session starts from, None for a new run.
        progress: the display.
        listener: is told each row, too.

    Raises:
        RunFailed: A file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        metrics: Path,
        resume_step: int | None,
        progress: Progress,
        listener: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        self.progress = progress
        self._listener = listener
        with ExitStack() as opened:  # what is open is closed, whatever else fails
            opened.callback(progress.close)
            self._metrics = MetricsFile(metrics, resume_step)
            opened.callback(self._metrics.close)
            self._events = TensorBoardWriter(folder, first_step=(resume_step or 0) + 1)
            opened.callback(self._events.close)
            self._open = opened.pop_all()

    def row(self, row: Mapping[str, Any]) -> None:
        """Append a row to metrics.jsonl and draw its numbers: losses by kind, the rest by name."""
        self._metrics.write(row)
        if row["kind"] in _CURVES:
            self._events.scalar(f"loss/{row['kind']}", row["loss"], row["step"])
        for name in _TAGS.keys() & row.keys():
            self._events.scalar(_TAGS[name], row[name], row["step"])
        self._events.flush()
        if self._listener is not None:
            self._listener(row)

    def gates(self, layer: int, statistics: Mapping[str, float], step: int) -> None:
        """Draw the statistics of a layer's gates."""
        for name, value in statistics.items():
            self._events.scalar(f"lstm_layer_{layer}/{name}", value, step)

    def sample(self, text: str, step: int) -> None:
        """Show a text of the model's."""
        self._events.text("samples", text, step)

    def sync(self) -> None:
        """Put all rows on the disk."""
        self._metrics.sync()

    def close(self) -> None:
        """Show the last state of the progress, and close the files."""
        self._open.close()
