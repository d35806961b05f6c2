"""Training of both stages, resumable: :mod:`~snadnet.training.parsing` and :mod:`~snadnet.training.deblurring`."""
