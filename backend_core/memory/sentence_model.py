"""Run a sentence model of the BERT family with NumPy alone: neither torch nor an ONNX runtime is needed for one short text at a time.

Equations as in "Attention Is All You Need" and "BERT"; the weights come from a folder in the format safetensors, as published.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backend_core.errors import InvalidInput
from backend_core.memory.wordpiece import WordPieces

Floats = npt.NDArray[np.float32]
WEIGHTS: Final = "model.safetensors"
FILES: Final = (WEIGHTS, "config.json", "vocab.txt")
BATCH: Final = 16
_LARGEST: Final = 1 << 30
_NEVER: Final = np.float32(-1e9)
_TINY: Final = np.float32(1e-12)


class SentenceModel:
    """A model read from a folder.

    Attributes:
        name: that of the folder's model, with its size; vectors of another model are never compared with its own.

    Raises:
        InvalidInput: the folder holds none that can be used.
    """

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
            self._pieces = WordPieces({piece: number for number, piece in enumerate(lines)})
            self._weights = _read_weights(folder / WEIGHTS)
            self._layers, self._heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
            self.dimensions = int(config["hidden_size"])
            self.name = f"{config.get('model_type', 'bert')}-{self._layers}x{self.dimensions}-{_mark(folder / WEIGHTS)}"
            self.embed(["ready?"])
        except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
            raise InvalidInput(f"That folder holds no sentence model that can be used: {', '.join(FILES)} are needed.") from error

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return one vector of length 1 per text."""
        numbers = [self._pieces.numbers(text) for text in texts]
        found = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        # texts of like length together: padding costs as much as text
        order = sorted(range(len(texts)), key=lambda place: len(numbers[place]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            found[batch] = self._forward([numbers[place] for place in batch])
        return found

    def _forward(self, rows: list[list[int]]) -> Floats:
        longest = max(len(row) for row in rows)
        numbers, there = np.zeros((len(rows), longest), dtype=np.int64), np.zeros((len(rows), longest), dtype=np.float32)
        for place, row in enumerate(rows):
            numbers[place, : len(row)], there[place, : len(row)] = row, 1
        kinds, places = self._weights["embeddings.token_type_embeddings.weight"], self._weights["embeddings.position_embeddings.weight"]
        state = self._weights["embeddings.word_embeddings.weight"][numbers] + places[:longest] + kinds[0]
        state = self._normalised(state, "embeddings.LayerNorm")
        bias = (1 - there)[:, None, None, :] * _NEVER
        for layer in range(self._layers):
            state = self._layer(state, bias, f"encoder.layer.{layer}.")
        mean: Floats = (state * there[..., None]).sum(axis=1) / there.sum(axis=1, keepdims=True)
        unit: Floats = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), _TINY)
        return unit

    def _layer(self, state: Floats, bias: Floats, name: str) -> Floats:
        mixed = self._linear(self._attention(state, bias, f"{name}attention.self."), f"{name}attention.output.dense")
        state = self._normalised(mixed + state, f"{name}attention.output.LayerNorm")
        wide = _gelu(self._linear(state, f"{name}intermediate.dense"))
        return self._normalised(self._linear(wide, f"{name}output.dense") + state, f"{name}output.LayerNorm")

    def _attention(self, state: Floats, bias: Floats, name: str) -> Floats:
        count, length, width = state.shape
        query, key, value = (
            self._linear(state, name + part).reshape(count, length, self._heads, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(width // self._heads)) + bias
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = scores / scores.sum(axis=-1, keepdims=True)
        mixed: Floats = (shares @ value).transpose(0, 2, 1, 3).reshape(count, length, width)
        return mixed

    def _linear(self, state: Floats, name: str) -> Floats:
        result: Floats = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return result

    def _normalised(self, state: Floats, name: str) -> Floats:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _TINY)
        result: Floats = centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result


def _gelu(state: Floats) -> Floats:
    """Return x·Φ(x), with the error function of Abramowitz and Stegun 7.1.26 (error below 2e-7)."""
    size = np.abs(state) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    error = np.sign(state) * (1 - series * np.exp(-size * size))
    result: Floats = (state * (1 + error) / 2).astype(np.float32)
    return result


def _read_weights(path: Path) -> dict[str, Floats]:
    """Read the tensors of a safetensors file; a header of JSON with offsets, then the numbers."""
    if path.stat().st_size > _LARGEST:
        raise ValueError(path.name)
    raw = path.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header: dict[str, Any] = json.loads(raw[8 : 8 + length])
    found: dict[str, Floats] = {}
    for name, facts in header.items():
        if facts.get("dtype") == "F32":
            count = math.prod(facts["shape"])
            numbers = np.frombuffer(raw, dtype="<f4", count=count, offset=8 + length + facts["data_offsets"][0])
            found[name.removeprefix("bert.")] = numbers.reshape(facts["shape"])
    return found


def _mark(path: Path) -> str:
    """Return a short name of the weights' content; reading all of it again would take longer than to use it."""
    import hashlib

    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size // 2))
        return hashlib.sha256(file.read(1 << 16)).hexdigest()[:12]
