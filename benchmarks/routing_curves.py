"""How well the gain of a strong over a weak model is predicted from the prompt: APGR, in five folds.

Prompts are ordered by the predicted gain; the more go to the strong model, the better the answers. The APGR
is the mean, over all shares, of the part of the gap between both that is recovered (RouteLLM, Ong et al.
2024): 0.5 by chance. In each fold, the kernel of the ridge regression is chosen by further folds inside it.
Equal prompts are in one fold; the prompts are dealt into folds `SPLITS` times. Where other models were
recorded, half their mean is subtracted from the gain that is learned: it says more of how hard a question is
than two answers do. Only words and traits of the prompt are read, as `Difficulty` reads them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.difficulty import (
    BUCKETS,
    FARTHEST,
    Difficulty,
    GradedQuestion,
    traits,
    words,
)
from orchestration.evaluation.engine.apgr import routing_curve

FOLDS, INNER, DIMENSIONS = 5, 4, 256
SPLITS = 5
"""Times that prompts are dealt into folds; figures are means over them."""
SETS = {"routellm_mmlu": 0.66, "gsm8k_legacy": 0.65}
"""Recordings, and what must be reached."""
PENALTIES = {"product": 8.0, "sum": 3.0}
"""Of the ridge regression, by kernel."""
HARDNESS = 0.5
"""How much the mean of all other models is subtracted from the gain, in what is learned."""
LARGE = 2_000
"""Prompts from which on one inner fold is enough to choose."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class CurveFigures:
    """The APGR of one recording and predictor with its 95 % interval, by bootstrap over prompts.

    Means over the splits into folds; `least` and `most` are the APGR of single splits.
    """

    name: str
    questions: int
    by: str
    apgr: float
    low: float
    high: float
    least: float
    most: float
    must: float


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Prompts with the results of the weak and the strong model, and the mean of all others (0 without)."""

    prompts: Sequence[str]
    weak: Array
    strong: Array
    others: Array

    @property
    def learned(self) -> Array:
        """What is learned: the gain, less what is easy for all."""
        return self.strong - self.weak - HARDNESS * self.others


def read_gains(folder: Path, name: str) -> Gains:
    """Read a recording of two models or more, the strong one first, then the weak one."""
    with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        recorded = [json.loads(line) for line in lines]
    right = np.array([[float(each["correct"]) for each in item["answers"]] for item in recorded])
    others = right[:, 2:].mean(axis=1) if right.shape[1] > 2 else np.zeros(len(right))
    prompts = [item["prompt"].removesuffix("\nAnswer:") for item in recorded]
    return Gains(prompts=prompts, weak=right[:, 1], strong=right[:, 0], others=others)


def folds(prompts: Sequence[str], number: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Yield the places to learn from and to predict; equal prompts are in the same fold."""
    keys = [" ".join(prompt.lower().split()) for prompt in prompts]
    known = sorted(set(keys))
    order = np.random.default_rng(seed).permutation(len(known))
    place = {key: order[at] % number for at, key in enumerate(known)}
    fold = np.array([place[key] for key in keys])
    yield from ((np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(number))


class Kernels:
    """Likeness of prompts by words and traits, scaled by what the training prompts show."""

    def __init__(self, spoken: Array, counted: Array, learned_from: Array) -> None:
        weights = np.log((1 + len(learned_from)) / (1 + (spoken[learned_from] > 0).sum(axis=0)))
        rows = spoken * weights
        rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9
        middle, spread = counted[learned_from].mean(axis=0), counted[learned_from].std(axis=0) + 1e-9
        scaled = np.clip((counted - middle) / spread, -FARTHEST, FARTHEST)
        shape = scaled @ scaled.T / scaled.shape[1]
        squares = np.diag(shape)
        distance = squares[:, None] + squares[None] - 2 * shape
        topics = rows @ _directions(rows[learned_from])
        topics /= np.linalg.norm(topics, axis=1, keepdims=True) + 1e-9
        self.by_name = {
            "product": np.exp(1.5 * (topics @ topics.T - 1) - distance),
            "sum": shape + rows @ rows.T,
        }

    def predict(self, name: str, places: tuple[Array, Array], target: Array) -> Array:
        """Return the ridge regression's prediction, learned from the first places, for the second ones."""
        known, asked = places
        kernel, mean = self.by_name[name], target[known].mean()
        inner = kernel[np.ix_(known, known)] + PENALTIES[name] * np.eye(len(known), dtype=kernel.dtype)
        found: Array = mean + kernel[np.ix_(asked, known)] @ np.linalg.solve(inner, target[known] - mean)
        return found


def _directions(rows: Array) -> Array:
    """Return the first right singular vectors, by random projection (Halko et al. 2011)."""
    wide = min(DIMENSIONS + 20, *rows.shape)
    found = rows @ np.random.default_rng(0).normal(size=(rows.shape[1], wide)).astype(rows.dtype)
    for _ in range(2):
        found, _ = np.linalg.qr(rows @ (rows.T @ found))
    _, _, vectors = np.linalg.svd(found.T @ rows, full_matrices=False)
    kept: Array = vectors[:DIMENSIONS].T
    return kept


def predicted(gains: Gains, split: int) -> Array:
    """Return the gain that is predicted for each prompt, from the prompts of the other folds of a split."""
    spoken = np.zeros((len(gains.prompts), BUCKETS), dtype=np.float32)
    for row, prompt in zip(spoken, gains.prompts, strict=True):
        for bucket, value in words(prompt).items():
            row[bucket] = value
    counted = np.array([traits(prompt) for prompt in gains.prompts], dtype=np.float32)
    found = np.zeros(len(gains.prompts))
    for known, asked in folds(gains.prompts, FOLDS, split):
        kernels = Kernels(spoken, counted, known)
        found[asked] = kernels.predict(_chosen(kernels, gains, known), (known, asked), gains.learned)
    return found


def _chosen(kernels: Kernels, gains: Gains, known: Array) -> str:
    """Return the kernel that is best in folds of the known prompts."""
    inner = list(folds([gains.prompts[place] for place in known], INNER, 1))
    inner = inner[:1] if len(known) > LARGE else inner

    def reached(name: str) -> float:
        found = []
        for first, second in inner:
            scores = kernels.predict(name, (known[first], known[second]), gains.learned)
            found.append(
                routing_curve(
                    scores.tolist(), gains.weak[known[second]].tolist(), gains.strong[known[second]].tolist()
                ).apgr
            )
        return float(np.mean(found))

    return max(PENALTIES, key=reached)


def by_difficulty(gains: Gains, split: int) -> Array:
    """Return the gain of the strong over the weak model that `Difficulty` predicts, as a team learns it."""
    found = np.zeros(len(gains.prompts))
    for known, asked in folds(gains.prompts, FOLDS, split):
        examples = [
            GradedQuestion(
                text=gains.prompts[place], right=float(1 + gains.strong[place] - gains.weak[place]) / 2
            )
            for place in known
        ]
        learned = Difficulty.fit(examples)
        found[asked] = [learned.predict(gains.prompts[place]) for place in asked]
    return found


def figures(name: str, gains: Gains, by: str, splits: Sequence[Array]) -> CurveFigures:
    """Return the APGR with its interval, of the scores by each split."""
    found = [routing_curve(scores.tolist(), gains.weak.tolist(), gains.strong.tolist()) for scores in splits]
    reached = [curve.apgr for curve in found]
    return CurveFigures(
        name=name,
        questions=len(gains.prompts),
        by=by,
        apgr=fmean(reached),
        low=fmean(curve.apgr_ci95[0] for curve in found),
        high=fmean(curve.apgr_ci95[1] for curve in found),
        least=min(reached),
        most=max(reached),
        must=SETS[name],
    )


def curves(folder: Path) -> list[CurveFigures]:
    """Return the figures of each recording."""
    found = []
    for name in SETS:
        gains = read_gains(folder, name)
        length = np.array([float(len(prompt)) for prompt in gains.prompts])
        found += [
            figures(name, gains, "length", [length]),
            figures(name, gains, "Difficulty", [by_difficulty(gains, split) for split in range(SPLITS)]),
            figures(
                name, gains, "kernels, nested folds", [predicted(gains, split) for split in range(SPLITS)]
            ),
        ]
    return found
