"""JSON for people who read it."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils import config
from c2casgiutils.responses import PrettyJSONResponse
from tests.support.asgi import client

CONTENT: dict[Any, Any] = {"b": [{"z": 1, "a": "é"}], "a": None, 3: True}


async def answer(monkeypatch: pytest.MonkeyPatch, **variables: str) -> httpx.Response:
    for name, value in variables.items():
        monkeypatch.setenv(f"C2C__JSON__{name}", value)
    config.settings = config.Settings()
    app = FastAPI(default_response_class=PrettyJSONResponse)

    @app.get("/")
    async def root() -> Any:
        return CONTENT

    async with client(app) as http:
        return await http.get("/")


async def test_by_default_it_is_compact(monkeypatch: pytest.MonkeyPatch) -> None:
    response = await answer(monkeypatch)
    assert response.text == '{"b":[{"z":1,"a":"é"}],"a":null,"3":true}'
    assert response.headers["content-type"] == "application/json"


async def test_indented(monkeypatch: pytest.MonkeyPatch) -> None:
    response = await answer(monkeypatch, PRETTY_PRINT="true")
    assert response.text.splitlines()[:3] == ["{", '  "b": [', "    {"]
    assert response.text.endswith("}\n")
    assert response.json() == json.loads(json.dumps(CONTENT))


@pytest.mark.parametrize("pretty", ["true", "false"])
async def test_sorted_at_each_depth(monkeypatch: pytest.MonkeyPatch, pretty: str) -> None:
    response = await answer(monkeypatch, PRETTY_PRINT=pretty, SORT_KEYS="true")
    found = json.loads(response.text, object_pairs_hook=lambda pairs: [list(pair) for pair in pairs])
    assert found == [["3", True], ["a", None], ["b", [[["a", "é"], ["z", 1]]]]]


@pytest.mark.parametrize("pretty", ["true", "false"])
async def test_numbers_that_json_does_not_have(monkeypatch: pytest.MonkeyPatch, pretty: str) -> None:
    monkeypatch.setenv("C2C__JSON__PRETTY_PRINT", pretty)
    config.settings = config.Settings()
    with pytest.raises(ValueError, match="not JSON compliant"):
        PrettyJSONResponse({"value": float("nan")})


def test_an_invalid_value_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__JSON__SORT_KEYS", "perhaps")
    with pytest.raises(config.ConfigurationError, match=r"^C2C__JSON__SORT_KEYS: must be a boolean"):
        config.Settings()
