"""The pages on prices are true: their bills are computed again, their code is that of a tested change."""

import re
from pathlib import Path
from typing import get_args

import pytest

from shared.billing.pricing import Price
from tests.contract.priced_examples import Example, examples

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "add-a-pricing-model.md").read_text(encoding="utf-8")
CHANGE = (ROOT / "tests" / "contract" / "changes" / "price_model.patch").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", examples(), ids=lambda one: one.charge.sentence("USD")[:40])
def test_a_bill_on_the_page_is_computed_again(example: Example) -> None:
    """Sentence, steps and rounded amounts, word for word."""
    assert example.bill() == example.printed


def test_every_model_has_an_example() -> None:
    """A model that is not on the page cannot be found by who makes a plan."""
    shown = {type(example.charge.price) for example in examples()}
    assert shown == set(get_args(Price))


def test_the_code_of_the_guide_is_that_of_a_change_that_is_tested() -> None:
    """The patch is applied, tested, type-checked and counted by test_change_costs.py."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        added = "\n".join(f"+{line}" for line in block.splitlines())
        assert added in CHANGE, f"not in the change:\n{block}"
