"""Where compiled code is kept: in a temporary folder where no usual place can be written.

Numba keeps it beside the source or in the user's own cache, PyTensor in the user's home. In a
container both may be read-only, and then neither so much as imports.
"""

import os
import stat
import tempfile
from functools import cache
from pathlib import Path
from typing import Any


def settle_caches() -> None:
    """Name a temporary folder to whichever of Numba and PyTensor has no place to write.

    The names go into the environment, for processes begun from here. What the user has set stands.
    """
    if not _numba_has_a_place():
        os.environ["NUMBA_CACHE_DIR"] = str(_temporary() / "numba")
        from numba.core.config import reload_config  # not before its folder is named

        reload_config()
    flags, home = os.environ.get("PYTENSOR_FLAGS", ""), Path(os.environ.get("HOME") or Path.home())
    if "base_compiledir" not in flags and os.name == "posix" and not _usable(home / ".pytensor"):
        mine = f"base_compiledir={_temporary() / 'pytensor'}"
        os.environ["PYTENSOR_FLAGS"] = f"{flags},{mine}" if flags else mine


def survive_renaming() -> None:
    """Let a cache that names a type of an earlier version be compiled anew.

    Numba unpickles an index before it asks whether the source is still the same.
    """
    from numba.core.caching import IndexDataCacheFile  # not before its folder is named

    load = IndexDataCacheFile._load_index

    def load_index(self: Any) -> Any:
        try:
            return load(self)
        except (AttributeError, ImportError):
            return {}

    IndexDataCacheFile._load_index = load_index


def _numba_has_a_place() -> bool:
    """Try the places in Numba's own order, for all rooms with compiled code."""
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    if given and _usable(Path(given)):
        return True
    package = Path(__file__).parents[2]
    rooms = ("model/numerics", "inference/filter")
    if all(_usable(package / room / "__pycache__") for room in rooms):
        return True
    from numba.misc.appdirs import AppDirs  # slow, and seldom needed

    return _usable(Path(AppDirs(appname="numba", appauthor=False).user_cache_dir))


def _usable(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or it can be made itself; makes neither."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@cache
def _temporary() -> Path:
    """Return a folder that nobody else can write: what lies in it is run as code.

    The same one each time, so that what is compiled once is found again.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"beliefs-cache-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if found.st_uid == user and private and _usable(folder):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="beliefs-cache-"))
