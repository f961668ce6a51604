"""The figures of docs/quantization.md are those of the numbers that are kept beside them."""

from __future__ import annotations

import re

import pytest

mpl = pytest.importorskip("matplotlib", reason="not checked: the figures of the documentation, matplotlib is missing")

from benchmarks import plots  # noqa: E402 - imports matplotlib


@pytest.mark.parametrize("figure", plots.FIGURES, ids=lambda figure: figure.name)
def test_a_figure_is_drawn_from_the_numbers_that_the_page_has(figure: plots.Figure) -> None:
    page = plots.PAGE.read_text(encoding="utf-8")
    assert f"](plots/{figure.name}.svg)" in page
    kept, found = (plots.PLOTS / f"{figure.name}.svg").read_text(encoding="utf-8"), plots.numbers(figure, page)
    metadata = plots.described(found)
    drawn = plots.drawn(figure, found).decode()
    hint = "python benchmarks/plots.py draws them anew"
    assert metadata["Description"] in kept, hint
    assert metadata["Description"] in drawn
    assert re.findall(r"<text[^>]*>([^<]+)<", drawn) == re.findall(r"<text[^>]*>([^<]+)<", kept), hint
    if metadata["Creator"] in kept:
        assert drawn == kept, hint


def test_a_table_that_the_page_lacks_is_named() -> None:
    assert plots.table_rows("<!-- a -->\n| x | y |\n|---|---|\n| `1` | 2 |\n<!-- end -->", "a") == [["1", "2"]]
    with pytest.raises(SystemExit, match="no table <!-- b -->"):
        plots.table_rows("<!-- a -->\n| x |\n|---|\n| 1 |\n<!-- end -->", "b")
