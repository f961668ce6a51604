"""Front ends: files into graphs. Their heavy imports are made when they are called."""
