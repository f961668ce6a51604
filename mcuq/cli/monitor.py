"""``mcuq monitor``: what a device prints."""

from __future__ import annotations

import click

from mcuq.cli._shared import option


@click.command("monitor")
@option("--port", required=True, help="Serial port.")
@option("--baud", type=click.IntRange(min=1), default=115_200, show_default=True, help="Bits per second.")
def command(port: str, baud: int) -> None:
    """Print what the device on a serial port sends, until Ctrl-C: frames of the protocol by name, the rest as text.

    Asks once who is there, and of several models in an image each for its name.
    """
    from mcuq.frames import Frame, encode  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.link import Link, Request  # noqa: PLC0415
    from mcuq.monitor import Monitor  # noqa: PLC0415

    monitor = Monitor()
    with Link.open(port, baud=baud) as link:
        link.send(encode(Frame(Request.HELLO, 0, b"")))
        quiet = 0
        asked: set[int] = set()
        while True:
            data = link.receive()
            # A line that does not end is shown once nothing follows it.
            quiet = 0 if data else quiet + 1
            for line in monitor.rest() if quiet == 2 else monitor.feed(data):
                click.echo(line)
            if monitor.to_ask and monitor.to_ask[0] not in asked:
                asked.add(monitor.to_ask[0])
                link.send(encode(Frame(Request.HELLO, 0, bytes(monitor.to_ask[:1]))))
