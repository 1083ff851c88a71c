"""Settings of JSON answers."""

from pydantic import Field

from c2casgiutils.config._types import Group


class Json(Group):
    """Settings of `responses.PrettyJSONResponse`."""

    pretty_print: bool = Field(default=False, description="Indent the JSON of `PrettyJSONResponse`")
    sort_keys: bool = Field(default=False, description="Sort the keys of the JSON of `PrettyJSONResponse`")
