"""Opened graphs, whichever runtime runs them: ONNX Runtime, or OpenVINO of the extra ``snadnet[openvino]``."""

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Final, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from snadnet.environment import available_cores
from snadnet.errors import ModelError
from snadnet.inference.devices import CPU, DeviceEntry
from snadnet.inference.graph_cache import Graph, keeps, open_session

_ERROR: Final = 3  # ONNX Runtime's log level
_X86: Final = ("x86_64", "amd64")
_TELEMETRY: Final = "openvino_telemetry"


class GraphSession(Protocol):
    """A graph that is ready to run; may be shared between threads.

    Attributes:
        on_device: Whether it runs on the device that was chosen, and not on the CPU instead.
    """

    on_device: bool

    def run(self, names: Sequence[str], blurred: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Return the outputs of these names for the input ``blurred``."""


def open_graph(
    graph: Graph, device: DeviceEntry, *, fall_back: bool, fixed: Mapping[str, int] | None = None
) -> GraphSession:
    """Open a graph on a device.

    Args:
        graph: The graph.
        device: Where it runs.
        fall_back: Whether the CPU will do where the device cannot be started.
        fixed: Sizes of free dimensions, by their names: the graph takes no other then, which makes it faster to open
            and to run. Only on the CPU by ONNX Runtime.

    Raises:
        ModelError: If the device cannot be started.
        Exception: The runtime's own, if the graph cannot be run.
    """
    if device.provider is None:
        return _OpenVinoSession(graph.read())
    return _OnnxSession(graph, device, fall_back=fall_back, fixed=fixed or {})


def is_kept(graph: Graph, device: DeviceEntry, fixed: Mapping[str, int] | None) -> bool:
    """Whether opening a graph so takes what is kept of it, and need not read it.

    Args:
        graph: The graph.
        device: As for `open_graph`.
        fixed: As for `open_graph`.
    """
    return device.provider == CPU and keeps(graph, _onnx_options(), [CPU], fixed or {})


class _OnnxSession:
    def __init__(self, graph: Graph, device: DeviceEntry, *, fall_back: bool, fixed: Mapping[str, int]) -> None:
        # From bytes, so that what was checked is what is run.
        if device.provider == CPU:
            self._session = open_session(graph, _onnx_options, [CPU], fixed)
        else:
            self._session = ort.InferenceSession(graph.read(), _onnx_options(), providers=[device.provider, CPU])
        self.on_device = self._session.get_providers()[0] == device.provider
        if not self.on_device and not fall_back:
            raise ModelError(
                f"ONNX Runtime could not start the device {device.name!r}; check its driver and libraries,"
                " or use device 'cpu'"
            )

    def run(self, names: Sequence[str], blurred: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        outputs: Sequence[NDArray[np.float32]] = self._session.run(list(names), {"blurred": blurred})
        return outputs


def _onnx_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.use_deterministic_compute = True
    options.log_severity_level = _ERROR
    options.intra_op_num_threads = 1
    # It would hold a block for all of a run beside the memory of the first run: a third more, and no faster.
    options.enable_mem_pattern = False
    # Planning which results may lie where others were takes much of the opening, and keeps more memory than freeing
    # each after its last use.
    options.enable_mem_reuse = False
    if platform.machine().lower() in _X86:
        # A second copy of matrices in another order: no faster to run there, and it takes time and memory to open.
        options.add_session_config_entry("session.disable_prepacking", "1")
    # Else bytes that look like ONNX Runtime's own format would be read as that, which has not been checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


class _OpenVinoSession:
    """A graph on the CPU by OpenVINO, in float32; as many runs side by side as there are cores."""

    on_device = True

    def __init__(self, content: bytes) -> None:
        openvino = _openvino()
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": available_cores(),
            "NUM_STREAMS": available_cores(),
        }
        self._model = core.compile_model(core.read_model(content), "CPU", settings)

    def run(self, names: Sequence[str], blurred: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        # A request of its own: one that is shared would mix up threads.
        results = self._model.create_infer_request().infer({"blurred": blurred})
        return [np.array(results[name]) for name in names]


def _openvino() -> ModuleType:
    """The package ``openvino``, without its telemetry, which reports to Google Analytics as soon as it is imported.

    It has a stub in place of that for where ``openvino-telemetry`` is not installed. ``None`` says so.
    """
    absent = _TELEMETRY not in sys.modules
    if absent:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        return import_module("openvino")
    finally:
        if absent:
            del sys.modules[_TELEMETRY]
