"""The figures of the paper: image grids of methods side by side."""
