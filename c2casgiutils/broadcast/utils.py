"""Helpers of the broadcast."""

import os
import socket
from typing import Any

from c2casgiutils.broadcast.types import BroadcastResponse


def add_host_info(payload: Any) -> BroadcastResponse[Any]:
    """Wrap the return value of a handler as the answer of this process.

    Args:
        payload: The return value.
    """
    return BroadcastResponse[Any].model_construct(
        hostname=socket.gethostname(), pid=os.getpid(), payload=payload
    )
