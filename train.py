"""Train a model: python train.py CONFIG [section.key=value ...]."""

import sys

from trainer.__main__ import guarded

if __name__ == "__main__":
    sys.exit(guarded("train_main"))
