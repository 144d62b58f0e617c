from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainer.errors import UserError
from trainer.text.batches import Batches
from trainer.text.corpus import Span


def numbers(length: int) -> Span:
    return Span(np.arange(length, dtype=np.uint16))


def test_windows_by_hand() -> None:
    batches = Batches(numbers(16), batch_size=2, sequence_length=3)  # S = 6, of 7 possible
    assert batches.windows_per_epoch == 2
    assert batches.characters_per_epoch == 12
    assert batches.unused == 3
    x, y, _ = batches.window(0)
    assert x.tolist() == [[0, 6], [1, 7], [2, 8]]
    assert y.tolist() == [[1, 7], [2, 8], [3, 9]]
    x, y, _ = batches.window(1)
    assert x.tolist() == [[3, 9], [4, 10], [5, 11]]
    assert y.tolist() == [[4, 10], [5, 11], [6, 12]]


@pytest.mark.parametrize("length", [21, 40, 41, 42, 137])
def test_every_character_but_the_rest_is_predicted_once(length: int) -> None:
    batches = Batches(numbers(length), batch_size=4, sequence_length=5)
    targets = [batches.window(index)[1] for index in range(batches.windows_per_epoch)]
    predicted = np.sort(np.concatenate(targets).ravel())
    assert predicted.tolist() == list(range(1, length - batches.unused))
    assert predicted.size == batches.characters_per_epoch
    assert 0 <= batches.unused < 4 * 5


def test_streams_go_on_from_window_to_window() -> None:
    batches = Batches(numbers(200), batch_size=3, sequence_length=7)
    streams = np.concatenate([batches.window(i)[0] for i in range(batches.windows_per_epoch)])
    assert np.array_equal(np.diff(streams, axis=0), np.ones((len(streams) - 1, 3)))


def test_windows_are_int32_and_contiguous_whatever_the_text(tmp_path: Path) -> None:
    np.save(tmp_path / "ids.npy", np.arange(300).astype(np.uint8))
    ids = np.load(tmp_path / "ids.npy", mmap_mode="r")[100:200]
    x, y, _ = Batches(Span(ids), batch_size=4, sequence_length=5).window(2)
    for array in (x, y):
        assert type(array) is np.ndarray
        assert array.dtype == np.int32
        assert array.shape == (5, 4)
        assert array.flags.c_contiguous
    assert x[0].tolist() == [110, 130, 150, 170]


def test_the_shortest_text_that_fits() -> None:
    batches = Batches(numbers(13), batch_size=4, sequence_length=3)
    assert (batches.windows_per_epoch, batches.unused) == (1, 0)


def test_windows_that_do_not_exist() -> None:
    batches = Batches(numbers(20), batch_size=2, sequence_length=3)
    for index in (-1, batches.windows_per_epoch):
        with pytest.raises(IndexError):
            batches.window(index)


def test_a_text_that_is_too_short_is_refused_with_what_would_fit() -> None:
    with pytest.raises(UserError) as caught:
        Batches(Span(np.zeros(1200, np.uint8)), batch_size=50, sequence_length=50)
    assert str(caught.value) == (
        "the training part has 1,200 characters; batch_size 50 x sequence_length 50 needs 2,501: "
        "lower training.batch_size to 23 or training.sequence_length to 23, or use a longer text"
    )


@pytest.mark.parametrize(("length", "batch_size", "sequence_length"), [(6, 3, 2), (30, 7, 11)])
def test_what_is_said_to_fit_fits_and_no_more(
    length: int, batch_size: int, sequence_length: int
) -> None:
    with pytest.raises(UserError) as caught:
        Batches(numbers(length), batch_size, sequence_length)
    message = str(caught.value)
    fitting_size, fitting_length = (length - 1) // sequence_length, (length - 1) // batch_size
    assert f"training.batch_size to {fitting_size} " in message
    assert f"training.sequence_length to {fitting_length}," in message
    Batches(numbers(length), fitting_size, sequence_length)
    Batches(numbers(length), batch_size, fitting_length)
    with pytest.raises(UserError):
        Batches(numbers(length), fitting_size + 1, sequence_length)


def test_where_neither_alone_is_enough_both_are_lowered() -> None:
    with pytest.raises(UserError, match=r"batch_size to 1 and training.sequence_length to 2, or"):
        Batches(numbers(3), 4, 3)
    assert Batches(numbers(3), 1, 2).windows_per_epoch == 1


@pytest.mark.parametrize("length", [0, 1])
def test_nothing_is_proposed_where_nothing_fits(length: int) -> None:
    with pytest.raises(UserError, match=r"needs 13: use a longer text$"):
        Batches(numbers(length), batch_size=4, sequence_length=3)
