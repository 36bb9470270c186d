"""A plugin of pytest, for Discover.cmake.

Where cases are listed, it writes which there are, and on which files that depends, as CMake code. Where they run, it
ends with a code of its own if all were skipped.
"""

import os
import pathlib
import sys

import pytest

SKIPPED = 77  # DiscoverCases.cmake has it as well
_seen = set()
_outcomes = set()


def pytest_configure(config):
    """What the tests start is not to load it."""
    for variable, separator, ours in (("PYTHONPATH", ":", str(pathlib.Path(__file__).parent)), ("PYTEST_PLUGINS", ",", __name__)):
        words = [word for word in os.environ.get(variable, "").split(separator) if word != ours]
        os.environ[variable] = separator.join(words)
        if not any(words):
            del os.environ[variable]


def pytest_runtest_logreport(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        _outcomes.add("skipped")
    elif report.when == "call" or not report.passed:
        _outcomes.add("other")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if session.exitstatus == 0 and _outcomes == {"skipped"}:
        session.exitstatus = SKIPPED


def _bracket(text):
    fill = "="
    while f"]{fill}]" in text or text.endswith(f"]{fill}"):
        fill += "="
    return f"[{fill}[{text}]{fill}]"


def pytest_ignore_collect(collection_path):
    """Is asked of each file and folder that is looked at."""
    if collection_path.name != "__pycache__":
        _seen.add(str(collection_path if collection_path.is_dir() else collection_path.parent))


def pytest_collection_finish(session):
    if "SNAPSHOT_FIXTURES_CASES" in os.environ:
        _write_cases(session, os.environ["SNAPSHOT_FIXTURES_CASES"])


def _write_cases(session, path):
    cases = []
    here = pathlib.Path.cwd()
    for item in session.items:
        # The id begins with a path as seen from pytest's root, and is to be found from here.
        inner = item.nodeid.split("::", 1)[1:]
        file = os.path.relpath(str(getattr(item, "path", item.fspath)), str(here))
        cases.append((item.nodeid, "::".join([file, *inner])))
    top = str(getattr(session.config, "rootpath", here))
    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    files = {file for file in modules if file and file.startswith((top + os.sep, str(here) + os.sep)) and "site-packages" not in file}
    files.update(str(getattr(item, "path", item.fspath)) for item in session.items)
    if session.config.inipath:
        files.add(str(session.config.inipath))
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
        for name, argument in cases:
            out.write(f'_snapshot_fixtures_case({_bracket(name)} {_bracket(argument)} "")\n')
        depends = [path for path in sorted(files | _seen) if not set(path) & set(";[]\\")]
        out.write(f"set(depends {_bracket(';'.join(depends))})\n")
