"""Imported first: goes on under the system's Python where this one has not what the peers need (`scripts/setup test` puts it there)."""
import importlib.util
import os
import sys

MODULES, SYSTEM = ("grpc", "h2", "websockets"), "/usr/bin/python3"

if missing := [name for name in MODULES if importlib.util.find_spec(name) is None]:
    if os.environ.get("SLUICE_PEERS_PYTHON") or not os.access(SYSTEM, os.X_OK):
        sys.exit(f"{sys.executable} has no {', '.join(missing)}: scripts/setup test")
    os.execve(SYSTEM, [SYSTEM, *sys.orig_argv[1:]], {**os.environ, "SLUICE_PEERS_PYTHON": SYSTEM})
