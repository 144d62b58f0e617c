from __future__ import annotations

import hashlib
import json
import random

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import trainer.runs.checkpoint
from trainer.backend import create_backend
from trainer.config import config_from_mapping
from trainer.errors import UserError
from trainer.nn import CharacterLSTM
from trainer.optim import SGD
from trainer.runs.checkpoint import (
    pack,
    read_checkpoint,
    read_content,
    unpack,
    unpack_parameters,
    write_content,
)
from trainer.runs.counters import LATER, Counters

V, H, L, B = 5, 3, 2, 2
FLOATS = {"seconds", "first_loss", "last_loss", "best_loss", "loss_sum", "norm_sum"}
FLOATS |= {"summed_seconds", "rate_scale", "plateau_best"}
TEXTS = {"vocabulary", "text_sha256", "files_sha256"}
CONFIG = {
    "name": "test",
    "corpus": {"path": "none"},
    "model": {"hidden_size": H, "num_layers": L},
    "training": {"batch_size": B, "sequence_length": 4, "steps": 9},
}
FACTS = {
    **Counters(step=7, last_loss=0.1).to_facts(),
    "config": config_from_mapping(CONFIG, "").model_dump(mode="json"),
    "vocabulary": "abcde",
    "backend": {"strategy": "reference", "threads": 1, "parts": 1},
    "text_sha256": "0" * 64,
    "files_sha256": "1" * 64,
}


def make(backend, seed=1, *, hidden_size=H, momentum=0.9, **options):
    """Return a model, an optimizer and a state, full of random numbers."""
    generator = np.random.default_rng(seed)
    model = CharacterLSTM(backend, V, hidden_size, L, **options)
    model.initialise(generator)
    optimizer = SGD(model.parameters, momentum=momentum)
    state = model.zero_state(B)
    for array in (*optimizer.slots.values(), *state):
        array[...] = backend.asarray(generator.standard_normal(array.shape), array.dtype)
    return model, optimizer, state


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "step-00000007.safetensors"
    write_content(path, pack(*make(create_backend())), FACTS)
    return path


@pytest.fixture
def path_of_device(tmp_path, backend):
    path = tmp_path / "of-device.safetensors"
    write_content(path, pack(*make(backend)), FACTS)
    return path


