"""A plugin of pytest that writes which cases there are, and on which files that depends, as code for Discover.cmake."""

import os
import pathlib
import sys

_seen = set()


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
    cases = []
    here = pathlib.Path.cwd()
    for item in session.items:
        # The id begins with a path as seen from pytest's root, and is to be found from here.
        inner = item.nodeid.split("::", 1)[1:]
        path = os.path.relpath(str(getattr(item, "path", item.fspath)), str(here))
        cases.append((item.nodeid, "::".join([path, *inner])))
    top = str(getattr(session.config, "rootpath", here))
    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    files = {file for file in modules if file and file.startswith((top + os.sep, str(here) + os.sep)) and "site-packages" not in file}
    files.update(str(getattr(item, "path", item.fspath)) for item in session.items)
    if session.config.inipath:
        files.add(str(session.config.inipath))
    with open(os.environ["SNAPSHOT_FIXTURES_CASES"], "w", encoding="utf-8", errors="surrogateescape") as out:
        for name, argument in cases:
            out.write(f'_snapshot_fixtures_case({_bracket(name)} {_bracket(argument)} "")\n')
        depends = [path for path in sorted(files | _seen) if not set(path) & set(";[]\\")]
        out.write(f"set(depends {_bracket(';'.join(depends))})\n")
