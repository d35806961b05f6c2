"""``snadnet serve``: the page and the HTTP service."""

import logging
from importlib.util import find_spec
from typing import Annotated

import typer

from snadnet.cli.shared.options import (
    DEFAULT_MAX_FILE_SIZE,
    DEFAULT_MAX_PIXELS,
    EffortOption,
    GraphDeviceOption,
    LightOption,
    MaxCropOption,
    MaxFileSize,
    MaxPixels,
    limits,
    weights_option,
)
from snadnet.concurrency import MAX_DEFAULT_WORKERS, default_workers
from snadnet.errors import ConfigError
from snadnet.faces import LARGE_CROP_SIZE
from snadnet.faces.defaults import Light

_DEFAULT_HOST = "127.0.0.1"


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any but this machine's own lets others in: there is no login.")
    ] = _DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    weights: Annotated[str, weights_option("What a request gets that names no weights.")] = "fidelity",
    device: GraphDeviceOption = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            metavar="N",
            help="Photos at a time.",
            show_default=f"one a core, {MAX_DEFAULT_WORKERS} at most",
        ),
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Photos that may wait; a further one is refused (503).")] = 16,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Time limit for a photo.")] = 120.0,
    effort: EffortOption = 1,
    light: LightOption = Light.AUTO,
    max_crop: MaxCropOption = LARGE_CROP_SIZE,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log a line for each request, without names.")] = False,
) -> None:
    """Open a page in which photos are deblurred, and an HTTP service for programs. Nothing leaves this machine.

    The result is an estimate, not evidence: do not identify people by it. Ctrl-C ends it; photos that are being worked
    on are finished first.
    """
    if any(find_spec(package) is None for package in ("starlette", "uvicorn", "python_multipart")):
        raise ConfigError("the page and the service need more packages: pip install 'snadnet[server]'")
    from snadnet.server import Networks, ServerSettings, create_app  # noqa: PLC0415 (needs the extra)
    from snadnet.server.run import address_of, bind, is_loopback, run  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(message)s")
    settings = ServerSettings(
        limits=limits(max_pixels, max_file_size),
        workers=workers or default_workers(),
        queue=queue,
        request_seconds=timeout,
    )
    networks = Networks(device=device, default=weights, max_crop=max_crop, effort=effort, light=light)
    app = create_app(settings, networks=networks)
    listening = bind(host, port)
    if not is_loopback(host):
        typer.echo(
            f"warning: {host} is reached from other machines, and there is no login: whoever reaches it can use it",
            err=True,
        )
    run(app, listening, open_page=open_page, on_ready=lambda: typer.echo(f"snadnet: {address_of(listening)}", err=True))
