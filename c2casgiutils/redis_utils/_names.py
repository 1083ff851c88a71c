"""Names of keys and channels, and errors of Redis without passwords."""

from c2casgiutils import config
from c2casgiutils._secrets import scrub

_MAX_LENGTH = 500


def scoped(name: str) -> str:
    """Return the name of a key or channel of this service.

    With Redis Cluster the prefix is a hash tag, so that all keys of a service are on one node.

    Args:
        name: The name within the service.
    """
    prefix = config.settings.redis.broadcast_prefix
    return f"{{{prefix}}}{name}" if config.settings.redis.cluster else f"{prefix}{name}"


def describe(error: BaseException) -> str:
    """Return an error as one short line, without credentials.

    Args:
        error: The error; of an exception group, the first one is used.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(scrub(str(error), _passwords()).split())[:_MAX_LENGTH]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _passwords() -> list[str]:
    from urllib.parse import unquote, urlsplit  # only needed for errors

    settings = config.settings.redis
    found = [str(options.get("password") or "") for options in (settings.options, settings.sentinel_options)]
    try:
        password = urlsplit(settings.url or "").password or ""
    except ValueError:
        password = ""
    found += [password, unquote(password)]
    return [secret for secret in found if secret]
