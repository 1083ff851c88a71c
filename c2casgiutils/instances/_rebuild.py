"""The recovery of a roster that Redis lost."""

import asyncio

from c2casgiutils.instances._entry import REBUILT_FIELD
from c2casgiutils.instances._roster import Roster
from c2casgiutils.redis_utils._link import Link

_REBUILD_SECONDS = 0.4


async def call_others(link: Link, roster: Roster, own_id: str, publish_word: str) -> None:
    """Notify the other processes that the roster was lost, and wait until they can have entered it.

    Without other processes the roster is complete.

    Args:
        link: The connection to Redis.
        roster: The roster.
        own_id: The id of this process.
        publish_word: The command that publishes.
    """
    channels = roster.channels
    connections = channels.count([own_id])
    _, reply = await link.execute((publish_word, channels.all, own_id), connections.command)
    connections.note(reply)
    if not connections.are_only([own_id]):
        await asyncio.sleep(_REBUILD_SECONDS)
        return
    _, currency = await link.execute(("HSET", roster.key, REBUILT_FIELD, 0), roster.currency_command)
    roster.read_token(currency, link.now())
