"""Cost of one network, measured in a process that does nothing else; ``snadnet.profiling.benchmark`` starts it.

``python -m snadnet.profiling.process REQUEST`` takes a ``Request`` as JSON and prints a
``Measurement`` as JSON, or ``{"error": line}``. PyTorch is loaded only for networks that run on it.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from snadnet.environment import peak_memory
from snadnet.errors import ModelError, SnadnetError

WARM_UP_RUNS: Final = 2


@dataclass(frozen=True)
class Request:
    """A network and how to measure it.

    Attributes:
        network: A ``.onnx`` or ``.safetensors`` file, or the registered name of an untrained network.
        trained: Whether it is a file.
        size: Height and width of the image in pixels.
        runs: Number of timed runs, after the warm-up runs.
        device: Where to compute.
        threads: CPU threads of PyTorch; None for its own choice.
        fp16: Mixed precision, float16 where PyTorch's autocast holds it safe; on CUDA only.
    """

    network: str
    trained: bool
    size: int
    runs: int
    device: Literal["cpu", "cuda"]
    threads: int | None
    fp16: bool


@dataclass(frozen=True)
class Measurement:
    """The measured cost of a network.

    Attributes:
        model: The registered name; None where a file does not tell.
        runtime: ``"PyTorch"`` or ``"ONNX Runtime"``.
        device: ``"cpu"``, or the name of the GPU.
        threads: CPU threads that compute one image.
        seconds: Wall time of each timed run, from an image in the device's memory to its restoration there (for
            ONNX graphs, in the computer's).
        peak_memory: The process's greatest resident memory in bytes, with Python, its libraries, and the weights;
            on CUDA the greatest memory that PyTorch's tensors took there. None where it is unknown.
        memory_before: The same before the network was made or loaded: what Python and its libraries take.
    """

    model: str | None
    runtime: str
    device: str
    threads: int
    seconds: tuple[float, ...]
    peak_memory: int | None
    memory_before: int | None


def measure(request: Request) -> Measurement:
    """Measure a network in this process.

    Raises:
        WeightsError: If the file is damaged or of another kind.
        ModelError: If the network is unknown or a parser, or the device is not there.
    """
    on_torch = not request.trained or Path(request.network).suffix.lower() == ".safetensors"
    return _measure_model(request) if on_torch else _measure_graph(request)


def _measure_graph(request: Request) -> Measurement:
    from snadnet.inference import load_model  # noqa: PLC0415 (only one runtime is to be in memory)

    before = peak_memory()
    graph = load_model(request.network, request.device)
    crop = np.random.default_rng(0).random((1, request.size, request.size, 3), np.float32)
    seconds = _time(lambda: graph(crop), request.runs)
    on_cpu = request.device == "cpu"
    # The runtime gives a crop one thread, and what ONNX Runtime takes of a GPU it does not tell.
    memory = (peak_memory(), before) if on_cpu else (None, None)
    return Measurement(graph.model, "ONNX Runtime", request.device, 1, seconds, *memory)


def _measure_model(request: Request) -> Measurement:
    import torch  # noqa: PLC0415 (only one runtime is to be in memory)

    from snadnet.inference.torch_backend import torch_device  # noqa: PLC0415
    from snadnet.models import Restorer, create_model, read_model  # noqa: PLC0415

    place = torch_device(request.device)
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    torch.manual_seed(0)
    on_cuda = place.type == "cuda"
    before = 0 if on_cuda else peak_memory()
    model = read_model(request.network) if request.trained else create_model(request.network)
    if not isinstance(model, Restorer):
        raise ModelError(f"{request.network}: is a face parser; give a deblurring network")
    image = torch.rand(1, 3, request.size, request.size).to(place)
    model = model.eval().to(place)
    if on_cuda:
        torch.backends.cudnn.benchmark = True
        model = model.to(memory_format=torch.channels_last)
        image = image.to(memory_format=torch.channels_last)

    def run() -> None:
        with torch.inference_mode(), torch.autocast(place.type, dtype=torch.float16, enabled=request.fp16):
            model(image)
        if on_cuda:
            torch.cuda.synchronize()

    seconds = _time(run, request.runs)
    return Measurement(
        model.descriptor.name,
        "PyTorch",
        torch.cuda.get_device_name() if on_cuda else "cpu",
        torch.get_num_threads(),
        seconds,
        torch.cuda.max_memory_allocated() if on_cuda else peak_memory(),
        before,
    )


def _time(run: Callable[[], object], runs: int) -> tuple[float, ...]:
    for _ in range(WARM_UP_RUNS):
        run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return tuple(seconds)


def main() -> None:
    """Read the request, print the measurement."""
    try:
        print(json.dumps(asdict(measure(Request(**json.loads(sys.argv[1]))))))
    except SnadnetError as error:
        print(json.dumps({"error": str(error)}))


if __name__ == "__main__":
    main()
