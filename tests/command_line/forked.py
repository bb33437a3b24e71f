"""The command line in processes that are forked after its modules were loaded, which takes most of
the time of a call."""

import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

MODULE = "sequin_admin.command_line"
MOST_BYTES = 1 << 20
TIMEOUT_S = 120


class Forking:
    """A process that has loaded the program, and forks itself for each call."""

    def __init__(self, root: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket = ours
        self.socket.settimeout(TIMEOUT_S)
        command = [sys.executable, "-P", "-W", "error", __file__, str(theirs.fileno())]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        with theirs:
            self.process = subprocess.Popen(
                command, env=environment, pass_fds=[theirs.fileno()], cwd=root
            )

    def run(
        self, arguments: list[str], *, stdin: bytes, cwd: Path, env: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """As `subprocess.run()` of the program, with files in `cwd`'s parent for what it prints."""
        paths = [cwd.parent / f"{cwd.name}.{name}" for name in ("in", "out", "err")]
        paths[0].write_bytes(stdin)
        asked = {"arguments": arguments, "paths": [*map(str, paths)], "cwd": str(cwd), "env": env}
        self.socket.send(json.dumps(asked).encode())
        code = int(self.socket.recv(16))
        out, err = (path.read_bytes() for path in paths[1:])
        return subprocess.CompletedProcess(arguments, code, out, err)

    def end(self) -> None:
        self.socket.close()
        self.process.wait(TIMEOUT_S)


def serve(asking: socket.socket) -> None:
    while asked := asking.recv(MOST_BYTES):
        child = os.fork()
        if child == 0:
            asking.close()
            become(**json.loads(asked))
        asking.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def become(arguments: list[str], paths: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """Turn this process into a call of the program, and end."""
    modes = (os.O_RDONLY, *(os.O_WRONLY | os.O_CREAT | os.O_TRUNC,) * 2)
    for number, (path, mode) in enumerate(zip(paths, modes, strict=True)):
        os.dup2(os.open(path, mode), number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv[1:] = arguments
    runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    import sequin_admin.command_line.program  # noqa: F401 - what a call would load

    with socket.socket(fileno=int(sys.argv[1])) as asking:
        serve(asking)
