"""Python packages that a tool needs, in an environment of its own below .cache/tools."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / ".cache/tools"


def use(name, packages, script):
    """Installs `packages`, pinned by the caller, and runs `script` again in their environment."""
    environment = install(name, packages)
    if Path(sys.prefix).resolve() != environment.resolve():
        python = environment / "bin/python"
        os.execv(python, [str(python), str(script), *sys.argv[1:]])


def install(name, packages):
    """Installs them once, and returns the environment's directory."""
    environment = TOOLS / name
    stamp = environment / "installed"
    wanted = "\n".join([sys.version.split()[0], *packages])
    TOOLS.mkdir(parents=True, exist_ok=True)
    # Two runs in one checkout install once.
    with open(TOOLS / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return environment
        print(f"{name}: installing {', '.join(packages)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        pip = [environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *packages], check=True, timeout=900)
        stamp.write_text(wanted)
    return environment
