"""The schema of a configuration: every key, its type, its default and what it means.

This is the one place of defaults. The line below a key is its description: it is exported with the
JSON Schema, so editors show it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from trainer.config.encodings import encoding_name
from trainer.config.names import LONGEST, expand_home
from trainer.yaml_text import Key, dump

_STRICT = ConfigDict(
    strict=True,  # "128" is not a number and true is not 1
    extra="forbid",
    validate_default=True,
    frozen=True,
    allow_inf_nan=False,
    use_attribute_docstrings=True,
)

Count = Annotated[int, Field(ge=1)]
WholeNumber = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Text = Annotated[str, Field(min_length=1)]
FolderName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$",
        max_length=LONGEST,
        json_schema_extra={  # editors and our own messages say this instead of the pattern
            "patternErrorMessage": f"up to {LONGEST} letters, digits, '.', '_' and '-', "
            "not starting with '.' or '-'"
        },
    ),
]
PathText = Annotated[Text, AfterValidator(expand_home)]


def _conflict(message: str, field: str = "") -> PydanticCustomError:
    """Return the error for values that are valid alone but not together.

    A check of a whole section names in `field` the key whose line the message is to point to.
    """
    return PydanticCustomError("conflict", "{message}", {"field": field, "message": message})


def _check_split(split: tuple[float, float, float]) -> tuple[float, float, float]:
    total = math.fsum(split)
    if abs(total - 1) > 1e-6 or split[0] == 0:
        raise _conflict(
            f"found {list(split)} with sum {total:.9g}, "
            "expected three fractions with sum 1, the first greater than 0"
        )
    return split


# A list becomes a tuple here (so not strict), its items stay strict.
Split = Annotated[tuple[Share, Share, Share], Field(strict=False), AfterValidator(_check_split)]
Betas = Annotated[tuple[Fraction, Fraction], Field(strict=False)]
Files = PathText | Annotated[tuple[PathText, ...], Field(strict=False, min_length=1)]
Patterns = Text | Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
Encoding = Annotated[Text, AfterValidator(encoding_name)]


_DEVICE = r"^(auto|cpu|gpu|gpu:[0-9]+)$"
_DEVICES = "'auto', 'cpu', 'gpu' or, by its number from 0, 'gpu:1'"


def _check_device(device: object) -> object:
    if type(device) not in (str, int) or re.fullmatch(_DEVICE, str(device)):
        return device
    # As other programs call it: cuda, cuda:0, GPU, gpu1, 0.
    number = re.search(r"(?<![-0-9])[0-9]+$", str(device))
    gpu = re.search("gpu|cuda", str(device), re.IGNORECASE)
    nearest = f"gpu:{number[0]}" if number else "gpu" if gpu else str(device).lower()
    hint = f"; did you mean {nearest}?" if re.fullmatch(_DEVICE, nearest) else ""
    raise _conflict(f"found {device!r}, expected {_DEVICES}{hint}")


DeviceName = Annotated[
    str,
    Field(json_schema_extra={"pattern": _DEVICE, "patternErrorMessage": _DEVICES}),
    BeforeValidator(_check_device),
]


def _depending(default: Callable[[dict[str, Any]], Any]) -> Any:
    """Return a default that depends on the keys above; editors are shown that of an empty file."""
    return Field(default_factory=default, json_schema_extra={"default": default({})})


def _default_split(given: dict[str, Any]) -> list[float] | None:
    separate = given.get("validation") is not None or given.get("test") is not None
    return None if separate else [0.9, 0.05, 0.05]


def _default_learning_rate(given: dict[str, Any]) -> float:
    return {"rmsprop": 0.01, "adam": 0.001}.get(given.get("name", "sgd"), 1.0)


def _default_momentum(given: dict[str, Any]) -> float:
    return 0.9 if given.get("name", "sgd") == "sgd" else 0.0


class Section(BaseModel):
    """A group of keys that belong together."""

    model_config = _STRICT

    exactly_one: ClassVar[tuple[str, ...]] = ()
    """Keys of which exactly one is needed; one on the command line replaces another in the file."""

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Self:
        given = [key for key in self.exactly_one if getattr(self, key) is not None]
        if self.exactly_one and len(given) != 1:
            found = " and ".join(given) or "none"
            last = given[-1] if given else ""
            choice = ", ".join(self.exactly_one)
            raise _conflict(f"found {found}, expected exactly one of {choice}", last)
        return self


class CorpusConfig(Section):
    """The text to learn: files of your own or a named text, exactly one of the two."""

    exactly_one: ClassVar[tuple[str, ...]] = ("path", "name")

    path: Files | None = None
    """A UTF-8 text file, a list of them, or a folder; "-" is standard input."""
    name: Text | None = None
    """A text of the catalogue; `python -m trainer corpora` lists them."""
    glob: Patterns = "**/*.txt"
    """Which files of a folder are read, in the order of their names: a pattern, or a list."""
    exclude: Patterns | None = None
    """Which of them are left out all the same: a pattern, or a list."""
    encoding: Encoding = "utf-8"
    """Encoding of the files, such as cp1252 or utf-16: any that Python knows."""
    validation: Files | None = None
    """Files or a folder to validate with; all of `path` or `name` is then for training."""
    test: Files | None = None
    """Files or a folder to test with; all of `path` or `name` is then for training."""
    split: Split | None = _depending(_default_split)
    """Shares of the text for training, validation and test; their sum is 1. Null with own files."""
    unit: Literal["character", "byte"] = "character"
    """What the model reads and writes at a time: a Unicode character, or a byte of its UTF-8."""
    document: Literal["whole", "file", "line"] = "whole"
    """What is a text of its own, before which the state is reset: all of it, each file or line."""
    unknown: Literal["refuse", "symbol", "skip"] = "refuse"
    """Characters met later that the text lacks: refused, read as a reserved symbol, or skipped."""
    cache: PathText = "data/cache"
    """Folder for encoded and fetched texts."""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        separate = self.validation is not None or self.test is not None
        if separate and self.split is not None:
            other = "validation" if self.validation is not None else "test"
            raise _conflict(f"found {list(self.split)} beside {other}, expected null", "split")
        if not separate and self.split is None:
            raise _conflict("found nothing, expected fractions, or files in validation", "split")
        return self


class ModelConfig(Section):
    """Size and shape of the network."""

    hidden_size: Count = 128
    """Units of each LSTM layer."""
    num_layers: Count = 2
    """LSTM layers, one above the other."""
    embedding_size: Count | None = None
    """Size of the dense embedding of a character; null feeds characters in one-hot."""
    bias: bool = True
    """Whether the gates have a bias."""
    forget_bias: float = 1.0
    """Value at which the bias of the forget gate starts."""
    dropout: Fraction = 0.0
    """Probability to drop a unit, between layers and before the output."""


class TrainingConfig(Section):
    """Batches and length of the training: exactly one of epochs, steps and minutes."""

    exactly_one: ClassVar[tuple[str, ...]] = ("epochs", "steps", "minutes")

    batch_size: Count = 50
    """Streams of text read side by side."""
    sequence_length: Count = 50
    """Characters of each stream in one step, and the reach of backpropagation through time."""
    epochs: Count | None = None
    """Length in passes over the training text."""
    steps: Count | None = None
    """Length in updates of the parameters."""
    minutes: Positive | None = None
    """Length in minutes of training time."""
    seed: Seed = 1
    """Seed of the initial parameters and of dropout."""
    init_from: PathText | None = None
    """Run folder or checkpoint whose parameters the run begins with; null draws them."""


# The methods that use a key which not all of them use.
_USED_BY = {
    "momentum": ("sgd", "rmsprop"),
    "nesterov": ("sgd",),
    "alpha": ("rmsprop",),
    "betas": ("adam",),
    "eps": ("rmsprop", "adam"),
}


class OptimizerConfig(Section):
    """How a gradient becomes an update. The methods are those of torch.optim."""

    name: Literal["sgd", "rmsprop", "adam"] = "sgd"
    """The method: gradient descent, RMSProp or Adam."""
    learning_rate: Positive = _depending(_default_learning_rate)
    """Learning rate at its highest. Default: 1 for sgd, 0.01 for rmsprop, 0.001 for adam."""
    momentum: Fraction = _depending(_default_momentum)
    """Share of the last update's direction that is kept. Default: 0.9 for sgd, 0 for the others."""
    nesterov: bool = False
    """sgd: whether momentum looks one step ahead (Nesterov)."""
    alpha: Fraction = 0.99
    """rmsprop: share of the mean squared gradient that is kept."""
    betas: Betas = (0.9, 0.999)
    """adam: shares of the mean gradient and of the mean squared gradient that are kept."""
    eps: Positive = 1e-8
    """rmsprop, adam: added to the root of the mean squared gradient."""
    weight_decay: NonNegative = 0.0
    """Pull of the matrices towards zero, as part of the gradient; biases are left alone."""
    clip_norm: Positive | None = 1.0
    """Largest norm of the whole gradient; null does not limit it."""
    clip_value: Positive | None = None
    """Largest size of each element of the gradient; null does not limit it."""

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        for key, methods in _USED_BY.items():
            unused = 0.0 if key == "momentum" else type(self).model_fields[key].default
            if self.name not in methods and getattr(self, key) != unused:
                raise _conflict(f"{self.name} does not use it, only {' and '.join(methods)}", key)
        if self.nesterov and self.momentum == 0:
            raise _conflict("found true with momentum 0, expected momentum above 0", "nesterov")
        return self


