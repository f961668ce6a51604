"""An estimate's totals as lines of text, each number with its kind."""

from __future__ import annotations

from mcuq.estimate.estimate import BY_ADDRESS, Estimate


def summary(found: Estimate) -> list[str]:
    """The totals, and how far estimates of this core were from published results."""
    error = found.error
    held = (
        f"no published result of a {found.core} to hold it to"
        if error is None
        else f"published boards: {error}, n={error.results}"
    )
    lines = [
        f"{found.instructions:,} instructions (counted)",
        f"{found.cycles / 1e6:.2f} M cycles, {1e3 * found.seconds:.2f} ms at {found.core_hz / 1e6:g} MHz: "
        f"estimated ({held})",
    ]
    stream = found.flash_stream
    if found.method == BY_ADDRESS and stream is not None:
        lines.append(
            f"of them {found.flash_cycles:,} cycles (estimated) for {found.flash_bytes:,} B (counted) from flash, at "
            f"{stream.cycles_per_byte:g} cycles a byte"
        )
    elif found.method == BY_ADDRESS:
        lines.append(
            f"without flash wait states: {found.flash_bytes:,} B (counted) are loaded from flash, and what that costs "
            f"on {found.board} is not known"
        )
    return [*lines, *(f"note: {note}" for note in found.notes)]
