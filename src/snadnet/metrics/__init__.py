"""Per-face metrics and their aggregation, and distances between sets of faces: one file a metric.

``fidelity`` (PSNR, SSIM, L1), ``parsing`` (mIoU), ``identity``, ``landmarks``, ``lpips``, ``distribution`` (FID, KID)
and ``kernel_distance`` (of EfficientNet features, neither FID nor KID) are listed in ``registry``; ``base`` has what
they share. None of them knows a training loop.
"""
