"""Random choices of a seed; only `random()` is used, whose sequence is the same in every Python build."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Choices that follow from a seed and a name, so that one part's choices do not move another's."""

    def __init__(self, seed: int, name: str) -> None:
        self.random = random.Random(f"{seed} {name}").random

    def below(self, number: int) -> int:
        """A whole number from 0 to `number - 1`."""
        return int(self.random() * number)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.random()

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def happens(self, probability: float) -> bool:
        return probability > 0 and self.random() < probability
