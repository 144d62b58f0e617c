"""Train a model: python train.py CONFIG [section.key=value ...]."""

import sys

from trainer.__main__ import main

if __name__ == "__main__":
    sys.exit(main(train=True))
