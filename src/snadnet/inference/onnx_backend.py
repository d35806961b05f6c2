"""Backend of ONNX files: runs an exported graph on face crops, with the same bytes whatever the batch."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from snadnet.catalogue import current_name
from snadnet.concurrency import Ahead, CorePool
from snadnet.environment import available_cores
from snadnet.errors import ModelError, WeightsError
from snadnet.faces.classes import NUM_CLASSES
from snadnet.image_arrays import channels_first, channels_last
from snadnet.inference.backend import Backend, BackendAround, RestoredCrops, check_crops
from snadnet.inference.devices import CPU, Device, chosen_device
from snadnet.inference.graph_cache import Graph
from snadnet.inference.graph_ports import GraphPorts, read_ports
from snadnet.inference.onnx_metadata import MODEL_KEY, read_crop_size, read_metadata, read_size_rule
from snadnet.inference.onnx_safety import read_graph_file
from snadnet.inference.protobuf import DamagedError
from snadnet.inference.releases import check_shared_weights, release_digest
from snadnet.inference.sessions import GraphSession, is_kept, open_graph
from snadnet.photo import printable
from snadnet.size_rule import SizeRule, unpadded

_KERNEL: Final = "kernel"
_PARSING: Final = "parsing"
_CONTRACT: Final = {"blurred": 3, "restored": 3, _PARSING: NUM_CLASSES}
_OUTPUTS: Final[tuple[str, ...]] = ("restored", _PARSING, _KERNEL)
_LARGEST_KERNEL: Final = 127
_DIMENSIONS: Final = 4

# Devices on which a batch's crops are computed one by one, each by one thread.
_SIDE_BY_SIDE: Final = frozenset({"cpu", "openvino"})


class OnnxBackend:
    """Restores face crops, parses them and estimates their blur where the graph does.

    It may be shared between threads, goes on in a forked process (on the CPU), and can be pickled: its file is opened
    again where it arrives.

    On the CPU a crop's result does not depend on the crops beside it, on other threads or on the number of cores:
    each crop is computed by itself and by one thread, and a batch's crops side by side, as many as there are
    cores. (With several threads for one crop ONNX Runtime adds up in another order, and with several crops in
    one run in yet another.) On other devices than the CPU's a batch is one run, and
    the last bits may depend on its size.

    Any file but a release's is checked, and tried at once with two small crops, which finds a graph that gives other
    sizes than it declares.

    On the CPU crops of the size that it is made for, as photos give them, have a graph of their own that takes no
    others: it opens and runs faster. Of a release, either is opened when it is first needed, or before (`open_ahead`).

    Args:
        path: An ONNX file that keeps the contract of `snadnet.inference`.
        device: ``"auto"`` for CUDA where ONNX Runtime has it and the CPU elsewhere, or a device of
            `snadnet.inference.devices`.

    Attributes:
        device: Where it runs, such as ``"cpu"``.
        model: The network's registered name; None where the file does not tell.
        size: The sizes that the graph takes; all others are padded.
        crop_size: The crops that it is made for.

    Raises:
        WeightsError: If the file is missing, no ONNX graph, or of another kind of network.
        ModelError: If the device is unknown or not there.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        self._chosen = chosen_device(device)
        self.path = path
        self._asked = device
        self._name = printable(path)
        release = release_digest(path)
        if release is None:
            content = read_graph_file(path)
            self._graph = Graph(hashlib.sha256(content).hexdigest(), lambda: content)
        else:
            # Checked when it was made; of its weights nothing is read where its graph is kept.
            content = path.read_bytes()
            self._graph = Graph(release, partial(_read_release, path))
        try:
            metadata, ports = read_metadata(content), read_ports(content)
        except DamagedError as error:
            raise self._damaged() from error
        self._outputs = _checked_outputs(self._name, ports)
        self.model: str | None = current_name(metadata[MODEL_KEY]) if MODEL_KEY in metadata else None
        self.size: SizeRule = read_size_rule(self._name, metadata)
        self.crop_size: int = read_crop_size(self._name, metadata)
        self._usual = (1, 3, self.crop_size, self.crop_size)
        self._pool = CorePool("snadnet-network")
        self._sessions: dict[bool, GraphSession] = {}
        # By the names of the free dimensions; None where there is no graph for them alone.
        self._fixed: dict[str, int] | None = None
        if self._chosen.provider == CPU and self.size.padded(*self._usual[2:]) == self._usual[2:]:
            pairs = zip(ports.inputs[0].shape, self._usual, strict=True)
            self._fixed = {name: size for name, size in pairs if isinstance(name, str) and name}
        self.device: Device = self._chosen.name
        self._ahead: Ahead[GraphSession] | None = None
        if release is not None and not is_kept(self._graph, self._chosen, self._fixed):
            check_shared_weights(path)  # what is damaged is said now, not with the first photo
        if (release is None or self._fixed is None) and not self._session(usual=False).on_device:
            self.device = "cpu"
        if release is None:
            self._try_sizes()

    def _try_sizes(self) -> None:
        """Run two small crops."""
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

    def open_ahead(self) -> None:
        """Begin to open the graph for the usual crops in a thread of its own, if there is a core for it."""
        unopened = self._fixed is not None and self._ahead is None and True not in self._sessions
        if unopened and available_cores() > 1:
            # Without a lock, which could be inherited locked: two threads may each begin, and both work.
            self._ahead = Ahead(partial(self._open, self._fixed))

    def _session(self, *, usual: bool) -> GraphSession:
        """The graph for the usual crops, if there is one, or that for all."""
        usual = usual and self._fixed is not None
        if usual and self._ahead is not None:
            return self._ahead.result()
        if usual not in self._sessions:
            # Without a lock, which could be inherited locked: two threads may each open one, and both work.
            self._sessions[usual] = self._open(self._fixed if usual else None)
        return self._sessions[usual]

    def _open(self, fixed: Mapping[str, int] | None) -> GraphSession:
        try:
            return open_graph(self._graph, self._chosen, fall_back=self._asked == "auto", fixed=fixed)
        except (ModelError, WeightsError):
            raise
        except Exception as error:  # the runtimes' errors have no base class but Exception
            raise self._damaged() from error

    def _damaged(self) -> WeightsError:
        return WeightsError(f"{self._name}: not a readable ONNX file, or damaged; export or copy it again")

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
        outputs = self._run_each(blurred) if self.device in _SIDE_BY_SIDE else self._run(blurred)
        made = dict(zip(self._outputs, outputs, strict=True))
        kernel = made.pop(_KERNEL, None)
        restored, *parsing = (_cut(output, (height, width), padded.shape[1:3]) for output in made.values())
        return RestoredCrops(
            np.clip(channels_last(restored), 0, 1),
            # As it lies: a copy would take 5 MB.
            np.moveaxis(parsing[0], 1, 3) if parsing else None,
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
        self._session(usual=blurred.shape[1:] == self._usual[1:])  # or each of its threads would open one
        results = self._pool.map(self._run, [blurred[index : index + 1] for index in range(len(blurred))])
        return [np.concatenate(outputs) if len(outputs) > 1 else outputs[0] for outputs in zip(*results, strict=True)]

    def _run(self, blurred: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Run ``(B, 3, H, W)`` in one go and check what comes back."""
        session = self._session(usual=blurred.shape == self._usual)
        try:
            outputs = session.run(self._outputs, blurred)
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


def _read_release(path: Path) -> bytes:
    check_shared_weights(path)
    return read_graph_file(path)


def _shape_of_one(name: str, output: NDArray[np.float32], blurred: NDArray[np.float32]) -> tuple[int, ...]:
    """The shape that the contract asks of one crop's output."""
    if name != _KERNEL:
        halves = tuple(side // 2 for side in blurred.shape[2:])
        return (_CONTRACT[name], *(halves if name == _PARSING and output.shape[2:] == halves else blurred.shape[2:]))
    # Made odd and no larger than may be: of a wrong side, another one is asked.
    side = min(max(output.shape, default=1) | 1, _LARGEST_KERNEL)
    return (side, side)


def runs_side_by_side(network: Backend) -> bool:
    """Whether a network computes each crop by one thread, so that several threads may give it one each.

    Any other network makes the most of a batch.
    """
    network = _innermost(network)
    return isinstance(network, OnnxBackend) and network.device in _SIDE_BY_SIDE


def open_ahead(network: Backend) -> None:
    """Begin to open a network that is about to be needed, if it is one that is opened only then."""
    network = _innermost(network)
    if isinstance(network, OnnxBackend):
        network.open_ahead()


def _innermost(network: Backend) -> Backend:
    while isinstance(network, BackendAround):
        network = network.network
    return network


def _checked_outputs(name: str, ports: GraphPorts) -> list[str]:
    """The outputs that the graph has, in the order of the contract.

    Raises:
        WeightsError: If its inputs and outputs are not those of the contract.
    """
    given = [port.name for port in ports.outputs]
    names: list[str] = [each for each in _OUTPUTS if each in given]
    if [port.name for port in ports.inputs] != ["blurred"] or "restored" not in names or sorted(names) != sorted(given):
        raise WeightsError(
            f"{name}: not a snadnet restoration network: it needs the input 'blurred', the output 'restored' and "
            "none beside it but 'parsing' and 'kernel'; make it with: snadnet export"
        )
    for port in (*ports.inputs, *ports.outputs):
        sizes = port.sizes
        if port.name == _KERNEL:
            wanted = "(B, K, K) with free B"
            fits = len(sizes) == _DIMENSIONS - 1 and sizes[0] is None and sizes[1] == sizes[2]
        else:
            wanted = f"(B, {_CONTRACT[port.name]}, H, W) with free B, H and W"
            fits = sizes in ([None, _CONTRACT[port.name], None, None], [None] * _DIMENSIONS)
        if port.type != "float32" or not fits:
            raise WeightsError(
                f"{name}: {port.name!r} is {port.type} {printable(str(sizes))}, not float32 {wanted}; "
                "make it with: snadnet export"
            )
    return names


def _cut(output: NDArray[np.float32], size: tuple[int, int], padded: tuple[int, ...]) -> NDArray[np.float32]:
    """What of an output ``(B, C, H, W)`` belongs to crops of a size, which were padded to another one."""
    height, width = (unpadded(*sides) for sides in zip(size, padded, output.shape[2:], strict=True))
    return output[:, :, :height, :width]


def _pad_to_rule(crops: NDArray[np.float32], rule: SizeRule) -> NDArray[np.float32]:
    """Pad ``(B, H, W, 3)`` at the right and bottom: by reflection as far as the crop reaches, then by its edge."""
    mirrored, repeated = rule.padding(*crops.shape[1:3])
    crops = np.pad(crops, ((0, 0), (0, mirrored[0]), (0, mirrored[1]), (0, 0)), mode="reflect")
    return np.pad(crops, ((0, 0), (0, repeated[0]), (0, repeated[1]), (0, 0)), mode="edge")
