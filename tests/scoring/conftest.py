from __future__ import annotations

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import CharacterLSTM
from trainer.scoring import Text
from trainer.text import Span, Vocabulary

WRITTEN = 'né\n"\t日🙂\r\n\n--\u2028é🙂🙂\n🙂日'


@pytest.fixture(params=["character", "byte"])
def text(request):
    """A text in both units."""
    symbols = WRITTEN if request.param == "character" else map(chr, WRITTEN.encode())
    vocabulary = Vocabulary("".join(set(symbols)), unit=request.param)
    return Text(Span(vocabulary.encode(WRITTEN)), vocabulary)


@pytest.fixture
def model(text):
    """A model with random parameters that knows the text's symbols, in float64."""
    model = CharacterLSTM(create_backend(), len(text.vocabulary), 5, 2, dtype="float64")
    model.initialise(np.random.default_rng(1))
    model.parameters.values[...] *= 3
    return model
