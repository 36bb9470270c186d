"""Who may include whom in helper/, as ARCHITECTURE.md says: the layers are a promise, this holds it."""

import os
import pathlib
import re

import harness

k_helper = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "helper"

# folder -> the folders below it. Never upward; snapshot, guard, lint and uv do not include each other.
k_below = {
    "cli": {"page", "job", "snapshot", "guard", "lint", "uv", "source", "os"},
    "page": {"job", "snapshot", "source", "os"},
    "job": {"snapshot", "guard", "uv", "source", "os"},
    "snapshot": {"source", "os"},
    "guard": {"source", "os"},
    "lint": {"source", "os"},
    "uv": {"source", "os"},
    "source": {"os"},
    "os": set(),
    ".": {"cli", "os"},  # main.cpp, and what is linked in another way
}
# Headers of raw system calls, and the folders that may make them.
k_system_header = re.compile(
    r"<(sys/(?!types\.h)[a-z_/]+\.h|linux/[a-z0-9_/]+\.h|asm/.*|unistd\.h|fcntl\.h|dirent\.h|spawn\.h|sched\.h"
    r"|poll\.h|signal\.h|csignal|pwd\.h|grp\.h|netdb\.h|seccomp\.h|utime\.h|syscall\.h|ftw\.h|glob\.h)>"
)
k_system_folders = {"os", "guard"}
k_system_call = re.compile(
    r"(?<![\w.>:])::(open|openat|read|write|close|stat|lstat|fstat|fstatat|statx|link|linkat|unlink|unlinkat|rename"
    r"|renameat2?|mkdir|mkdirat|chmod|fchmod|fchmodat|utimensat|futimens|fork|vfork|exec\w+|waitpid|waitid|kill"
    r"|ioctl|fcntl|flock|prctl|syscall|opendir|readdir|symlink|symlinkat|readlink|readlinkat|dup2?|pipe2?)\s*\("
)
# Headers that take long to compile, and the files that may see them.
k_costly_headers = {
    "nlohmann/json.hpp": {"os/json.hpp"},
    "os/json.hpp": {"os/json.cpp", "guard/message_text.cpp", "snapshot/record_json.hpp", "snapshot/record.cpp", "snapshot/record_writing.cpp", "job/pack_record.cpp",
                    "page/night_json.cpp", "cli/json.cpp"},
    "snapshot/record_json.hpp": {"snapshot/record.cpp", "snapshot/record_writing.cpp", "job/pack_record.cpp", "page/night_json.cpp", "cli/json.cpp"},
    "boost/program_options.hpp": {"cli/arguments.cpp"},
    "fmt/format.h": {"os/format.cpp"},
}
k_include = re.compile(r'^\s*#\s*include\s*([<"][^>"]+[>"])', re.MULTILINE)
# Calls of Boost that throw exceptions of its own, with no hint and often no path: os/path.cpp has what does not.
k_boost_call = re.compile(
    r"\b(?:fs|boost::filesystem)::(?:exists|is_directory|is_regular_file|is_symlink|status|symlink_status|canonical"
    r"|weakly_canonical|absolute|current_path|create_director(?:y|ies)|file_size|remove|remove_all|rename)"
    r"\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)"
)
k_error_code = re.compile(r",?\s*(?:failed|error|unseen)$")


def sources():
    found = sorted(path for path in k_helper.rglob("*") if path.suffix in (".cpp", ".hpp", ".h"))
    assert found, f"no sources in {k_helper}"
    return found


def layer_of(path):
    return path.relative_to(k_helper).parts[0] if path.parent != k_helper else "."


