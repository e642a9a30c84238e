"""Names and values of the code as a reader says them."""

from __future__ import annotations

import pytest

from orchestra_site.web.words import plain_name, plain_value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("timeout_s", 120.0, ("timeout", "2 min 00 s")),
        ("cost_usd", "0.00012", ("cost", "$0.00012")),
        ("cost_usd", "unknown", ("cost", "unknown")),
        ("max_output_tokens", 4096, ("max output tokens", "4,096")),
        ("share", 0.123456789, ("share", "0.123457")),
        ("ratio", 3.0, ("ratio", "3")),
        ("enabled", True, ("enabled", "yes")),
        ("enabled", False, ("enabled", "no")),
        ("family", "", ("family", "nothing")),
        ("family", None, ("family", "nothing")),
        ("select", "first_good_enough", ("select", "first good enough")),
        ("note", "a file_name of ours", ("note", "a file_name of ours")),
        ("remote_name", "acme/big_model", ("remote name", "acme/big_model")),
        ("model.price_changed", 1, ("model price changed", "1")),
    ],
)
def test_names_and_values_carry_no_mark_of_the_code(name: str, value: object, said: tuple[str, str]) -> None:
    assert (plain_name(name), plain_value(name, value)) == said
