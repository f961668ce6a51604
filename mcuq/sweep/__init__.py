"""Many candidates built, each for real, on this machine or on a Dask cluster, with their results in one SQLite file."""