def refusal(path):
    """Return the one line with which a file is refused."""
    with pytest.raises(UserError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


class TestContent:
    def test_any_reader_of_safetensors_finds_the_parameters(self, path_of_device, backend, host):
        arrays = load_file(path_of_device)
        parameters = {
            "lstm.0.W": (V, 4 * H),
            "lstm.0.U": (H, 4 * H),
            "lstm.0.b": (4 * H,),
            "lstm.1.W": (H, 4 * H),
            "lstm.1.U": (H, 4 * H),
            "lstm.1.b": (4 * H,),
            "output.W": (H, V),
            "output.b": (V,),
        }
        expected = {f"parameters.{name}": shape for name, shape in parameters.items()}
        expected |= {f"optimizer.momentum.{name}": shape for name, shape in parameters.items()}
        expected |= {"state.h": (L, B, H), "state.c": (L, B, H)}
        assert {name: array.shape for name, array in arrays.items()} == expected
        assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}
        model, _, state = make(backend)
        value = host(model.parameters["lstm.1.U"].value)
        assert np.array_equal(arrays["parameters.lstm.1.U"], value)
        assert np.array_equal(arrays["state.c"], host(state.c))

    def test_embedding_no_bias_no_momentum(self, backend):
        arrays = pack(*make(backend, embedding_size=4, bias=False, momentum=0.0))
        assert arrays.keys() == {
            "parameters.embedding.W",
            *(f"parameters.lstm.{k}.{name}" for k in range(L) for name in "WU"),
            "parameters.output.W",
            "parameters.output.b",
            "state.h",
            "state.c",
        }
        assert arrays["parameters.embedding.W"].shape == (V, 4)
        assert arrays["parameters.lstm.0.W"].shape == (4, 4 * H)

    def test_one_metadata_key_with_sorted_json(self, path):
        with safe_open(path, "numpy") as file:
            (text,) = file.metadata().values()
        facts = json.loads(text)
        assert text == json.dumps(facts, sort_keys=True)
        assert facts.items() > FACTS.items()
        assert facts["format_version"] == 1

    def test_the_digest_is_that_of_the_file_with_its_own_characters_zeroed(self, path):
        with safe_open(path, "numpy") as file:
            (text,) = file.metadata().values()
        digest = json.loads(text)["digest"]
        content = path.read_bytes()
        assert content.count(digest.encode()) == 1
        zeroed = content.replace(digest.encode(), b"0" * 64)
        assert hashlib.sha256(zeroed).hexdigest() == digest

    def test_everything_comes_back_bit_for_bit(self, path_of_device, backend):
        checkpoint = read_checkpoint(path_of_device)
        assert checkpoint.facts() == FACTS
        expected = pack(*make(backend, 1))
        model, optimizer, _ = make(backend, 2)
        found = pack(model, optimizer, unpack(checkpoint, model, optimizer))
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            assert np.array_equal(found[name], array), name

    @pytest.mark.parametrize(
        "prompt", ["0" * 64, '"digest": "' + "0" * 64 + '"', '\\"digest\\": \\"', "ä\n\0🙂"]
    )
    def test_no_text_of_the_user_is_taken_for_the_digest(self, path, prompt):
        facts = {**FACTS, "config": {"generation": {"prompt": prompt}}}
        write_content(path, {}, facts)
        assert read_content(path)[1] == facts

    def test_counters_come_back_bit_for_bit(self, path):
        counters = Counters(3, seconds=0.1 + 0.2, best_loss=1 / 3, best_step=2, loss_sum=1e-300)
        write_content(path, {}, {**FACTS, **counters.to_facts()})
        assert read_checkpoint(path).counters == counters

    def test_a_run_keeps_all_that_it_needs(self, trained):
        facts = read_content(trained.checkpoint("tiny"))[1]
        assert facts["step"] == 40
        assert facts["vocabulary"] == "".join(sorted(set(trained.text.read_text())))
        assert facts["text_sha256"] == hashlib.sha256(trained.text.read_bytes()).hexdigest()
        plan = {"strategy": "reference", "threads": 1, "parts": 1}
        assert facts["backend"] == plan
        assert facts["config"]["optimizer"]["momentum"] == 0.9
        assert facts["config"]["schedule"]["gamma"] == 0.97  # defaults too
        assert {
            "seconds",
            "first_loss",
            "best_loss",
            "best_step",
            "evaluations_without_improvement",
            "loss_sum",
            "norm_sum",
            "summed_steps",
        } <= facts.keys()


class TestDamage:
    def test_any_bit_changed(self, path):
        content = path.read_bytes()
        bits = random.Random(1)
        for position in [*range(300), *range(300, len(content), 3)]:
            changed = bytearray(content)
            changed[position] ^= 1 << bits.randrange(8)
            path.write_bytes(changed)
            refusal(path)
        path.write_bytes(content)
        read_checkpoint(path)

    def test_cut_short_anywhere(self, path):
        content = path.read_bytes()
        for length in [*range(20), *range(20, len(content), 41), len(content) - 1]:
            path.write_bytes(content[:length])
            assert "cut short" in refusal(path)

    def test_something_behind_it(self, path):
        path.write_bytes(path.read_bytes() + b"\0")
        assert "damaged" in refusal(path)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\0" * 100,
            b"\xff" * 100,
            b"hello",
            random.Random(2).randbytes(10_000),
            (2).to_bytes(8, "little") + b"{}",
            (2).to_bytes(8, "little") + b"[]",
            (100_000).to_bytes(8, "little") + b"[" * 100_000,
            (2**63).to_bytes(8, "little") + b"{}",
            b'\x2d\0\0\0\0\0\0\0{"__metadata__":{"trainer":"{\\"digest\\":7}"}}',
            b'\x20\0\0\0\0\0\0\0{"__metadata__":{"trainer":[1]}}',
        ],
        ids=range(11),
    )
    def test_other_files(self, path, content):
        path.write_bytes(content)
        assert "no checkpoint of this program" in refusal(path)

    @pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"trainer": "1.0"}])
    def test_safetensors_of_other_programs(self, path, metadata):
        save_file({"weight": np.zeros((2, 3))}, path, metadata)
        assert "no checkpoint of this program" in refusal(path)

    def test_a_newer_format(self, path, monkeypatch):
        monkeypatch.setattr(trainer.runs.checkpoint, "FORMAT_VERSION", 2)
        assert "a format that this version does not know" in refusal(path)

    def test_missing_and_a_folder(self, path, tmp_path):
        assert "No such file" in refusal(tmp_path / "none.safetensors")
        assert "Is a directory" in refusal(tmp_path)


