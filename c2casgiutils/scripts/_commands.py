"""The commands of `c2casgiutils`."""

import json
from collections.abc import Mapping
from typing import Any

import click

from c2casgiutils._asgi import path_segment
from c2casgiutils.scripts import _console, _tables
from c2casgiutils.scripts._service import DEFAULT_URL, Code, Service, ServiceError, given_secrets, other_form

_EPILOG = """\b
The secret is read from C2C_SECRET, else C2C__AUTH__SECRET; a GitHub token from GITHUB_TOKEN.

\b
exit codes:
  0   ok
  2   an argument or a variable is wrong
  3   the service is unreachable
  4   a wrong secret, or not enough rights
  5   the service refuses the request
  6   no secret
  7   the certificate of the service is not trusted
  8   this is not a c2casgiutils service
  9   the service, or a proxy in front of it, fails
  10  the service is degraded; a process is late or not ready
  11  the service is down; a process is lost
  12  not all processes answered, or applied the change
"""
_STRANGER = "only the state is shown without a sign-in: set C2C_SECRET, or GITHUB_TOKEN for GitHub"
_KNOWN = "only the state is shown: the secret or the token is wrong, or has no right to read"
_STATES = {"ok": Code.OK, "degraded": Code.DEGRADED, "down": Code.DOWN}
_CHANGED = {"name": str, "effective_level": str, "cluster": dict}
_DRAINED = {"drained": list, "cluster": dict}
_LIVENESS = {"ok": Code.OK, "late": Code.DEGRADED, "lost": Code.DOWN}


