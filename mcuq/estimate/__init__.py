"""Estimates of time: instructions counted address by address in QEMU, times what each takes on the board's core.

An estimate is never called a measurement: cores hide or add cycles that their manuals do not tell, and memories have
wait states. How far off it may be is told from results that others published (``published.toml``).
"""
