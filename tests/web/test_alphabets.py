"""Tables of characters: what was looked up once costs nothing more, however many others there were."""

from __future__ import annotations

from orchestra_site.web.alphabets import MOST_KEPT, _Characters


def test_a_full_table_begins_anew_and_keeps_what_comes_then() -> None:
    looked_up: list[str] = []

    def replaced(character: str) -> str:
        looked_up.append(character)
        return "x"

    table = _Characters(replaced)
    everything = "".join(map(chr, range(0x10000, 0x10000 + MOST_KEPT)))
    assert everything.translate(table) == "x" * MOST_KEPT
    looked_up.clear()
    assert ("é" * 1000).translate(table) == "x" * 1000
    assert looked_up == ["é"]
