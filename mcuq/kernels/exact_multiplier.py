"""Requantization with one rounding, by code that rounds twice: the search for a multiplier that makes it exact.

``requantize_double`` with shift 0 rounds only once, to a multiple of 2**-31, but its multiplier is then no longer
normalised and has fewer bits. Whether these suffice is decided by the accumulators at which the output steps: at most
255 for an int8 output, each two linear inequalities for the multiplier. Nothing is sampled; the answer is a proof.
"""

from __future__ import annotations


def exact_multiplier(
    multiplier: int, shift: int, accumulators: tuple[int, int], values: tuple[int, int]
) -> tuple[int, int] | None:
    """Multiplier and shift with which ``requantize_double`` equals ``requantize_single`` by the given ones, or None.

    Equal for every accumulator of the inclusive range ``accumulators``, after clamping to the inclusive range
    ``values`` (of the result before its zero point is added).
    """
    if shift >= 0 or multiplier == 0:
        return multiplier, shift  # one rounding already
    low, high = accumulators
    least, greatest = 0, (1 << 31) - 1
    for value in range(values[0] + 1, values[1] + 1):
        step = _first_at_least(value, multiplier, shift)
        goal = (value << 31) - (1 << 30)  # the product from which on the result is at least value
        for accumulator, reaches in ((max(step, low), True), (min(step - 1, high), False)):
            if not low <= accumulator <= high:
                continue
            least, greatest = _narrow(least, greatest, accumulator, goal, reaches)
            if least > greatest:
                return None
    return (least + greatest) // 2, 0


def _first_at_least(value: int, multiplier: int, shift: int) -> int:
    """The least accumulator that ``requantize_single`` takes to ``value`` or more."""
    total = 31 - shift
    return -(-((value << total) - (1 << (total - 1))) // multiplier)


def _narrow(least: int, greatest: int, accumulator: int, goal: int, reaches: bool) -> tuple[int, int]:
    """The multipliers of ``least .. greatest`` for which ``accumulator · multiplier >= goal`` is ``reaches``."""
    if accumulator == 0:
        return (least, greatest) if (goal <= 0) == reaches else (1, 0)
    if (accumulator > 0) == reaches:
        # At least goal / accumulator; below goal with a negative accumulator: more than goal / accumulator.
        bound = -(-goal // accumulator) if reaches else goal // accumulator + 1
        return max(least, bound), greatest
    # At least goal with a negative accumulator: at most goal / accumulator; below goal: less than it.
    bound = goal // accumulator if reaches else -(-goal // accumulator) - 1
    return least, min(greatest, bound)
