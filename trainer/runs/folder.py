"""The folder of a run: where everything lies, which checkpoints are kept, which is used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.errors import UserError
from trainer.files import disk_errors, make_folder, whole_file
from trainer.hints import did_you_mean, train_command
from trainer.runs.checkpoint import Checkpoint, read_checkpoint, write_checkpoint

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

RUNS = Path("runs")
EVENTS = "events.out.tfevents."
"""What names of TensorBoard's files begin with."""


class RunFolder:
    """Names of the files in a run's folder; making the object touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples"
        self.texts = path / "text"
        self.checkpoints = path / "checkpoints"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from training this run while the block lasts.

        The folder itself is locked, so nothing is left behind, however the process ends.

        Raises:
            UserError: Another process trains it; the folder cannot be made.
        """
        make_folder(self.path)
        if fcntl is None:  # not on this system
            yield
            return
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise UserError(
                f"{self.path}: another process is training this run: stop that one first, or give "
                "a new run another name with name=NAME"
            ) from error
        except OSError:
            pass  # a file system without locks
        try:
            yield
        finally:
            os.close(descriptor)

    def refuse_if_taken(self) -> None:
        """Refuse a name that is in use.

        Raises:
            UserError: The folder exists, or a file is in its place.
        """
        if self._in_use():
            raise UserError(
                f"{self.path} exists: continue it with {train_command('--resume', self.path)}, "
                "replace it with --force, or give the new run a name with name=NAME"
            )
        if self.path.is_file():
            raise UserError(f"{self.path}: a file is in the run folder's place; move it away")

    def create(self, config_yaml: str) -> None:
        """Make the folder anew, removing an old run of this name, and write its configuration.

        Raises:
            UserError: The folder cannot be made, or holds something else than a run.
            RunFailed: The disk is full or fails.
        """
        if self._in_use():
            if not self.config.is_file():
                raise UserError(f"{self.path} is not a run (no config.yaml): remove it yourself")
            self._clear()
        make_folder(self.path)
        self.write_config(config_yaml)  # first: whatever happens from here on, it can be resumed
        make_folder(self.checkpoints)
        make_folder(self.samples)

    def _in_use(self) -> bool:
        """Whether the folder holds more than what a start that was killed left half written."""
        return self.path.is_dir() and any(
            not child.name.endswith(".tmp") for child in self.path.iterdir()
        )

    def _clear(self) -> None:
        """Remove all but the configuration, which stays until it is replaced.

        TensorBoard's events are emptied and keep their names: one that is open would not get
        beyond a file that is gone, and show the old run for ever.
        """
        with disk_errors(self.path):
            for child in self.path.iterdir():
                if child.is_dir() and not child.is_symlink():
                    shutil.rmtree(child)
                elif child.name.startswith(EVENTS):
                    os.truncate(child, 0)
                elif child != self.config:
                    child.unlink()

    def write_config(self, config_yaml: str) -> None:
        """Replace the configuration."""
        with whole_file(self.config) as file:
            file.write(config_yaml.encode())

    def write_sample(self, step: int, text: str) -> None:
        """Keep a sample of text."""
        with whole_file(self.samples / f"step-{step:08d}.txt") as file:
            file.write(text.encode(errors="replace"))

    def checkpoint_file(self, step: int) -> Path:
        """Name the checkpoint of a step."""
        return self.checkpoints / f"step-{step:08d}.safetensors"

    def save(self, checkpoint: Checkpoint, *, best: bool) -> None:
        """Write a checkpoint and point `latest`, and perhaps `best`, to it.

        `best` comes first: killed between the two, a resume starts before this step and finds its
        best again. The other way round it would believe that `best` already points here.

        Raises:
            RunFailed: The disk is full or fails.
        """
        write_checkpoint(checkpoint)
        for pointer in ("best", "latest") if best else ("latest",):
            self._point(pointer, checkpoint.path)

    def prune(self, keep_last: int, keep_every: int | None) -> None:
        """Remove all checkpoints but the newest, the best, and those at multiples of a step.

        Also removes what an earlier, killed session left half written.
        """
        for stray in self.checkpoints.glob(".*.tmp"):
            stray.unlink(missing_ok=True)
        files = sorted(self._files(), key=_step)
        pointed = {self.pointer("latest"), self.pointer("best")}
        for path in files[:-keep_last]:
            if path not in pointed and not (keep_every and _step(path) % keep_every == 0):
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return list(self.checkpoints.glob("step-*.safetensors"))

    def later_than(self, step: int) -> list[Path]:
        """Return the checkpoints after a step."""
        return sorted(path for path in self._files() if _step(path) > step)

    def go_back(self, checkpoint: Checkpoint) -> None:
        """Remove what came after a checkpoint of this run, for good."""
        step, best = checkpoint.counters.step, self.pointer("best")
        self._point("latest", checkpoint.path)
        if best is not None and _step(best) > step:
            kept = self.checkpoint_file(checkpoint.counters.best_step or 0)
            if kept.is_file():
                self._point("best", kept)
            else:
                (self.checkpoints / "best").unlink()
        samples = (path for path in self.samples.glob("step-*.txt") if _step(path) > step)
        for path in (*self.later_than(step), *samples):
            path.unlink(missing_ok=True)

    def adopt(self, checkpoint: Checkpoint) -> None:
        """Begin with a checkpoint of another folder, with its rows and the best before it."""
        there, counters = RunFolder(checkpoint.path.parent.parent), checkpoint.counters
        copies = [(checkpoint.path, self.checkpoint_file(counters.step))]
        best = checkpoint.path.with_name(self.checkpoint_file(counters.best_step or 0).name)
        if counters.best_step is not None and best.is_file():
            copies.append((best, self.checkpoint_file(counters.best_step)))
        if there.config.is_file() and there.metrics.is_file():
            copies.append((there.metrics, self.metrics))
        for source, copy in copies:
            with disk_errors(copy), source.open("rb") as content, whole_file(copy) as file:
                shutil.copyfileobj(content, file)
        if self.checkpoint_file(counters.best_step or 0).is_file():
            self._point("best", self.checkpoint_file(counters.best_step or 0))
        self._point("latest", self.checkpoint_file(counters.step))

    def _point(self, name: str, checkpoint: Path) -> None:
        with whole_file(self.checkpoints / name) as file:
            file.write(f"{checkpoint.name}\n".encode())

    def pointer(self, name: str) -> Path | None:
        """Follow `best` or `latest`; None when there is none yet."""
        try:
            target = (self.checkpoints / name).read_text().strip()
        except FileNotFoundError:
            return None
        return self.checkpoints / target if target else None

    def latest(self) -> Checkpoint | None:
        """Read the newest checkpoint, None before the first.

        Where `latest` is lost, that is the file of the highest step.

        Raises:
            UserError: It is damaged.
        """
        path = self.pointer("latest") or max(self._files(), key=_step, default=None)
        try:
            return None if path is None else read_checkpoint(path)
        except UserError as error:
            pointer = self.checkpoints / "latest"
            raise UserError(
                f"{error}; to resume from an older checkpoint, write its name into {pointer}"
            ) from error


