"""Sentry: initialisation of the SDK from the settings, and removal of secrets from events."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from c2casgiutils import config, versions
from c2casgiutils._outages import OutageError
from c2casgiutils.config._foreign import foreign
from c2casgiutils.config.sentry import Sentry
from c2casgiutils.sentry._integrations import from_settings, merged
from c2casgiutils.sentry._options import check_options
from c2casgiutils.sentry._scrubber import Scrubber
from c2casgiutils.sentry._tags import TransactionTagMiddleware, tag_events

__all__ = [
    "Scrubber",
    "TransactionTagMiddleware",
    "capture_exceptions",
    "close",
    "enable_asyncio",
    "init",
    "is_active",
    "tag_events",
]

_ENVIRONMENT_FIRST = ("debug", "environment")
"""Settings whose default must not hide the standard `SENTRY_*` variable."""


def init(**options: Any) -> bool:
    """Initialise the SDK from `C2C__SENTRY__...`; call it early, because earlier errors are not reported.

    If a setting is unset, the variable of the SDK applies (`SENTRY_DSN`, `SENTRY_ENVIRONMENT`,
    `SENTRY_DEBUG`). The release is the first of `C2C__SENTRY__RELEASE` (other than `latest`),
    `SENTRY_RELEASE`, the tag or hash of the versions file, `GIT_HASH`. Unless the application gives an
    `event_scrubber`, ours masks the configured secrets and everything named like one, also in local
    variables, query strings and messages.

    Args:
        options: Further keyword arguments of `sentry_sdk.init`, which override the settings.

    Returns:
        Whether Sentry is enabled; `False` without a DSN.

    Raises:
        ConfigurationError: The DSN, an option or an integration is invalid, or the SDK is not installed;
            ends the start.
    """
    settings = config.settings.sentry
    if not (options.get("dsn") or settings.dsn or foreign("SENTRY_DSN")):
        return False
    try:
        import sentry_sdk
        from sentry_sdk.integrations.logging import ignore_logger
        from sentry_sdk.utils import BadDsn
    except ImportError:
        config.end_start(["C2C__SENTRY__DSN: needs the package sentry-sdk, install c2casgiutils[sentry]"])
    check_options(settings.options)
    try:
        with warnings.catch_warnings():
            # The setting is part of our contract; the SDK still follows it.
            warnings.filterwarnings("ignore", "The send_default_pii option is deprecated", DeprecationWarning)
            options = merged(_options(settings), options)
            options["ignore_errors"] = [*(options.get("ignore_errors") or ()), OutageError]
            sentry_sdk.init(**options)
    except BadDsn as error:
        config.end_start([f"C2C__SENTRY__DSN (or SENTRY_DSN): is not a valid DSN ({error})"])
    for name in settings.ignored_loggers:
        ignore_logger(name)
    # The global scope applies to every event, including transactions.
    for name, value in settings.tags.items():
        sentry_sdk.get_global_scope().set_tag(name, value)
    tag_events()
    return True


def is_active() -> bool:
    """Return whether the SDK was initialised, by us or by the application; never imports it."""
    sdk = sys.modules.get("sentry_sdk")
    return sdk is not None and bool(sdk.get_client().is_active())


@contextlib.contextmanager
def capture_exceptions() -> Iterator[None]:
    """Report an exception of the block and raise it again; without Sentry it is only raised.

    For code whose exceptions nobody else reports: scripts, threads, tasks of other libraries.
    """
    try:
        yield
    except Exception as error:
        if is_active():
            import sentry_sdk

            sentry_sdk.capture_exception(error)
        raise


def enable_asyncio() -> None:
    """Report exceptions of tasks of the running event loop; does nothing if Sentry is disabled."""
    if is_active():
        from sentry_sdk.integrations.asyncio import enable_asyncio_integration

        enable_asyncio_integration()


def close(timeout_seconds: float = 2) -> None:
    """Send pending events and disable Sentry. This blocks, so call it in a thread."""
    if is_active():
        import sentry_sdk

        sentry_sdk.get_client().close(timeout=timeout_seconds)
        sentry_sdk.get_global_scope().set_client(None)


def _options(settings: Sentry) -> dict[str, Any]:
    options = {name: value for name, value in settings.model_dump().items() if value is not None}
    for name in _ENVIRONMENT_FIRST:
        if name not in settings.model_fields_set:
            del options[name]
    options |= {**from_settings(settings), **settings.options}
    given = settings.release if settings.release != "latest" else None
    release = given or foreign("SENTRY_RELEASE") or versions.git_tag() or versions.git_hash()
    options["release"] = release or foreign("GIT_HASH") or None  # the SDK looks for one itself then
    options.setdefault(
        "event_scrubber",
        Scrubber(config.secrets_of(config.settings), send_default_pii=bool(settings.send_default_pii)),
    )
    return options
