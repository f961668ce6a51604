"""Planning: a kernel for each layer, a live range for each buffer, an offset in the arena for each live range."""
