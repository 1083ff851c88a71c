"""Where a statement comes from: the line of the application, and the route of the request."""

import functools
import inspect
import sysconfig
from pathlib import Path
from types import FrameType

from c2casgiutils._asgi import matched_route
from c2casgiutils.request_tracking import current_scope

_MAX_FRAMES = 200
_MAX_LENGTH = 100
_EVENT_LOOP = frozenset({"asyncio.events", "asyncio.base_events", "asyncio.runners"})
"""Beyond these modules is what started the server."""
_LIBRARIES = frozenset(
    {"anyio", "c2casgiutils", "fastapi", "greenlet", "sqlalchemy", "sqlmodel", "starlette"}
)


def route() -> str | None:
    """Return the method and the route of the current request, `None` outside of a request."""
    scope = current_scope()
    matched = None if scope is None else matched_route(scope)
    if scope is None or matched is None:
        return None
    return f"{scope.get('method', 'WEBSOCKET')} {matched}"[:_MAX_LENGTH]


def line() -> str | None:
    """Return the innermost line of the application, as `path:line function`.

    The path is that of the module. Of code that is installed as a package only the libraries that stand
    between an application and its database are passed over.
    """
    frame = inspect.currentframe()
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return None
        code = frame.f_code
        module = frame.f_globals.get("__name__") or ""
        if module in _EVENT_LOOP:
            return None
        if _is_of_application(code.co_filename, module):
            return f"{_path(code.co_filename, module)}:{frame.f_lineno} {code.co_name}"[:_MAX_LENGTH]
        frame = frame.f_back or _caller_of_greenlet(frame)
    return None


def _caller_of_greenlet(frame: FrameType) -> FrameType | None:
    """Return where the coroutine stands that runs this code of SQLAlchemy in a greenlet."""
    import greenlet

    parent = greenlet.getcurrent().parent
    caller: FrameType | None = None if parent is None else parent.gr_frame
    return None if caller is frame else caller


@functools.lru_cache(maxsize=1_000)
def _is_of_application(file: str, module: str) -> bool:
    if file.startswith("<") or module.partition(".")[0] in _LIBRARIES:
        return False
    return "site-packages" in file or not file.startswith(_standard_library())


@functools.cache
def _standard_library() -> str:
    return str(Path(sysconfig.get_path("stdlib"))) + "/"


def _path(file: str, module: str) -> str:
    """Return the path of a file from the folder that its module is imported from."""
    path = Path(file)
    depth = module.count(".") + (2 if path.name == "__init__.py" else 1)
    return "/".join(path.parts[-depth:])
