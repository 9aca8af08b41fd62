"""Which files belong to the source, for the tests that look at it or copy it."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def kept_files() -> list[Path]:
    """Every file that belongs to the source: what git tracks or would; without git, all but what is made."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        found = {ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
    else:
        made = {".venv", "data", "__pycache__"}
        found = {path for path in ROOT.rglob("*") if made.isdisjoint(path.relative_to(ROOT).parts)}
    return sorted(path for path in found if path.is_file())
