"""The pages about older libraries are complete, and what they name is there."""

import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import c2casgiutils
from c2casgiutils._app import create_app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migrate-from-c2cwsgiutils.md").read_text()
OLD_VIEWS = """
/health_check /versions.json /logging/level /db/maintenance /sql_profiler /debug/stacks /debug/memory
/debug/memory_diff /debug/memory_maps /debug/show_refs.dot /debug/sleep /debug/headers /debug/error
/debug/time /github-login /github-callback /github-logout /stats.json
"""
OLD_CHECKS = """
add_db_session_check add_alembic_check add_url_check add_redis_check add_version_check add_custom_check
JsonCheckException
"""
OLD_HELPERS = """
db.init request.dbsession force_master force_slave get_engine get_session_factory get_tm_session
setup_session create_session broadcast.subscribe broadcast.unsubscribe broadcast.broadcast broadcast.decorator
redis_utils.get auth_view is_auth is_auth_user check_access check_access_config auth_type is_enabled
services.create request.c2c_request_id sqlalchemylogger capture_exceptions Profile client_info fill_arguments
bootstrap_application bootstrap_application_from_options init_logging prometheus.start start_single_process
cleanup MULTI_PROCESS_COLLECTOR_BROADCAST_CHANNELS timer_context outcome_timer_context get_version
debug.init_daemon generate_model_graph coverage_setup get_config_defaults get_logconfig_dict get_paste_config
fast_json cornice_json cornice_fast_json dbengine app.dbsession additional_title additional_noauth
additional_auth section paragraph link form input_ button
"""
OLD_SCRIPTS = """
c2cwsgiutils-genversion c2cwsgiutils-stats-db c2cwsgiutils-test-print c2cwsgiutils-coverage-report
c2cwsgiutils-check-es c2cwsgiutils_run models_graph run-alembic wait-db wait-alembic
"""
OLD_METRICS = """
pyramid_routes_seconds pyramid_render_seconds database_seconds redis_seconds requests_seconds version
python_resource python_memory_info process_smap_pss_bytes alembic_version health_check_failure
health_check_db_seconds database_table_count database_table_size database_table_index_size
database_table_index_usage database_extra Server-Timing
"""
OLD_FIXTURES = """
acceptance.connection.Connection wait_url retry_timeout approx retry Composition check_image check_image_file
check_screenshot PrintConnection
"""
OLD = OLD_VIEWS + OLD_CHECKS + OLD_HELPERS + OLD_SCRIPTS + OLD_METRICS + OLD_FIXTURES


def rows() -> list[list[str]]:
    """The cells of all rows of the tables."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_each_old_name_has_a_row() -> None:
    """Whatever a user of c2cwsgiutils looks for is in the first column of a table."""
    spans = {span for cells in rows() for span in re.findall(r"`(?:GET )?([^`?=]+)[^`]*`", cells[0])}
    names = {span.removesuffix("/*path") for span in spans}
    assert set(OLD.split()) - names == set()


def test_new_names_exist() -> None:
    """Each name of the package in the second column can be imported."""
    packages = "|".join(
        [*c2casgiutils.__all__, "scripts", "acceptance", "errors", "db", "responses", "versions"]
    )
    names = [
        name
        for cells in rows()
        for name in re.findall(rf"`((?:c2casgiutils|{packages})(?:\.\w+)+)", cells[1])
    ]
    assert len(names) > 40
    for name in names:
        pkgutil.resolve_name(f"c2casgiutils.{name.removeprefix('c2casgiutils.')}")


def test_new_views_exist() -> None:
    """Each path in the second column of the table of views is a route."""
    table = PAGE.partition("## Views")[2].partition("\n## ")[0]
    cells = [line.split("|")[2] for line in table.splitlines() if line.startswith("| `/")]
    paths = {path for cell in cells for path in re.findall(r"`(?:[A-Z]+ )?(/[\w./{}]+)", cell)}
    known = {*create_app().openapi()["paths"], "/livez", "/readyz"}
    assert paths - {"/callback", "/logout"} <= known
    assert len(paths) > 10


def test_new_scripts_exist() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert set(re.findall(r"`(c2casgiutils-[\w-]+)", PAGE)) <= scripts.keys()


def test_new_metrics_exist() -> None:
    """Each name of a metric in the second column is in the pages about the metrics."""
    table = PAGE.partition("## Metrics")[2].partition("\n## ")[0]
    names = re.findall(r"`(\w+)`", "".join(line.split("|")[2] for line in table.splitlines() if "|" in line))
    pages = "".join(
        (ROOT / "docs" / page).read_text() for page in ("prometheus.md", "databases.md", "health.md")
    )
    assert [name for name in names if name not in pages] == []
    assert len(names) >= 8


def test_changed_settings_are_in_the_check_list() -> None:
    """Each setting that the changelog names in a break with 0.x is in the page about 0.x."""
    changed = (ROOT / "CHANGELOG.md").read_text().partition("### Changed")[2].partition("\n## ")[0]
    page = (ROOT / "docs" / "migrate-from-0.x.md").read_text()
    settings = set(re.findall(r"\bC2C__\w+", changed))
    assert len(settings) > 15
    assert {name for name in settings if name not in page} == set()


def shell_blocks() -> list[str]:
    """The shell blocks of the pages, and of the section about the script."""
    section = (ROOT / "docs" / "scripts.md").read_text().partition("### The variables of older releases")[2]
    page = (ROOT / "docs" / "migrate-from-0.x.md").read_text()
    return re.findall(r"```sh\n(.*?)```", section + page + PAGE, re.DOTALL)


@pytest.mark.parametrize("block", shell_blocks())
def test_shell_blocks_run(block: str, tmp_path: Path) -> None:
    """Each command runs where there is an env file and a compose file."""
    (tmp_path / ".env").write_text("C2C_SECRET=a-secret-of-operators\n")
    compose = "services: {web: {environment: [C2C_DB_MAINTENANCE_VIEW_ENABLED=1]}}"
    (tmp_path / "docker-compose.yaml").write_text(compose)
    module = f"{sys.executable} -m c2casgiutils.scripts.migrate_env"
    commands = block.replace("c2casgiutils-migrate-env", module).replace("python -c", f"{sys.executable} -c")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-e"],
        input=commands,
        cwd=tmp_path,
        env=env,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
