"""Row 16: names of the settings and of the command line that were public in 0.x."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pydantic
import pytest

from c2casgiutils import cli, config


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("Redis", "redis"),
        ("Prometheus", "prometheus"),
        ("Sentry", "sentry"),
        ("Auth", "auth"),
        ("Tools", "tools"),
        ("ProxyHeaders", "proxy_headers"),
        ("Health", "health"),
        ("Instances", "instances"),
    ],
)
def test_the_classes_of_the_groups(name: str, attribute: str) -> None:
    """Each group of the settings has its class in `config`."""
    assert type(getattr(config.Settings(), attribute)) is getattr(config, name)
    assert name in config.__all__


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        ("parse_comma_separated_list", "a, b,,c ", ["a", "b", "c"]),
        ("parse_comma_separated_list", "", []),
        ("parse_comma_separated_list", ["a,b"], ["a,b"]),
        ("parse_comma_separated_int_list", "1, 2", [1, 2]),
        ("parse_comma_separated_int_list", [1], [1]),
        ("parse_comma_separated_float_list", "1.5,2", [1.5, 2.0]),
        ("parse_comma_separated_float_list", [], []),
    ],
)
def test_the_parsers_of_lists(function: str, text: Any, expected: list[Any]) -> None:
    """A text is split at its commas, a list is returned as it is."""
    assert getattr(config, function)(text) == expected


@pytest.mark.parametrize("function", ["parse_comma_separated_int_list", "parse_comma_separated_float_list"])
def test_an_item_that_is_not_a_number(function: str) -> None:
    """The parsers of numbers refuse anything else."""
    with pytest.raises(ValueError, match="many"):
        getattr(config, function)("1,many")


def test_the_parsers_are_validators_of_an_application() -> None:
    """An application may use them in settings of its own."""

    class Own(pydantic.BaseModel):
        numbers: list[int]
        _parse = pydantic.field_validator("numbers", mode="before")(config.parse_comma_separated_int_list)

    assert Own(numbers="1,2").numbers == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], "logging.yaml"), (["--logging-config", "other.yaml"], "other.yaml")],
    ids=["default", "given"],
)
def test_the_logging_configuration_is_a_str(arguments: list[str], expected: str) -> None:
    """`args.logging_config` has the methods of a text."""
    parser = ArgumentParser()
    cli.add_arguments(parser)
    given = parser.parse_args(arguments).logging_config
    assert isinstance(given, str)
    assert given == expected
    assert given.endswith(".yaml")
    assert Path(given).suffix == ".yaml"
