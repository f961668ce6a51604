"""C literals: numbers and tables, the same text for the same values everywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "uint16": "uint16_t",
           "uint32": "uint32_t", "int64": "int64_t", "float32": "float"}  # fmt: skip


def float_literal(value: float) -> str:
    """The shortest decimal that reads back as the same float32."""
    short = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    plain = np.format_float_positional(np.float32(value), unique=True, trim="0")
    text = plain if len(plain) <= len(short) else short
    return f"{text}f"


def integer_literal(value: int) -> str:
    """INT32_MIN and INT64_MIN have no literals of their types; everything else is itself."""
    return {-(2**31): "INT32_MIN", -(2**63): "INT64_MIN"}.get(value, str(value))


def table_rows(values: npt.NDArray[np.generic], width: int = 112) -> tuple[str, ...]:
    """The elements in storage order, comma separated, in lines of at most ``width`` characters."""
    flat = values.reshape(-1)
    if flat.dtype == np.float32:
        texts = [float_literal(float(v)) for v in flat]
    elif flat.dtype in (np.int32, np.int64):
        texts = [integer_literal(v) for v in flat.tolist()]
    else:
        texts = [str(v) for v in flat.tolist()]
    rows: list[str] = []
    row: list[str] = []
    used = 0
    for text in texts:
        if row and used + len(text) + 2 > width:
            rows.append(", ".join(row) + ",")
            row, used = [], 0
        row.append(text)
        used += len(text) + 2
    if row:
        rows.append(", ".join(row))
    return tuple(rows)