class ScheduleConfig(Section):
    """How the learning rate changes during the training."""

    name: Literal["constant", "linear", "cosine", "exponential", "step", "plateau"] = "constant"
    """The course of the learning rate after the warm-up."""
    warmup: Fraction = 0.0
    """Share of the training over which the rate rises from 0."""
    end_factor: Share = 0.0
    """Linear and cosine: the rate at the end as a share of the learning rate; plateau: at least."""
    gamma: PositiveShare = 0.97
    """Factor on the rate. Exponential: for each epoch after the first ones; step: at each fall."""
    after: WholeNumber = 10
    """Exponential: epochs before the rate begins to fall."""
    step_size: Count = 5
    """Step: epochs from one fall of the rate to the next."""
    factor: PositiveShare = 0.1
    """Plateau: factor on the rate when the validation loss has stalled; at least end_factor."""
    patience: WholeNumber = 10
    """Plateau: evaluations without a lower loss that are let pass; at the next the rate falls."""
    threshold: Fraction = 1e-4
    """Plateau: share by which a loss has to be lower than the best to count."""


class EvaluationConfig(Section):
    """Measuring on the validation text during the training."""

    every: Count = 1000
    """Steps from one evaluation to the next."""
    streams: Count = 50
    """Pieces of the validation text read side by side."""
    characters: Count | None = None
    """Most characters to score; null scores the whole validation text."""
    test_characters: Count | None = 500_000
    """Most characters of the test text to score at the end; null scores all of it."""
    patience: Count | None = None
    """Evaluations without improvement after which the training stops; null never stops it."""


