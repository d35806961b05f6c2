"""Time and memory of one photo in a process that has loaded nothing but the runtime. Used by the benchmarks."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from snadnet.faces.defaults import LARGE_CROP_SIZE

_CODE = """
import json, sys, time
from snadnet import Deblurrer
from snadnet.environment import peak_memory, reuse_freed_memory
from snadnet.photo import write_photo
reuse_freed_memory()  # as the command does
start = time.perf_counter()
restoration = Deblurrer(weights=sys.argv[2], device="cpu", max_crop=int(sys.argv[4])).restore(sys.argv[1])
if sys.argv[3]:
    write_photo(restoration.photo, sys.argv[3])
seconds = time.perf_counter() - start
peak = peak_memory() or float("nan")
torch_loaded = "torch" in sys.modules
print(json.dumps({"peak": peak, "seconds": seconds, "faces": len(restoration.faces), "torch_loaded": torch_loaded}))
"""


@dataclass(frozen=True)
class Cost:
    """Time and memory of one photo.

    Attributes:
        peak: The process's greatest resident memory in bytes.
        seconds: Wall time with loading the network and reading the photo, without starting Python.
        faces: How many faces were restored.
        torch_loaded: Whether PyTorch was loaded.
    """

    peak: float
    seconds: float
    faces: int
    torch_loaded: bool


def restore_in_fresh_process(
    photo: Path, weights: Path, output: Path | None = None, *, max_crop: int = LARGE_CROP_SIZE
) -> Cost:
    """Restore a photo on the CPU in a new process, and write the result if ``output`` is given."""
    arguments = [str(photo), str(weights), "" if output is None else str(output), str(max_crop)]
    measured = subprocess.run([sys.executable, "-c", _CODE, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return Cost(**json.loads(measured.stdout))
