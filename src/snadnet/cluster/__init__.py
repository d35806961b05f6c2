"""Many photos on many machines, by Ray Data: the same files as ``snadnet deblur`` writes. Needs ``snadnet[cluster]``.

::

    from snadnet.cluster import deblur_photos

    for record in deblur_photos(["s3://bucket/photos"], "s3://bucket/deblurred", recursive=True, address="auto"):
        print(record.message)
"""

from typing import TYPE_CHECKING

from snadnet.lazy import load_lazily

if TYPE_CHECKING:
    from snadnet.cluster.api import deblur_photos
    from snadnet.cluster.extra import require_cluster_extra

__all__ = ["deblur_photos", "require_cluster_extra"]

__getattr__ = load_lazily(
    __name__,
    {"snadnet.cluster.api": ("deblur_photos",), "snadnet.cluster.extra": ("require_cluster_extra",)},
)
