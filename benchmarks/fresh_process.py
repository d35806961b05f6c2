"""What a photo costs in a process of its own, which has loaded nothing but the runtime. Used by the benchmarks."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# VmHWM rather than ru_maxrss where the system has it: Linux lets ru_maxrss start from the peak of the process that
# started this one.
_CODE = """
import json, resource, sys, time
from pathlib import Path
from snadnet import Deblurrer
from snadnet.photo import write_photo
start = time.perf_counter()
restoration = Deblurrer(weights=sys.argv[2], device="cpu").restore(sys.argv[1])
if sys.argv[3]:
    write_photo(restoration.photo, sys.argv[3])
seconds = time.perf_counter() - start
status = Path("/proc/self/status")
if status.exists():
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    peak = int(line.split()[1]) * 1024
else:
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
torch_loaded = "torch" in sys.modules
print(json.dumps({"peak": peak, "seconds": seconds, "faces": len(restoration.faces), "torch_loaded": torch_loaded}))
"""


@dataclass(frozen=True)
class Cost:
    """What one photo took.

    Attributes:
        peak: The process's greatest resident memory in bytes.
        seconds: Wall time with loading the network and reading the photo, without starting Python.
        faces: How many faces were restored.
        torch_loaded: Whether PyTorch was loaded.
    """

    peak: int
    seconds: float
    faces: int
    torch_loaded: bool


def restore_in_fresh_process(photo: Path, weights: Path, output: Path | None = None) -> Cost:
    """Restore a photo on the CPU in a new process, and write the result if ``output`` is given."""
    arguments = [str(photo), str(weights), "" if output is None else str(output)]
    measured = subprocess.run([sys.executable, "-c", _CODE, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return Cost(**json.loads(measured.stdout))
