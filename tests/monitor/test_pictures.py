import numpy as np
import pytest
from PIL import Image

from trainer.monitor.pictures import write_rate_picture

CURVE, MARK = (31, 111, 180), (200, 64, 30)


def draw(path, rates, losses, mark):
    write_rate_picture(path / "curve.png", "title", rates, losses, mark)
    with Image.open(path / "curve.png") as picture:
        return picture.convert("RGB")


def places(picture, colour):
    """Return the rows and columns of the pixels of about a colour."""
    return np.nonzero((abs(np.asarray(picture, np.int16) - colour) < 40).all(axis=2))


def test_curve_and_mark_are_where_they_belong(tmp_path):
    rates = [10.0**k for k in range(-4, 3)]
    picture = draw(tmp_path, rates, [4.0, 4.0, 3.5, 3.0, 2.5, 2.0, 4.0], 1.0)
    assert picture.size == (800, 500)
    rows, columns = places(picture, CURVE)
    assert (columns.min(), columns.max()) == pytest.approx((70, 770), abs=3)  # the frame
    lowest = columns[rows.argmax()]
    assert lowest == pytest.approx(70 + 700 * 5 / 6, abs=3)  # the sixth of seven points
    rows, columns = places(picture, MARK)
    columns = columns[rows > 90]  # below the words
    assert set(columns) <= set(range(535, 539))  # 1 is four sixths of the way from 1e-4 to 1e2
    assert rows.max() > 420


def test_without_a_mark_nothing_is_marked(tmp_path):
    rows, _ = places(draw(tmp_path, [1.0, 10.0], [3.0, 2.0], None), MARK)
    assert rows.size == 0


@pytest.mark.parametrize(
    ("rates", "losses", "mark"),
    [
        ([1.0], [3.0], None),
        ([1.0, 1.1, 1.2], [3.0, 3.0, 3.0], None),
        ([1e-300, 1e300], [3.0, 2.0], 1e299),
        ([1.0, 2.0], [1e-9, 2e-9], 0.01),
        ([1.0, 2.0], [1.0, 1e30], 0.1),
    ],
)
def test_unusual_curves(tmp_path, rates, losses, mark):
    assert draw(tmp_path, rates, losses, mark).size == (800, 500)
