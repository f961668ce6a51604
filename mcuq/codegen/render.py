"""Templates into text. The only importer of jinja2; templates print files, decisions are made before."""

from __future__ import annotations

import functools
from typing import Any

import jinja2

from mcuq.paths import TEMPLATES


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is C, not HTML; names are made safe by codegen.names
    )


def render(template: str, **values: Any) -> str:
    """The text of ``templates/<template>`` with ``values``; an undefined value is an error."""
    return _environment().get_template(template).render(**values)
