"""ONNX Runtime backend: runs an exported graph on face crops, with the same bytes whatever the batch."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from snadnet.catalogue import current_name
from snadnet.environment import available_cores
from snadnet.errors import ModelError, WeightsError
from snadnet.faces.classes import NUM_CLASSES
from snadnet.image_arrays import channels_first, channels_last
from snadnet.inference.backend import Device, RestoredCrops, check_crops
from snadnet.inference.onnx_metadata import MODEL_KEY, read_size_rule
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.photo import printable
from snadnet.size_rule import SizeRule

_CONTRACT: Final = {"blurred": 3, "restored": 3, "parsing": NUM_CLASSES}
_KERNEL: Final = "kernel"
_OUTPUTS: Final = ("restored", "parsing", _KERNEL)
_LARGEST_KERNEL: Final = 127
_DIMENSIONS: Final = 4
_CUDA: Final = "CUDAExecutionProvider"
_CPU: Final = "CPUExecutionProvider"
_ERROR: Final = 3  # ONNX Runtime's log level


class OnnxBackend:
    """Restores face crops, parses them and estimates their blur where the graph does.

    It may be shared between threads, goes on in a forked process (on the CPU), and can be pickled: its file is opened
    again where it arrives.

    On the CPU a crop's result does not depend on the crops beside it, on other threads or on the number of cores:
    each crop is computed by itself and by one thread, and a batch's crops side by side, as many as there are
    cores. (With several threads for one crop ONNX Runtime adds up in another order, and with several crops in
    one run in yet another.) On CUDA a batch is one run, and the last bits may depend on its size.

    Args:
        path: An ONNX file that keeps the contract of `snadnet.inference`.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where ONNX Runtime has it and the CPU elsewhere.

    Attributes:
        device: Where it runs: ``"cpu"`` or ``"cuda"``.
        model: The network's registered name; None where the file does not tell.
        size: The sizes that the graph takes; all others are padded.

    Raises:
        WeightsError: If the file is missing, no ONNX graph, or of another kind of network.
        ModelError: If the device is unknown or not there.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        providers = _providers(device)
        self.path = path
        self._asked = device
        self._name = printable(path)
        content = read_graph_file(path)
        options = ort.SessionOptions()
        options.use_deterministic_compute = True
        options.log_severity_level = _ERROR
        options.intra_op_num_threads = 1
        # Else bytes that look like ONNX Runtime's own format would be read as that, which has not been checked.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        try:
            # From bytes, so that what was checked is what is run.
            self._session = ort.InferenceSession(content, options, providers=providers)
        except Exception as error:  # ONNX Runtime's errors have no base class but Exception
            raise WeightsError(
                f"{self._name}: not a readable ONNX file, or damaged; export or copy it again"
            ) from error
        self.device: Device = "cuda" if self._session.get_providers()[0] == _CUDA else "cpu"
        if device == "cuda" and self.device != "cuda":
            raise ModelError(
                "ONNX Runtime could not start CUDA; check the NVIDIA driver and the CUDA and cuDNN libraries "
                "that onnxruntime-gpu needs, or use device 'cpu'"
            )
        self._outputs = _checked_outputs(self._name, self._session)
        self._pool = _start_pool()
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.model: str | None = current_name(metadata[MODEL_KEY]) if MODEL_KEY in metadata else None
        self.size: SizeRule = read_size_rule(self._name, metadata)
        # What a graph declares need not be what it gives: two sizes that share no side would show it.
        rows, columns = self.size.padded(1, 1)
        for height, width in (
            (rows, columns + self.size.width_multiple),
            (rows + self.size.height_multiple, columns),
        ):
            self._run(np.full((1, 3, height, width), 0.5, np.float32))

    def __reduce__(self) -> tuple[type["OnnxBackend"], tuple[Path, Device]]:
        # Opened again where it arrives: a session cannot travel.
        return type(self), (self.path.absolute(), self._asked)

    def __call__(self, crops: NDArray[np.float32]) -> RestoredCrops:
        """Restore a batch of crops.

        Sizes that the network cannot take are padded by reflection (by repeating the edge where the crop is
        smaller than the padding) and cut back.

        Args:
            crops: float32 RGB ``(B, H, W, 3)`` in [0, 1].

        Raises:
            ValueError: If ``crops`` has another shape.
            WeightsError: If the network fails, or gives results that are none.
        """
        check_crops(crops)
        height, width = crops.shape[1:3]
        padded = _pad_to_rule(crops, self.size)
        blurred = channels_first(padded.astype(np.float32, copy=False))
        outputs = self._run(blurred) if self.device == "cuda" else self._run_each(blurred)
        made = dict(zip(self._outputs, outputs, strict=True))
        kernel = made.pop(_KERNEL, None)
        restored, *parsing = (channels_last(output[:, :, :height, :width]) for output in made.values())
        return RestoredCrops(
            np.clip(restored, 0, 1),
            parsing[0] if parsing else None,
            None if kernel is None else self._normalized(kernel),
        )

    def _normalized(self, kernel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Kernels of sum 1 exactly."""
        weights = np.maximum(kernel, 0.0)
        sums = weights.sum(axis=(1, 2), keepdims=True)
        if not (sums > 0).all():
            raise WeightsError(f"{self._name}: {_KERNEL!r} comes back without any weight; export it again")
        normalized: NDArray[np.float32] = weights / sums
        return normalized

    def _run_each(self, blurred: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Run ``(B, 3, H, W)`` crop by crop, side by side."""
        single = [blurred[index : index + 1] for index in range(len(blurred))]
        # A single crop stays in the caller's thread, of which there may be many; all others share one pool.
        results = list(map(self._run, single) if len(single) == 1 else self._threads().map(self._run, single))
        return [np.concatenate(outputs) for outputs in zip(*results, strict=True)]

    def _threads(self) -> ThreadPoolExecutor:
        """The pool of this process: a forked one inherits the pool, but none of its threads."""
        process, pool = self._pool
        if process != os.getpid():
            # Without a lock, which could be inherited locked: two threads may each start one, and both work.
            self._pool = process, pool = _start_pool()
        return pool

    def _run(self, blurred: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Run ``(B, 3, H, W)`` in one go and check what comes back."""
        try:
            outputs: Sequence[NDArray[np.float32]] = self._session.run(self._outputs, {"blurred": blurred})
        except Exception as error:  # as above
            raise WeightsError(
                f"{self._name}: the network fails on {blurred.shape[3]} x {blurred.shape[2]} px"
                f" ({printable(str(error).partition(chr(10))[0])[:200]}); export it again"
            ) from error
        for name, output in zip(self._outputs, outputs, strict=True):
            expected = (len(blurred), *_shape_of_one(name, output, blurred))
            if output.shape != expected:
                raise WeightsError(
                    f"{self._name}: {name!r} comes back as {output.shape}, not {expected}; export it again"
                )
            if not np.isfinite(output).all():
                raise WeightsError(
                    f"{self._name}: {name!r} comes back with values that are no numbers; export it again"
                )
        return outputs


def _shape_of_one(name: str, output: NDArray[np.float32], blurred: NDArray[np.float32]) -> tuple[int, ...]:
    """The shape that the contract asks of one crop's output."""
    if name != _KERNEL:
        return (_CONTRACT[name], *blurred.shape[2:])
    # Made odd and no larger than may be: of a wrong side, another one is asked.
    side = min(max(output.shape, default=1) | 1, _LARGEST_KERNEL)
    return (side, side)


def _start_pool() -> tuple[int, ThreadPoolExecutor]:
    """A pool of a thread for each core that this process may use, with the process's number."""
    return os.getpid(), ThreadPoolExecutor(available_cores(), thread_name_prefix="snadnet-network")


def _providers(device: str) -> list[str]:
    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(f"device {device!r} is unknown; choose auto, cpu or cuda")
    has_cuda = _CUDA in ort.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise ModelError(
            "device 'cuda' needs the GPU build of ONNX Runtime; run: pip uninstall onnxruntime && "
            "pip install onnxruntime-gpu"
        )
    return [_CUDA, _CPU] if has_cuda and device != "cpu" else [_CPU]


def _checked_outputs(name: str, session: ort.InferenceSession) -> list[str]:
    """The outputs that the graph has, in the order of the contract.

    Raises:
        WeightsError: If its inputs and outputs are not those of the contract.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    given = [node.name for node in outputs]
    names = [each for each in _OUTPUTS if each in given]
    if [node.name for node in inputs] != ["blurred"] or "restored" not in names or sorted(names) != sorted(given):
        raise WeightsError(
            f"{name}: not a snadnet restoration network: it needs the input 'blurred', the output 'restored' and "
            "none beside it but 'parsing' and 'kernel'; make it with: snadnet export"
        )
    for node in (*inputs, *outputs):
        # A dimension is a number where it is fixed, and a text or None where it is free.
        fixed = [size if isinstance(size, int) else None for size in node.shape]
        if node.name == _KERNEL:
            wanted = "(B, K, K) with free B"
            fits = len(fixed) == _DIMENSIONS - 1 and fixed[0] is None and fixed[1] == fixed[2]
        else:
            wanted = f"(B, {_CONTRACT[node.name]}, H, W) with free B, H and W"
            fits = fixed in ([None, _CONTRACT[node.name], None, None], [None] * _DIMENSIONS)
        if node.type != "tensor(float)" or not fits:
            raise WeightsError(
                f"{name}: {node.name!r} is {node.type} {printable(str(node.shape))}, not float32 {wanted}; "
                "make it with: snadnet export"
            )
    return names


def _pad_to_rule(crops: NDArray[np.float32], rule: SizeRule) -> NDArray[np.float32]:
    """Pad ``(B, H, W, 3)`` at the right and bottom: by reflection as far as the crop reaches, then by its edge."""
    mirrored, repeated = rule.padding(*crops.shape[1:3])
    crops = np.pad(crops, ((0, 0), (0, mirrored[0]), (0, mirrored[1]), (0, 0)), mode="reflect")
    return np.pad(crops, ((0, 0), (0, repeated[0]), (0, repeated[1]), (0, 0)), mode="edge")
