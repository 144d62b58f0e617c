"""Work that is recorded once as a CUDA graph, and then replayed by one call."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, NoReturn

import cupy

Work = Callable[[], None]


class _Recording(NamedTuple):
    graph: Any
    work: Work  # kept, and with it the arrays that the graph writes to


class Recorder:
    """Records the work of each key at its second time, and replays it from then on.

    The first time compiles and allocates. After that it must do the same things to arrays in the
    same places, whatever numbers they hold, and allocate nothing: nobody would keep that memory.

    Attributes:
        refused: why some work could not be recorded, after which nothing more is.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._warm: set[Hashable] = set()
        self._recordings: dict[Hashable, _Recording] = {}
        self.refused: str | None = None

    def repeat(self, key: Hashable, work: Work) -> None:
        """Do the work, or replay what it did when the key was the same."""
        if key not in self._recordings and key in self._warm and self.refused is None:
            self._record(key, work)
        if key in self._recordings:
            self._recordings[key].graph.launch(self._stream)
        else:
            work()
            self._warm.add(key)

    def _record(self, key: Hashable, work: Work) -> None:
        """Capture what the work asks of the device, which does none of it yet."""
        try:
            self._recordings[key] = _Recording(self._capture(work), work)
        except Exception as error:
            first_line = str(error).strip().partition("\n")[0]
            self.refused = f"{type(error).__name__}: {first_line}"

    def _capture(self, work: Work) -> Any:
        with _no_collection():
            self._stream.begin_capture()
            try:
                with cupy.cuda.using_allocator(_refuse_memory):
                    work()
            except BaseException:
                with suppress(cupy.cuda.runtime.CUDARuntimeError):  # which says it is incomplete
                    self._stream.end_capture()
                raise
            return self._stream.end_capture()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off Python's collection of garbage: what it frees of CUDA would spoil a capture."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _refuse_memory(size: int) -> NoReturn:
    raise RuntimeError(f"the work to be recorded allocates memory ({size} bytes)")