class _Group(click.Group):
    """Ends with one line and the exit code of what failed."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ServiceError as error:
            self._end(ctx, error)
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            # the commands only read answers, whose outermost keys are checked
            self._end(ctx, other_form(error))

    @staticmethod
    def _end(ctx: click.Context, error: ServiceError) -> None:
        _console.report(ctx.info_name or "", str(error), given_secrets())
        ctx.exit(error.code)


@click.group(cls=_Group, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url", envvar="C2C_URL", default=DEFAULT_URL, show_default=True, help="Mount path, or C2C_URL."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer of the service as JSON.")
@click.pass_context
def group(context: click.Context, url: str, as_json: bool) -> None:
    """See and change the processes of a service."""
    context.obj = _Session(context, Service(url), as_json=as_json)


class _Session:
    """What the commands share: the service, and the form of the output."""

    def __init__(self, context: click.Context, service: Service, *, as_json: bool) -> None:
        self._context = context
        self._as_json = as_json
        self.request = service.request

    def is_done(self, answer: Any) -> bool:
        """Print an answer as JSON if this was asked for; return whether it was."""
        if self._as_json:
            click.echo(json.dumps(answer, indent=2))
        return self._as_json

    def note(self, text: str) -> None:
        """Write one line to standard error."""
        _console.report(self._context.info_name or "", text)

    def end(self, code: Code, report: Mapping[str, Any] | None = None) -> None:
        """Say who did not answer in one line on standard error, and exit."""
        lines = _tables.silent(report or {})
        if lines:
            self.note("; ".join(lines))
        is_partial = report is not None and not report.get("complete", True)
        self._context.exit(Code.INCOMPLETE if code is Code.OK and is_partial else code)


@group.command()
@click.pass_obj
def health(session: _Session) -> None:
    """Show the state of the service, and what needs attention."""
    answer = session.request("GET", "overview", {"state": str})
    if not session.is_done(answer):
        _tables.say(f"The service is {answer['state']}.")
        if answer.get("attention"):
            rows = [
                (one["kind"], one["state"], one["text"], _tables.moment(one.get("since")))
                for one in answer["attention"]
            ]
            _tables.show("", ("what", "state", "text", "since"), rows)
        if "attention" not in answer:
            session.note(_KNOWN if given_secrets() else _STRANGER)
    session.end(_STATES.get(answer["state"], Code.DOWN), answer.get("cluster"))


@group.command()
@click.pass_obj
def instances(session: _Session) -> None:
    """List the processes."""
    answer = session.request(
        "GET", "instances", {"instances": list, "roster": str}, query={"samples": "false"}
    )
    found = answer["instances"]
    if not session.is_done(answer):
        rows = [
            (one["id"], one["state"], one["liveness"], one["version"], f"{one['beat_age_seconds']:.0f} s")
            for one in found
        ]
        _tables.show("", ("process", "state", "liveness", "version", "last beat"), rows)
    codes = [_LIVENESS.get(one["liveness"], Code.DOWN) for one in found]
    codes += [Code.DEGRADED for one in found if one["state"] != "ready"]
    report = {"roster": answer["roster"], "complete": answer["roster"] == "current"}
    session.end(max(codes, default=Code.OK), report)


@group.command()
@click.argument("name", required=False)
@click.argument("level", required=False)
@click.option("--end", is_flag=True, help="Restore the configured level of NAME.")
@click.option("--ttl", help="How long, for example 10m; by default what the service decides.")
@click.option("--scope", help="cluster, process, or the id of a process.")
@click.option("--reason", help="Why, for the audit log.")
@click.option("--search", metavar="TEXT", help="List the loggers with this text in their name.")
@click.pass_obj
def levels(session: _Session, /, name: str | None, level: str | None, **options: Any) -> None:
    """List the levels that are set, read the logger NAME, or set it to LEVEL in every process."""
    if options["end"] or level is not None:
        _change(session, name, level, **options)
    elif options["search"] is not None or name is not None:
        text = options["search"] if name is None else name
        answer = session.request("GET", "logging/loggers", {"loggers": list}, query={"q": text})
        if not session.is_done(answer):
            rows = [(one["name"], one["level"], one["effective_level"]) for one in answer["loggers"]]
            _tables.show("", ("logger", "level", "effective level"), rows)
        session.end(Code.OK)
    else:
        answer = session.request("GET", "logging/overrides", {"overrides": list, "cluster": dict})
        if not session.is_done(answer):
            overrides = [
                (one["name"], one["level"], _until(one), one.get("by"), one.get("reason"), one["scope"])
                for one in answer["overrides"]
            ]
            _tables.show("", ("logger", "level", "until", "by", "reason", "scope"), overrides)
        session.end(Code.OK, answer.get("cluster"))


def _change(session: _Session, name: str | None, level: str | None, **options: Any) -> None:
    if name is None:
        raise click.UsageError("NAME is missing")
    if options["end"] and level is not None:
        raise click.UsageError("LEVEL and --end exclude each other: one sets a level, the other ends it")
    segment = path_segment(name)
    if segment is None:
        raise click.UsageError(
            "No URL can have this NAME, which is empty, . or .., or has a slash: use the page, "
            "or POST logging/level without an end"
        )
    path = f"logging/loggers/{segment}"
    if options["end"]:
        answer = session.request("DELETE", path, _CHANGED, query={"scope": options["scope"]})
    else:
        wanted = {"level": level, **{key: options[key] for key in ("ttl", "scope", "reason")}}
        answer = session.request("PUT", path, _CHANGED, body=wanted)
    report = answer["cluster"]
    if not session.is_done(answer):
        applied = f"{report['applied']} of {report['of']} processes have it"
        until = "as configured" if options["end"] else _until(answer)
        _tables.say(f"{answer['name']} is at {answer['effective_level']}, {until}: {applied}.")
        if answer.get("warning"):
            session.note(answer["warning"])
    session.end(Code.OK, report)


def _until(one: Mapping[str, Any]) -> str:
    moment = _tables.moment(one.get("expires"))
    return f"until {moment}" if moment else "no end"


@group.command()
@click.option("--instance", default="all", show_default=True, help="The id of a process, or all.")
@click.pass_obj
def stacks(session: _Session, instance: str) -> None:
    """Show what the threads and tasks run, also of a process that is blocked."""
    answer = session.request(
        "GET", "debug/stacks", {"groups": list, "cluster": dict}, query={"instance": instance}
    )
    if not session.is_done(answer):
        for one in answer["groups"]:
            where = ", ".join(
                f"{place.get('thread') or place.get('task')} in {place['instance']}" for place in one["where"]
            )
            _tables.say(f"{one['count']} x {where}")
            for frame in one["frames"]:
                _tables.say(f"    {frame['file']}:{frame['line']} {frame['function']}")
    session.end(Code.OK, answer["cluster"])


@group.command()
@click.option("--instance", help="The id of a process, or all; by default the one that answers.")
@click.option("--seconds", type=float, help="Ready again after this time.")
@click.option("--reason", help="Shown while it drains.")
@click.option("--force", is_flag=True, help="Even if no other process would be ready.")
@click.option("--undo", is_flag=True, help="Put it back into service.")
@click.pass_obj
def drain(
    session: _Session,
    instance: str | None,
    seconds: float | None,
    *,
    reason: str | None,
    force: bool,
    undo: bool,
) -> None:
    """Take a process out of service: its readiness probe fails, while requests are still served."""
    if undo:
        answer = session.request("DELETE", "drain", _DRAINED, query={"instance": instance})
    else:
        body = {"instance": instance, "seconds": seconds, "reason": reason, "force": force}
        answer = session.request("POST", "drain", _DRAINED, body=body)
    if not session.is_done(answer):
        drained = ", ".join(answer["drained"]) or "none"
        _tables.say("Back in service." if undo else f"Out of service: {drained}.")
    session.end(Code.OK, answer["cluster"])
