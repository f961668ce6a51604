"""Each rule of the operators that move elements, on a layer that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType
from mcuq.ops.base import Case, Operand
from tests.harness.tflite_writer import write_case

SHAPE = (1, 4, 6)
FLOAT = Operand(SHAPE, dtype=DType.FLOAT32)


def q(*shape: int, scale: float = 0.05, zero_point: int = -7, **rest: Any) -> Operand:
    return Operand(shape or SHAPE, scale, zero_point, **rest)


def ints(*values: Any, dtype: DType = DType.INT32) -> Operand:
    return Operand(np.shape(values), dtype=dtype, data=values)


def one(value: Any, dtype: DType = DType.INT32) -> Operand:
    return Operand((), dtype=dtype, data=value)


COMPUTED = Operand((3,), dtype=DType.INT32)
ZEROS, ONES = ints(0, 0, 0), ints(1, 1, 1)
IMAGE = q(1, 4, 6, 2)

BROKEN: tuple[tuple[str, tuple[Operand, ...], tuple[Operand, ...], dict[str, Any], str], ...] = (
    ("TRANSPOSE", (q(), ints(0, 2, 1)), (q(),), {}, "the output is (1, 4, 6), (1, 6, 4) is computed"),
    ("TRANSPOSE", (q(), ints(0, 1, 1)), (q(),), {}, "(0, 1, 1) is no order of 3 axes"),
    ("TRANSPOSE", (q(), COMPUTED), (q(),), {}, "the order of axes (input 1) must be a constant of int32 or int64"),
    ("TRANSPOSE", (q(), ints(0, 1, 2)), (FLOAT,), {}, "the input is int8[1x4x6], the output float32[1x4x6]"),
    ("TRANSPOSE", (q(*[1] * 7), ints(*range(7))), (q(*[1] * 7),), {}, "the input has 7 dimensions, at most 6"),
    ("SLICE", (q(), ZEROS, ints(1, 5, 6)), (q(1, 5, 6),), {}, "(1, 5, 6) elements from (0, 0, 0) on are not inside"),
    ("SLICE", (q(), ints(0, -1, 0), ints(1, 2, 6)), (q(1, 2, 6),), {}, "from (0, -1, 0) on are not inside"),
    ("SLICE", (q(), ZEROS, ints(1, 4)), (q(),), {}, "3 beginnings and 2 sizes for 3 dimensions"),
    ("STRIDED_SLICE", (q(), ZEROS, ints(1, 4, 6), ints(1, 0, 1)), (q(),), {}, "slice step cannot be zero"),
    ("STRIDED_SLICE", (q(), ZEROS, ints(1, 4), ONES), (q(),), {}, "3 beginnings, 2 ends and 3 strides"),
    ("STRIDED_SLICE", (q(), ints(4), ints(5), ints(1)), (q(4, 6),), {"shrink_axis_mask": 1}, "index 4 is out of"),
    ("STRIDED_SLICE", (q(), ints(0), ints(1), ints(-1)), (q(4, 6),), {"shrink_axis_mask": 1}, "with the stride -1"),
    ("STRIDED_SLICE", (q(), *[ints(0, 0)] * 2, ints(1, 1)), (q(),), {"ellipsis_mask": 3}, "more than one ellipsis"),
    ("STRIDED_SLICE", (q(), *[ints(0)] * 2, ints(1)), (q(),), {"offset": True, "end_mask": 1}, "go with no mask"),
    ("STRIDED_SLICE", (q(), ZEROS, ints(1, 5, 6), ONES), (q(),), {"offset": True}, "5 elements from 0 on are not"),
    ("SPLIT", (one(2), q()), (q(1, 4, 2),) * 4, {"num_splits": 4}, "do not make the 6 elements of axis 2"),
    ("SPLIT", (one(3), q()), (q(),), {"num_splits": 1}, "axis 3 of a tensor with 3 dimensions"),
    ("SPLIT_V", (q(), ints(-1, -1), one(2)), (q(1, 4, 3),) * 2, {"num_splits": 2}, "more than one of the parts"),
    ("SPLIT_V", (q(), ints(2, 4), one(2)), (q(1, 4, 2),), {"num_splits": 1}, "there are 1 outputs, 2 are needed"),
    ("PACK", (q(), q(1, 4, 5)), (q(2, 1, 4, 6),), {"axis": 0}, "input 0 is int8[1x4x6], input 1 int8[1x4x5]"),
    ("PACK", (q(), q(scale=0.1)), (q(2, 1, 4, 6),), {"axis": 0}, "two quantizations, scale 0.1 with zero point -7 and"),
    ("UNPACK", (q(),), (q(1, 4),) * 5, {"axis": 2, "num": 5}, "there are 5 outputs, 6 are needed"),
    ("REVERSE_V2", (q(), ints(0, 2)), (q(),), {}, "the axes (0, 2) are not neighbours"),
    ("REVERSE_V2", (q(), ints(1, 1)), (q(),), {}, "an axis is reversed twice"),
    ("BROADCAST_TO", (q(), ints(2, 3, 6)), (q(2, 3, 6),), {}, "could not be broadcast"),
    ("TILE", (q(), ints(2, 1)), (q(2, 4, 6),), {}, "2 multiples for 3 dimensions"),
    ("DEPTH_TO_SPACE", (IMAGE,), (IMAGE,), {"block_size": 2}, "2 channels cannot be made blocks of 2x2"),
    ("SPACE_TO_DEPTH", (IMAGE,), (IMAGE,), {"block_size": 4}, "4x6 cannot be cut into blocks of 4x4"),
    ("SPACE_TO_DEPTH", (IMAGE,), (IMAGE,), {}, "blocks of 0x0"),
    ("SPACE_TO_BATCH_ND", (q(), ints(3), ints((0, 1))), (q(),), {}, "an image of (5,) with its padding has no whole"),
    ("SPACE_TO_BATCH_ND", (q(), ints(0), ints((0, 0))), (q(),), {}, "a block of (0,) with margins (0, 0)"),
    ("BATCH_TO_SPACE_ND", (q(), ints(2), ints((0, 0))), (q(),), {}, "1 images cannot be made blocks of (2,)"),
    ("BATCH_TO_SPACE_ND", (q(2, 4, 6), ints(2), ints((0, 9))), (q(),), {}, "the output is (1, 4, 6), (1, -1, 6) is"),
    ("BATCH_TO_SPACE_ND", (q(300, 1, 6), ints(300), ints((0, 0))), (q(1, 300, 6),), {}, "(300,) has 300 pixels"),
    ("MIRROR_PAD", (q(), ints((0, 0), (4, 0), (0, 0))), (q(1, 8, 6),), {}, "take more elements than there are"),
    ("MIRROR_PAD", (q(), ints((0, 0), (0, 0))), (q(),), {}, "for 3 dimensions"),
    ("GATHER", (q(), ints(0, 6)), (q(1, 4, 2),), {"axis": 2}, "the indices go from 0 to 6, the sizes are (6,)"),
    ("GATHER", (q(), ints(-1)), (q(1, 4, 1),), {"axis": 2}, "the indices go from -1 to -1"),
    ("GATHER", (q(), ints(0)), (q(1, 4),), {"axis": 0, "batch_dims": 1}, "1 batch dimensions of (1, 4, 6) and (1,)"),
    ("GATHER", (q(), ints(0, dtype=DType.INT16)), (q(1, 4, 1),), {"axis": 2}, "the indices are int16"),
    ("GATHER_ND", (q(), ints((0, 4))), (q(1, 6),), {}, "the indices go from 0 to 4, the sizes are (1, 4)"),
    ("GATHER_ND", (q(), ints((0, 0, 0, 0))), (q(1),), {}, "4 coordinates in a tensor of 3 dimensions"),
    ("EMBEDDING_LOOKUP", (ints(4), q(4, 6)), (q(1, 6),), {}, "the indices go from 4 to 4, the sizes are (4,)"),
    ("EMBEDDING_LOOKUP", (ints(0, dtype=DType.INT64), q(4, 6)), (q(1, 6),), {}, "the indices are int64"),
    ("ONE_HOT", (COMPUTED, one(0), one(1), one(0)), (COMPUTED,), {"axis": -1}, "a depth of 0"),
    ("ONE_HOT", (COMPUTED, one(4), one(1), q()), (Operand((3, 4), dtype=DType.INT32),), {}, "must be constant"),
    ("ONE_HOT", (q(), one(4), one(1), one(0)), (COMPUTED,), {"axis": -1}, "the indices are int8"),
    ("ONE_HOT", (COMPUTED, one(4), one(1), one(0)), (q(3, 4),), {"axis": -1}, "input 2 is int32[], the output int8"),
    ("SHAPE", (q(),), (Operand((3,), dtype=DType.FLOAT32),), {}, "the output is float32"),
    ("RANGE", (one(0), one(5), one(0)), (COMPUTED,), {}, "steps of 0 from 0 do not reach 5"),
    ("RANGE", (one(0), one(5), one(-1)), (COMPUTED,), {}, "steps of -1 from 0 do not reach 5"),
    ("RANGE", (one(0), one(1 << 30), one(1)), (COMPUTED,), {}, "from 0 to 1073741824 by 1 are more than"),
    ("RANGE", (one(0), one(5), COMPUTED), (COMPUTED,), {}, "start, limit and delta are not constants of int32"),
    ("RESIZE_NEAREST_NEIGHBOR", (IMAGE, ints(0, 5)), (IMAGE,), {}, "an image of 0x5"),
    ("RESIZE_NEAREST_NEIGHBOR", (q(), ints(5, 5)), (q(),), {}, "not enough values to unpack"),
    ("RESIZE_BILINEAR", (IMAGE, ints(4, 6)), (IMAGE,), {"align_corners": True, "half_pixel_centers": True}, "exclude"),
    ("RESIZE_BILINEAR", (q(1, 1, 1, 1), ints(1500, 1)), (q(1, 1500, 1, 1),), {}, "the last place is outside"),
    ("RESIZE_BILINEAR", (Operand((1, 2, 2, 1), dtype=DType.FLOAT32), ints(2, 2)), (q(1, 2, 2, 1),), {}, "is float32"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "options", "rule"), BROKEN, ids=[f"{b[0]}-{b[4][:40]}" for b in BROKEN]
)
def test_a_layer_that_breaks_a_rule_is_refused_in_words(
    operator: str, inputs: tuple[Operand, ...], outputs: tuple[Operand, ...], options: dict[str, Any], rule: str
) -> None:
    content = write_case(operator, Case("broken", inputs, outputs, options))
    with pytest.raises(UnsupportedError) as caught:
        bind(read_tflite(content, "model"))
    (blocker,) = caught.value.details
    assert operator in blocker and rule in blocker, blocker
