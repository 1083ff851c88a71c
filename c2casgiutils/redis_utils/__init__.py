"""The only factory of Redis clients and connections.

The clients belong to the event loop and the process that requested them: on another loop, or after a fork,
new ones are created.
"""

from c2casgiutils.redis_utils._clients import (
    aclose,
    check_settings,
    cleanup,
    create_link_connection,
    get,
    is_configured,
    is_master_connection,
)
from c2casgiutils.redis_utils._names import describe, scoped
from c2casgiutils.redis_utils._signatures import SignatureError, Signer
from c2casgiutils.redis_utils._threads import Subscription, Subscriptions, address_of

__all__ = [
    "SignatureError",
    "Signer",
    "Subscription",
    "Subscriptions",
    "aclose",
    "address_of",
    "check_settings",
    "cleanup",
    "create_link_connection",
    "describe",
    "get",
    "is_configured",
    "is_master_connection",
    "scoped",
]
