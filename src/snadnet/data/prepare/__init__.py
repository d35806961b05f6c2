"""Public data sets brought to aligned, square face images with label maps."""
