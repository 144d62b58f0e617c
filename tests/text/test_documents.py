from __future__ import annotations

import numpy as np

from trainer.text.batches import Batches
from trainer.text.corpus import Span
from trainer.text.documents import after_each_file, after_each_line, find_resets

END = 0


def test_the_line_end_is_read_from_nothing() -> None:
    symbols = np.array([[3, END], [END, 4], [5, 6]])
    resets = after_each_line(END)(symbols, np.arange(6).reshape(3, 2))
    assert resets.tolist() == [[False, True], [True, False], [False, False]]


def test_the_last_symbol_of_a_file_is_read_from_nothing() -> None:
    places = np.arange(12).reshape(4, 3)
    resets = after_each_file(np.array([3, 4, 10]))(places, places)
    assert np.flatnonzero(resets).tolist() == [2, 3, 9]
    assert not after_each_file(np.array([], dtype=np.int64))(places, places).any()


def test_without_borders_nothing_is_reset() -> None:
    places = np.arange(3)
    assert find_resets(None, places, places) is None
    assert find_resets(after_each_line(7), places, places) is None
    resets = find_resets(after_each_line(2), places, places)
    assert resets is not None
    assert resets.tolist() == [False, False, True]


def test_windows_know_where_the_state_is_reset() -> None:
    ids = np.arange(1, 42, dtype=np.uint8)
    ids[[7, 21, 22, 40]] = END
    by_line = Batches(Span(ids, after_each_line(END)), batch_size=4, sequence_length=5)
    by_file = Batches(
        Span(ids, after_each_file(np.array([8, 22, 23, 41]))), batch_size=4, sequence_length=5
    )
    seen = 0
    for index in range(by_line.windows_per_epoch):
        x, _, resets = by_line.window(index)
        other = by_file.window(index).resets
        if resets is None:
            assert END not in x
            assert other is None
        else:
            assert np.array_equal(resets, x == END)
            assert np.array_equal(resets, other)
            seen += int(resets.sum())
    assert seen == 3  # the last one is a target only