class GenerationConfig(Section):
    """Writing text: the samples during the training and the defaults of `generate`."""

    prompt: str | None = None
    """Text to continue; null lets the model begin by itself."""
    length: Count = 500
    """Characters to write."""
    temperature: NonNegative = 1.0
    """Below 1 is more careful, above 1 more daring; 0 always takes the likeliest character."""
    top_k: Count | None = None
    """Choose among this many likeliest characters only; null chooses among all."""
    top_p: PositiveShare | None = None
    """Choose among the likeliest characters that make up this probability; null is all."""
    until: Text | None = None
    """Text after which to stop; null goes on to the length."""
    seed: WholeNumber = 1
    """Seed of the choices."""


class MonitorConfig(Section):
    """What TensorBoard and metrics.jsonl are given, and how often."""

    log_every: Count = 20
    """Steps between two rows of loss, learning rate, gradient norm and speed."""
    gates_every: Count = 200
    """Steps between two statistics of the gates."""
    sample_every: Count = 1000
    """Steps between two samples of text."""


class CheckpointConfig(Section):
    """When checkpoints are saved and which are kept, besides the best."""

    every: Count = 1000
    """Steps from one checkpoint to the next."""
    keep_last: Count = 3
    """The newest checkpoints to keep."""
    keep_every: Count | None = None
    """Checkpoints at multiples of this step are never removed; a multiple of `every`."""

    @model_validator(mode="after")
    def _check_keep_every(self) -> Self:
        if self.keep_every is not None and self.keep_every % self.every:
            expected = f"a multiple of checkpoint.every ({self.every})"
            raise _conflict(f"found {self.keep_every}, expected {expected}", "keep_every")
        return self


class BackendConfig(Section):
    """Where and how precisely to compute."""

    device: DeviceName = "auto"
    """What computes; `gpu` is the first GPU, and `auto` too if it works, else the CPU."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of parameters and computation."""
    allow_tf32: bool = False
    """Faster float32 products on GPUs from Ampere on: factors rounded to 10 bits of mantissa."""
    cuda_graph: bool = False
    """Have a GPU record each step as a CUDA graph, once, and replay it."""
    threads: Count | None = None
    """Threads to compute with on the CPU; null chooses by the size of the model."""


class Config(BaseModel):
    """Everything that defines a run."""

    model_config = ConfigDict(**_STRICT, title="Configuration of a training run")

    name: FolderName
    """Name of the run's folder; by default the configuration file's own name."""
    runs: PathText = "runs"
    """Folder in which the run's folder is made."""
    corpus: CorpusConfig
    model: ModelConfig = ModelConfig()
    training: TrainingConfig
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    generation: GenerationConfig = GenerationConfig()
    monitor: MonitorConfig = MonitorConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    backend: BackendConfig = BackendConfig()

    def to_yaml(self) -> str:
        """Return the configuration as YAML with every key; reading it gives an equal one."""
        return dump(self.model_dump(mode="json"))


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}

KEYS: tuple[Key, ...] = (
    *((name,) for name in Config.model_fields),
    *((name, key) for name, section in SECTIONS.items() for key in section.model_fields),
)


class _WithoutTitles(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: object) -> bool:
        return False  # "Hidden Size" says no more than hidden_size


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a configuration file, for editors to complete and check it."""
    schema = Config.model_json_schema(schema_generator=_WithoutTitles)
    base = {
        "description": "YAML file whose keys hold where this file does not give its own.",
        "minLength": 1,
        "type": "string",
    }
    schema["properties"] = {"base": base, **schema["properties"]}
    del schema["required"]  # the file's name and the command line may give what the file leaves out
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
