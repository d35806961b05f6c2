"""What is measured: picture fidelity (``image``) and face parsing (``segmentation``).

The metrics know tensors and class ids only: no data set, no network and no training loop.
"""
