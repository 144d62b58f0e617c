"""From a text file to windows of numbers: vocabulary, corpus, batches, and texts known by name."""

from trainer.text.batches import Batches
from trainer.text.catalogue import Entry, entry, fetch, names
from trainer.text.corpus import Corpus, Split, load_corpus
from trainer.text.reading import read_text
from trainer.text.vocabulary import Vocabulary

__all__ = [
    "Batches",
    "Corpus",
    "Entry",
    "Split",
    "Vocabulary",
    "entry",
    "fetch",
    "load_corpus",
    "names",
    "read_text",
]
