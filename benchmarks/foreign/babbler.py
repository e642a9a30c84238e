"""A language model that ignores whatever it is told: it says made-up words in their order, and ends.

Its attention and feed-forward weights are zero, so that the last token alone decides about the next one: any
word is followed by one of the three after it in the dictionary. Each answer differs and ends by itself after
about `WORDS` / 2 tokens. The zeros are computed with all the same: they make it as slow as it should be.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from benchmarks.foreign import gguf
from benchmarks.foreign.gguf import Tensor

WORDS = 1600
WIDTH, INNER_WIDTH, HEADS = 256, 3072, 4
WINDOW = 4096
SURENESS = 40.0  # logit of a word that may follow; of all others about 0
NEXT = (1, 2, 3)

UNKNOWN, BEGIN, END = 0, 1, 2
FIRST_WORD = 3 + 256  # after the three above and one token for each byte
NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 1, 2, 3, 6


def write_model(path: Path, name: str) -> None:
    """Write the model's file; another name is another dictionary."""
    chance = random.Random(name)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *_words(chance)]
    types = [UNKNOWN_TYPE, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * WORDS]
    head: dict[str, gguf.Value] = {
        "general.architecture": "llama",
        "general.name": name,
        "llama.block_count": 1,
        "llama.context_length": WINDOW,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": INNER_WIDTH,
        "llama.attention.head_count": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.bos_token_id": BEGIN,
        "tokenizer.ggml.eos_token_id": END,
        "tokenizer.ggml.unknown_token_id": UNKNOWN,
        "tokenizer.chat_template": "{% for message in messages %}{{ message.content }}\n{% endfor %}",
    }
    gguf.write(path, head, _tensors(chance))


def _words(chance: random.Random) -> list[str]:
    """Return the dictionary. A token that starts with this sign starts with a blank."""
    syllables = ["".join(pair) for pair in product("bdfgklmnprstvz", "aeiou")]
    made = {"".join(chance.choices(syllables, k=length)) for length in (2, 3, 4) for _ in range(WORDS)}
    return [f"\u2581{word}" for word in chance.sample(sorted(made), WORDS)]


def _tensors(chance: random.Random) -> dict[str, Tensor]:
    directions = [array("f", chance.choices((-1.0, 1.0), k=WIDTH)) for _ in range(FIRST_WORD + WORDS)]
    for token in range(FIRST_WORD):
        directions[token] = directions[UNKNOWN]  # whatever was asked looks the same
    read = [array("f", bytes(4 * WIDTH)) for _ in directions]
    for before, after in _pairs():
        likelier = zip(read[after], directions[before], strict=True)
        read[after] = array("f", (old + SURENESS / WIDTH * new for old, new in likelier))
    return {
        "token_embd.weight": _matrix(directions),
        "output.weight": _matrix(read),
        "output_norm.weight": _ones(),
        "blk.0.attn_norm.weight": _ones(),
        "blk.0.ffn_norm.weight": _ones(),
        **{f"blk.0.attn_{name}.weight": _zeros(WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
        **{f"blk.0.ffn_{name}.weight": _zeros(WIDTH, INNER_WIDTH) for name in ("gate", "up")},
        "blk.0.ffn_down.weight": _zeros(INNER_WIDTH, WIDTH),
    }


def _pairs() -> Iterator[tuple[int, int]]:
    """Yield which token may follow which; past the last word comes the end."""
    for start in range(8):
        yield UNKNOWN, FIRST_WORD + start
    for word in range(WORDS):
        yield from {
            (FIRST_WORD + word, FIRST_WORD + word + step if word + step < WORDS else END) for step in NEXT
        }


def _matrix(rows: list[array[float]]) -> Tensor:
    return Tensor((WIDTH, len(rows)), array("f", b"".join(row.tobytes() for row in rows)))


def _ones() -> Tensor:
    return Tensor((WIDTH,), array("f", [1.0] * WIDTH))


def _zeros(width: int, height: int) -> Tensor:
    return Tensor((width, height), array("f", bytes(4 * width * height)))
