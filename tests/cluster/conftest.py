"""One Ray for all tests of the cluster, and a server that speaks the protocol of S3."""

import os
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

import snadnet


@pytest.fixture(scope="session")
def keys():
    """The keys of the S3 server, which Ray's workers take from the environment that Ray was started in."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="session")
def ray(keys):
    """Ray on this machine; its start takes some seconds, and each run of workers a few more."""
    if find_spec("ray") is None:  # imported, it could not be started on loopback any more
        pytest.skip("needs snadnet[cluster]")
    from snadnet.cluster.session import ray_session  # noqa: PLC0415

    # The workers import the tests' deblurrers, from wherever they start.
    tests = Path(__file__).parents[1]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(snadnet.__file__).parents[1]), str(tests)])
    with ray_session(None) as module:
        yield module


@pytest.fixture(scope="session")
def s3(keys):
    """The address of an S3 server on loopback, as ``host:port``; its bucket is ``bucket``."""
    pytest.importorskip("pyarrow", reason="needs snadnet[cluster]")
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from pyarrow.fs import S3FileSystem  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"127.0.0.1:{server.port}"
    S3FileSystem(endpoint_override=address, scheme="http", region="us-east-1", allow_bucket_creation=True).create_dir(
        "bucket"
    )
    yield address
    server.shutdown()
    thread.join()
