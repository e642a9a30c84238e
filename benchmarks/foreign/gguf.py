"""Writing model files in GGUF, version 3 (the format's description: ggml's docs/gguf.md)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

VERSION = 3
ALIGNMENT = 32
FLOAT32 = 0

Value = str | int | float | Sequence[str] | Sequence[int] | Sequence[float]


class Kind(IntEnum):
    """What a value of the file's head is."""

    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    STRING = 8
    ARRAY = 9


@dataclass(frozen=True, slots=True)
class Tensor:
    """Numbers with their shape, the fastest-running dimension first, as the format has it."""

    shape: tuple[int, ...]
    numbers: array[float]


def write(path: Path, head: Mapping[str, Value], tensors: Mapping[str, Tensor]) -> None:
    """Write a model file."""
    start = struct.pack("<4sIQQ", b"GGUF", VERSION, len(tensors), len(head))
    start += b"".join(_text(name) + _value(value) for name, value in head.items())
    offset = 0
    for name, tensor in tensors.items():
        ranks = len(tensor.shape)
        start += _text(name) + struct.pack(f"<I{ranks}QIQ", ranks, *tensor.shape, FLOAT32, offset)
        offset += len(_padded(tensor.numbers.tobytes()))
    with path.open("wb") as file:
        file.write(_padded(start))
        for tensor in tensors.values():
            file.write(_padded(tensor.numbers.tobytes()))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _value(value: Value) -> bytes:
    if isinstance(value, str | int | float):
        kind = Kind.UINT32 if isinstance(value, int) else _kind(value)
        return struct.pack("<I", kind) + _plain(kind, value)
    kind = _kind(value[0])
    plain = b"".join(_plain(kind, each) for each in value)
    return struct.pack("<IIQ", Kind.ARRAY, kind, len(value)) + plain


def _kind(value: str | float) -> Kind:
    if isinstance(value, str):
        return Kind.STRING
    return Kind.INT32 if isinstance(value, int) else Kind.FLOAT32


def _plain(kind: Kind, value: str | float) -> bytes:
    if isinstance(value, str):
        return _text(value)
    return struct.pack({Kind.UINT32: "<I", Kind.INT32: "<i", Kind.FLOAT32: "<f"}[kind], value)
