"""Reads the environments of env files and docker compose files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from c2casgiutils.scripts._env_files import UnreadableError, Value, escape, of_host, parse_env

_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*\$(?=[A-Za-z_{])", re.ASCII)
_OURS = ("C2C", "SENTRY_", "SQLALCHEMY_", "STATS")
_SERVICE = re.compile(r"[\w.-]+", re.ASCII)
_MAX_MERGED = 100_000


class Environment(NamedTuple):
    """The variables of one process.

    Attributes:
        label: Where they are from, for the report.
        file_name: The name of the env file that replaces it.
        is_service: Whether it is that of a service, whose references docker compose resolves by the host.
        values: The variables.
        notes: What else concerns the environment.
    """

    label: str
    file_name: str
    values: Mapping[str, Value]
    notes: tuple[str, ...] = ()
    is_service: bool = False


def read(path: Path) -> list[Environment]:
    """Return the environments of a file: one of an env file, one for each service of a compose file.

    Args:
        path: A compose file if it ends in `.yaml` or `.yml`, else an env file.

    Raises:
        UnreadableError: It cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{path}: is not UTF-8") from None
    except ValueError:
        raise UnreadableError(f"{path!r}: is not the name of a file") from None
    try:
        if path.suffix in {".yaml", ".yml"}:
            return list(_services(text, str(path)))
        return [Environment(str(path), path.name, parse_env(text))]
    except UnreadableError as error:
        raise UnreadableError(f"{path}: {error}") from None


class _Loader(yaml.SafeLoader):
    """Reads scalars as text, as docker compose passes them on, except null and merge keys; no key twice."""

    _merged = 0

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuse a key that is there twice, as docker compose does; one value would be lost in silence."""
        node = super().compose_mapping_node(anchor)
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, "a key is there twice", key.start_mark)
            seen.add(key.value)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge, once for each alias: a few lines of aliases of aliases would be millions of keys."""
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > _MAX_MERGED:
            raise UnreadableError(f"line {node.start_mark.line + 1}: merges more than {_MAX_MERGED:,} keys")


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.endswith((":null", ":str", ":seq", ":map"))
}


def _services(text: str, label: str) -> Iterator[Environment]:
    """Return the environments of the services that may be ours; others use names such as `LOG_LEVEL`, too.

    One without such variables has no values: its env files may have them.
    """
    for name, service in _load(text).items():
        if not isinstance(name, str) or not _SERVICE.fullmatch(name):
            raise UnreadableError("the name of a service is not one of docker compose")
        if not isinstance(service, dict):
            raise UnreadableError(f"service {name} is not a mapping")
        values = _service_values(service.get("environment"), name)
        files = _env_files(service)
        is_ours = any(variable.startswith(_OURS) for variable in values)
        if not is_ours and not files:
            continue
        yield Environment(
            f"{label}, service {name}",
            f"{name}.env",
            values if is_ours else {},
            tuple(f"convert {file}, too: the service reads it" for file in files),
            is_service=True,
        )


def _load(text: str) -> dict[Any, Any]:
    """Return the services of a compose file."""
    try:
        content = yaml.load(text, _Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        if error.problem == "but found another document":
            raise UnreadableError("has more than one document") from None
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        # what it quotes may be a password: one that begins with * reads like an alias
        problem = re.sub(r"'[^']*'", "…", error.problem or "")
        raise UnreadableError(f"is not YAML: {line}{problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableError(f"is not YAML: {type(error).__name__}") from None
    services = content.get("services") if isinstance(content, dict) else None
    if not isinstance(services, dict):
        raise UnreadableError("is not a compose file, it has no services")
    return services


def _service_values(environment: Any, service: str) -> dict[str, Value]:
    """Return the variables of a service, whose `environment` is a mapping or a list of `NAME=value`."""
    if environment is None:
        return {}
    if isinstance(environment, list):
        items = [item.partition("=") for item in environment if isinstance(item, str)]
        if len(items) < len(environment):
            raise UnreadableError(f"service {service}: the environment has an item that is not NAME=value")
        pairs = [(name, value if equals else None) for name, equals, value in items]
    elif isinstance(environment, dict):
        pairs = list(environment.items())
    else:
        raise UnreadableError(f"service {service}: the environment is neither a mapping nor a list")
    values: dict[str, Value] = {}
    for name, value in pairs:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UnreadableError(f"service {service}: the environment has an invalid name")
        if not isinstance(value, str | None) or "\0" in (value or ""):
            raise UnreadableError(f"service {service}: {name} is not a text")
        values[name] = of_host(name) if value is None else _interpolated(value)
    return values


def _interpolated(text: str) -> Value:
    if _REFERENCE.search(text):
        return Value(escape(text).replace("$$", "\\$"), is_reference=True)
    return Value(text.replace("$$", "$"))


def _env_files(service: Mapping[Any, Any]) -> list[str]:
    files = service.get("env_file") or []
    listed = files if isinstance(files, list) else [files]
    paths = [file.get("path") if isinstance(file, dict) else file for file in listed]
    return [ascii(path).strip("'") for path in paths if isinstance(path, str)]
