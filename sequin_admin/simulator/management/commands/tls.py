"""`manage.py tls`: the simulator under the providers' real names."""

import asyncio
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand
from django.db import connection

from sequin_admin.simulator.framework import knows_host
from sequin_admin.simulator.tls.authority import Authority
from sequin_admin.simulator.tls.front import TlsFront

RESOLVE = Path(__file__).parents[2] / "tls" / "resolve.cjs"
GUIDE = """The simulator has the providers' real names on port {port}, of this machine only.

  curl     curl --cacert {ca} --connect-to ::127.0.0.1:{port} https://api.stripe.com/v1/customers
  Python   HTTPS_PROXY=http://127.0.0.1:{port} REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca} python ...
  Node     NODE_EXTRA_CA_CERTS={ca} SIMULATOR_TLS=127.0.0.1:{port} node --require {resolve} ...

Ctrl-C ends it."""


class Command(BaseCommand):
    """Serves the simulator with TLS on one port, which is a CONNECT proxy too."""

    help = "Serve the simulator with TLS under the providers' real names, on loopback."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8443)
        parser.add_argument("--folder", type=Path, help="where the CA is kept")

    def handle(self, *args: object, **options: object) -> None:
        beside = Path(str(connection.settings_dict["NAME"])).parent / "simulator-tls"
        folder = Path(str(options["folder"] or beside)).absolute()
        ca, port = Authority(folder).certificate_path, int(str(options["port"]))
        with tempfile.TemporaryDirectory() as inner:
            server = start_server(f"{inner}/simulator.sock", folder)
            try:
                self.stdout.write(GUIDE.format(port=port, ca=ca, resolve=RESOLVE))
                self.stdout.flush()
                asyncio.run(TlsFront(f"{inner}/simulator.sock", knows_host).serve(port))
            finally:
                server.terminate()
                server.wait(30)


def start_server(socket_path: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "--threads", "16", "--log-level", "error"]
    command += ["--config", "python:sequin_admin.simulator.tls.gunicorn_config"]
    # gunicorn has TLS when it has a file, which the settings replace.
    command += ["--certfile", str(folder / "ca.pem"), "--no-control-socket"]
    # Clients keep connections, and send again on one that has been idle.
    command += ["--keep-alive", "75"]
    # Do not wait for calls that stall on purpose.
    command += ["--graceful-timeout", "1", "--bind", f"unix:{socket_path}"]
    environment = {**os.environ, "SIMULATOR_TLS_FOLDER": str(folder)}
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [*command, "sequin_admin.simulator.wsgi:application"], env=environment
    )