def _step(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("step-"))


def open_run(path: Path) -> RunFolder:
    """Find the run to resume.

    Raises:
        UserError: It is no run folder.
    """
    run = RunFolder(path)
    if not run.config.is_file():
        raise UserError(f"{path}: no run folder (it has no config.yaml){_hint(path)}")
    return run


def _hint(path: Path) -> str:
    """Say which run may be meant: the one that the path lies in, one of a like name, the others."""
    for parent in path.parents:
        if (parent / "config.yaml").is_file():
            return f"; did you mean {parent}?"
    known = {config.parent.name: config.parent for config in sorted(RUNS.glob("*/config.yaml"))}
    if path.name in known and path != known[path.name]:
        return f"; did you mean {known[path.name]}?"
    if meant := did_you_mean(path.name, set(known) - {path.name}):
        return f"; {meant.replace('mean ', f'mean {RUNS}{os.sep}')}"
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"; runs here: {', '.join([*known][:10])}{more}" if known else ""


def find_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint file, or of a run folder its best, else its latest checkpoint.

    Raises:
        UserError: There is none, or it is damaged.
    """
    if not path.is_dir():
        if not path.exists():
            raise UserError(f"{path}: no such run folder or checkpoint file{_hint(path)}")
        return read_checkpoint(path)
    run = RunFolder(path)
    chosen = run.pointer("best") or run.pointer("latest")
    if chosen is None:
        raise UserError(f"{path}: the folder holds no checkpoint yet{_hint(path)}")
    return read_checkpoint(chosen)