class TestOtherFacts:
    """The digest is right, and what it covers is not what a checkpoint of this program holds."""

    @pytest.mark.parametrize("key", sorted(FACTS.keys() - LATER))
    def test_a_missing_key(self, path, key):
        write_content(path, {}, {k: v for k, v in FACTS.items() if k != key})
        assert key in refusal(path)

    @pytest.mark.parametrize("value", [[], {}, "x", -1.5, True, [[1]], {"a": None}])
    @pytest.mark.parametrize("key", FACTS)
    def test_a_value_of_another_kind(self, path, key, value):
        write_content(path, {}, {**FACTS, key: value})
        if (value == "x" and key in ("vocabulary", "text_sha256", "files_sha256")) or (
            value == -1.5 and key in FLOATS
        ):
            read_checkpoint(path)
        else:
            refusal(path)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("vocabulary", ""),
            ("vocabulary", "aab"),
            ("step", -1),
            ("backend", {"strategy": "reference", "threads": 0, "parts": 1}),
            ("backend", {"strategy": "reference", "threads": 1}),
            ("config", {**FACTS["config"], "model": {"hidden_size": 0}}),
            ("config", {**FACTS["config"], "unheard_of": 1}),
        ],
    )
    def test_values_that_cannot_be(self, path, key, value):
        write_content(path, {}, {**FACTS, key: value})
        refusal(path)

    def test_counters_that_older_versions_lack_begin_anew(self, path):
        older = {key: value for key, value in FACTS.items() if key not in LATER}
        write_content(path, {}, older)
        assert read_checkpoint(path).counters == Counters(step=7, last_loss=0.1)

    def test_keys_of_older_versions_are_passed_over(self, path):
        write_content(path, {}, {**FACTS, "position": {"epoch": 0, "window": 7}, "random": {}})
        assert read_checkpoint(path).counters.step == 7

    @pytest.mark.parametrize("command", ["generate", "evaluate", "novelty"])
    def test_by_a_command(self, trained, refused, command):
        arrays, facts = read_content(trained.checkpoint("tiny"))
        del facts["text_sha256"]
        write_content(trained.path / "other.safetensors", arrays, facts)
        refused(trained.trainer(command, "other.safetensors"), "text_sha256")


class TestOfAnotherModel:
    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (
                {"hidden_size": 4},
                "parameters.lstm.0.W is float32 (5, 12), expected float32 (5, 16)",
            ),
            (
                {"dtype": "float64"},
                "parameters.lstm.0.W is float32 (5, 12), expected float64 (5, 12)",
            ),
            (
                {"embedding_size": 4},
                "parameters.embedding.W is none, expected float32 (5, 4)",
            ),
        ],
    )
    def test_it_is_refused_with_both(self, path, options, told):
        model, *_ = make(create_backend(), **options)
        with pytest.raises(UserError) as caught:
            unpack_parameters(read_checkpoint(path), model)
        assert str(caught.value) == f"{path}: the checkpoint is of another model: {told}"

    def test_without_the_slots_of_the_optimizer(self, path):
        write_content(path, pack(*make(create_backend(), momentum=0.0)), FACTS)
        with pytest.raises(UserError, match=r"optimizer\.momentum\.lstm\.0\.W is none"):
            unpack(read_checkpoint(path), *make(create_backend())[:2])
