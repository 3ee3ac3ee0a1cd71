"""Starts the AWS emulator that the tests use: MiniStack, held to what AWS does.

MiniStack answers S3, DynamoDB, Lambda and API Gateway on one port without Docker. The release named below is patched
in memory (`patches/`) where it is kinder than AWS or wrong; the installed package stays as it is.

Environment:

GATEWAY_PORT          port to listen on; 0 takes a free one (default 4566)
BIND_HOST             address to listen on (default 127.0.0.1)
EMULATOR_STATE_DIR    directory for everything the emulator writes (default: a temporary one, removed at the end)
EMULATOR_TETHERED     1: stop when standard input ends, so that it never outlives the process that started it
AUTH                  true: enforce IAM (MiniStack's own switch; all others pass through too)

Once it listens, one line on standard output says `listening on http://HOST:PORT`.
"""

import contextlib
import importlib
import importlib.metadata
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading

# The checkout stays clean.
sys.dont_write_bytecode = True

from patches import cloudformation, gateway, iam, s3
from patches.patching import expect

MINISTACK = "1.5.33"


def free_port(host):
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def configure(state):
    """Settles the environment, which MiniStack reads while it is imported. Returns host and port."""
    host = os.environ.setdefault("BIND_HOST", "127.0.0.1")
    port = int(os.environ.get("GATEWAY_PORT", "4566")) or free_port(host)
    os.environ["GATEWAY_PORT"] = str(port)
    for name, directory in (("S3_DATA_DIR", "s3"), ("STATE_DIR", "state"), ("TMPDIR", "tmp")):
        path = state / directory
        path.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(path)
    tempfile.tempdir = None
    # Functions reach the emulator through this address, and presigned URLs name it.
    os.environ.setdefault("AWS_ENDPOINT_URL", f"http://localhost:{port}")
    # Listeners of services that no test uses, and the machine's own Docker, which is none of the emulator's business.
    os.environ.setdefault("IOT_MTLS_ENABLED", "0")
    os.environ.setdefault("SFTP_ENABLED", "0")
    os.environ["DOCKER_HOST"] = f"unix://{state}/no-docker.sock"
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    return host, port


def stop():
    """Ends this process the way its own signal handler does."""
    os.kill(os.getpid(), signal.SIGTERM)


def announce(host, port):
    """Says so on standard output as soon as the emulator accepts connections."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            print(f"listening on http://{host}:{port}", flush=True)
            return
        threading.Event().wait(0.02)


def await_end_of_input():
    """Stops the emulator when the process at the other end of standard input is gone."""
    while sys.stdin.buffer.read(4096):
        pass
    stop()


def in_background(target, *args):
    """Runs `target` on a thread that does not keep the process alive."""
    threading.Thread(target=target, args=args, daemon=True).start()


@contextlib.contextmanager
def state_directory():
    """The directory that the emulator may write to."""
    given = os.environ.get("EMULATOR_STATE_DIR")
    if given:
        yield pathlib.Path(given).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="ringhold-emulator-", ignore_cleanup_errors=True) as made:
        yield pathlib.Path(made)


def main():
    """Patches and runs MiniStack until a signal or, tethered, the end of standard input."""
    installed = importlib.metadata.version("ministack")
    expect(installed == MINISTACK, f"MiniStack {installed} is installed, {MINISTACK} is needed")
    with state_directory() as state:
        host, port = configure(state)
        app = importlib.import_module("ministack.app")
        s3.patch()
        gateway.patch(app)
        iam.patch(app)
        cloudformation.patch()
        if os.environ.get("EMULATOR_TETHERED") == "1":
            in_background(await_end_of_input)
        in_background(announce, host, port)
        sys.argv = sys.argv[:1]
        app.main()


if __name__ == "__main__":
    main()