def breaches(path, layer, text):
    """What a file of that layer includes or calls and must not."""
    for include in k_include.findall(text):
        name = include[1:-1]
        first = name.split("/")[0]
        if include.startswith('"'):
            # As written from helper/, or beside the file itself; "../" leads to neither.
            target = first if first in k_below else layer if (path.parent / name).is_file() and ".." not in name else None
            if target is None or target not in k_below[layer] | {layer}:
                yield f"{layer} must not include {include}"
        allowed = k_costly_headers.get(name)
        if allowed and path.relative_to(k_helper).as_posix() not in allowed:
            yield f"{include} belongs in {', '.join(sorted(allowed))}"
        if k_system_header.fullmatch(include) and layer not in k_system_folders:
            yield f"{include} belongs in os or guard"
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    for call in k_boost_call.finditer(code):
        if not k_error_code.search(call.group(1).rstrip()):
            yield f"{call.group(0)} throws exceptions that are no os::Error"
    if layer not in k_system_folders:
        for call in k_system_call.finditer(code):
            yield f"the system call {call.group(0)}...) belongs in os or guard"


def test_layers():
    found = [
        f"{path.relative_to(k_helper)}: {breach}"
        for path in sources()
        for breach in breaches(path, layer_of(path), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_rule_sees_breaches():
    """A check of the check: each of these lines must be refused in that layer."""
    for layer, line in [
        ("os", '#include "snapshot/store.hpp"'),
        ("source", '#include "snapshot/store.hpp"'),
        ("source", '# include "cli/freeze.hpp"'),
        ("snapshot", '#include "guard/filter.hpp"'),
        ("guard", '#include "snapshot/store.hpp"'),
        ("cli", "#include <boost/program_options.hpp>"),
        ("os", "#include <nlohmann/json.hpp>"),
        ("snapshot", "#include <sys/stat.h>"),
        ("cli", "#include <unistd.h>"),
        ("source", "#include <linux/fs.h>"),
        ("source", '#include "../snapshot/store.hpp"'),
        ("cli", "int fd = ::openat(dir, name, flags);"),
        ("cli", "return fs::weakly_canonical(absolute(path)).string();"),
        ("uv", "if (fs::exists(source / path)) {"),
    ]:
        assert list(breaches(k_helper / layer / "x.cpp", layer, line + "\n")), f"{layer}: {line}"
    for layer, line in [
        ("cli", '#include "snapshot/store.hpp"'),
        ("snapshot", '#include "os/dir.hpp"\n#include <sys/types.h>\n// ::open( in a comment'),
        ("os", "#include <sys/stat.h>"),
        (".", '#include "cli/main.hpp"'),
        ("cli", "fs::exists(above.parent() / name, failed)"),
    ]:
        assert not list(breaches(k_helper / layer / "x.cpp", layer, line + "\n")), f"{layer}: {line}"


def test_namespaces():
    """Each file opens the namespace of its folder: os::detail and the like are below it."""
    wrong = []
    for path in sources():
        layer = layer_of(path)
        text = path.read_text(encoding="utf-8")
        if path.parent != k_helper and not re.search(rf"^namespace snapfix::{layer}\b", text, re.MULTILINE):
            wrong.append(str(path.relative_to(k_helper)))
    assert not wrong, f"no namespace snapfix::<folder> in: {', '.join(wrong)}"


def test_length():
    """Files past 400 lines and functions past 60 want splitting: said, not forbidden."""
    for path in sources():
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > 400:
            print(f"warning: {path.relative_to(k_helper)} has {len(lines)} lines")
        for start, name, length in long_functions(lines, 60):
            print(f"warning: {path.relative_to(k_helper)}:{start}: {name} has {length} lines")


def long_functions(lines, most):
    """Functions as clang-format lays them out: a body opens at the end of a line and closes with a brace
    in the column in which its declaration began."""
    opened = None
    for number, line in enumerate(lines, 1):
        indent = len(line) - len(line.lstrip())
        if opened is None and line.endswith("{") and "(" in line + lines[number - 2]:
            if not re.match(r"\s*(if|for|while|switch|else|do|namespace|class|struct|enum|\}|return)\b", line):
                opened = (indent if not line.startswith("    ") else 0, number, line.strip(" {")[:70])
        elif opened and line.rstrip(";),") == " " * opened[0] + "}":
            if number - opened[1] + 1 > most:
                yield opened[1], opened[2], number - opened[1] + 1
            opened = None


if __name__ == "__main__":
    harness.main()
