"""``snadnet serve``: a page and an HTTP interface that deblur photos on this machine. Needs ``snadnet[server]``.

::

    from snadnet.server import create_app

    app = create_app()  # an ASGI application, for uvicorn and others
"""

from snadnet.server.app import create_app
from snadnet.server.service import Networks
from snadnet.server.settings import ServerSettings

__all__ = ["Networks", "ServerSettings", "create_app"]
