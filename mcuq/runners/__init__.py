"""Outside programs that run an image, one class a tool. They start and stop it; ``mcuq.link`` talks to it."""
