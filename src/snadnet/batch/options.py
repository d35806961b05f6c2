"""How each photo is deblurred."""

from dataclasses import dataclass, field

from snadnet.faces import AllFaces, FaceChoice
from snadnet.photo import Limits


@dataclass(frozen=True)
class DeblurOptions:
    """How each photo is deblurred.

    Attributes:
        strength: Part of the restoration that is applied, in [0, 1].
        choice: Which faces are restored.
        aligned: Each photo is itself a face crop, and no faces are looked for.
        limits: What is read at all.
        strip_metadata: Leave out all that a file says besides its pixels.
        overwrite: Replace existing results.
        skip_existing: Leave photos alone whose results are there already.
        begun_before: An earlier attempt at these photos was cut off: files that are there and have the very bytes
            that would be written count as written.
    """

    strength: float = 1.0
    choice: FaceChoice = field(default_factory=AllFaces)
    aligned: bool = False
    limits: Limits = field(default_factory=Limits)
    strip_metadata: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    begun_before: bool = False
