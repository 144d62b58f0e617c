"""The mathematics, usable on its own: layers with hand-written backward passes."""

from trainer.nn.embedding import Embedding
from trainer.nn.gradient_check import GradientError, check_gradients
from trainer.nn.linear import Linear
from trainer.nn.loss import SoftmaxCrossEntropy
from trainer.nn.lstm import LSTMLayer, LSTMState
from trainer.nn.model import CharacterLSTM
from trainer.nn.parameters import Parameter, Parameters
from trainer.nn.stack import LSTM

__all__ = [
    "LSTM",
    "CharacterLSTM",
    "Embedding",
    "GradientError",
    "LSTMLayer",
    "LSTMState",
    "Linear",
    "Parameter",
    "Parameters",
    "SoftmaxCrossEntropy",
    "check_gradients",
]
