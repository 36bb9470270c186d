"""What the docs say is what there is, both ways; and their command lines run."""

import os
import pathlib
import re
import shutil

import harness
from harness import run, snapfix

SOURCE = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])
REFERENCE = (SOURCE / "docs" / "reference.md").read_text()
MAN = (SOURCE / "docs" / "snapfix.1").read_text()
MODULE = [SOURCE / "cmake" / "SnapshotFixtures.cmake", *sorted((SOURCE / "cmake" / "SnapshotFixtures").glob("*.cmake"))]
PAGES = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").glob("*.md")), *sorted(SOURCE.glob("examples/*/README.md"))]


def section(heading):
    """A section of the reference, without those behind it."""
    return re.search(rf"^(#+) {heading}$(.*?)(?=^#+ |\Z)", REFERENCE, re.M | re.S).group(2)


def rows(text):
    """The cells of each row of a table; | within one is written \\|."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def commands():
    overview = snapfix("--help").out
    return re.findall(r"^  ([a-z-]+) ", overview.split("Commands:")[1].split("'snapfix help")[0], re.M)


def options_by_help():
    """{command: {option: its short form}}"""
    found = {}
    for command in commands():
        text = snapfix(command, "--help").out
        found[command] = {long: short for short, long in re.findall(r"^  (?:(-\w) \[ )?(--[a-z-]+)", text, re.M)}
        found[command].pop("--help")
    return found


def names_of(words):
    """The commands that a cell names: a list of them, or `all but` one."""
    listed = {name for name in re.split(r", | and ", words.replace("all but ", ""))}
    return set(commands()) - listed if words.startswith("all but ") else listed


def test_options_of_the_reference(tmp):
    told = {command: set() for command in commands()}
    for option, of, *_ in rows(section("Options")):
        names = re.findall(r"`(--[a-z-]+)", option)
        for command in names_of(of):
            told[command].update(names)
    also = re.search(r"`freeze` also takes the options (.*?),\s+so\s", REFERENCE, re.S).group(1)
    told["freeze"].update(re.findall(r"`(--[a-z-]+)`", also))
    wrong = {c: (sorted(told[c] - set(o)), sorted(set(o) - told[c])) for c, o in options_by_help().items() if told[c] != set(o)}
    assert not wrong, f"told of and not there, there and not told of: {wrong}"
    shorts = {short for options in options_by_help().values() for short in options.values() if short}
    assert shorts == set(re.findall(r"^\| `(-\w)\b", section("Options"), re.M)), shorts
    listed = {row[0].split()[1].rstrip("`") for row in rows(section("Commands"))}
    assert listed == set(commands()), listed ^ set(commands())


def test_options_of_the_man_page(tmp):
    told = {f"--{name}" for name in re.findall(r"Fl Fl ([a-z]+(?:-[a-z]+)*)", MAN)}
    there = {option for options in options_by_help().values() for option in options}
    # Those of uv, of git and of other programs that it speaks of.
    others = {"--help", "--version", "--locked", "--check", "--name-status"}
    assert not there - told, f"the man page does not tell {there - told}"
    assert not told - there - others, f"there is no {told - there - others}"
    named = set(re.findall(r"^\.It Cm ([a-z-]+)", MAN.split(".Sh DESCRIPTION")[1].split(".Ss Tree options")[0], re.M))
    assert named == set(commands()) or named >= set(commands()), set(commands()) - named


def module_text():
    return "\n".join(path.read_text() for path in MODULE)


def keywords():
    """{function: its keywords}, of the calls of the module's own parser."""
    found = {}
    for name, lists in re.findall(r"_snapshot_fixtures_parse\((\w+) \$\{ARGC\}((?:\s+\"[A-Z_;]*\"){3})\)", module_text()):
        found[name] = set(re.findall(r"[A-Z_]+", lists))
    assert len(found) >= 4, found
    return found


def test_keywords_of_the_module(tmp):
    by_code = keywords()
    text = section("CMake")
    table = {"add_snapshot_test": set(), "add_snapshot_fixture": set()}
    for row in rows(text.split("| property |")[0]):
        if len(row) == 4:
            words = re.findall(r"`([A-Z_]+)`", row[0])
            for function, cell in zip(table, row[1:3]):
                if cell == "yes":
                    table[function].update(words)
    for function, told in table.items():
        assert told == by_code[function], (function, told ^ by_code[function])
    # The others are told in words: each keyword, and none that is not there.
    for function in by_code.keys() - table.keys() - {"snapshot_discover_tests"}:
        usage = re.search(rf"`{function}\((.*?)\)`", text, re.S).group(1)
        assert set(re.findall(r"\b[A-Z_]{4,}\b", usage)) == by_code[function], (function, usage)
    own = by_code["snapshot_discover_tests"] - by_code["add_snapshot_test"] | {"NAME"}
    table = text.split("`snapshot_discover_tests(")[1].split("\n\n| argument |")[1].split("\n\n")[0]
    assert {word for row in rows(table) for word in re.findall(r"`([A-Z_]+)`", row[0])} == own
    # And the heads of the module's files.
    for function, words in by_code.items():
        head = re.search(rf"^\.\. command:: {function}$(.*?)(?=^\.\. |^#\])", module_text(), re.M | re.S).group(1)
        assert function == "snapshot_discover_tests" or words <= set(re.findall(r"[A-Z_]+", head)), (function, words - set(re.findall(r"[A-Z_]+", head)))


def test_cache_variables(tmp):
    lists = [SOURCE / "CMakeLists.txt", SOURCE / "helper" / "CMakeLists.txt", *(SOURCE / "cmake" / "dev").glob("*.cmake")]
    of_module = set(re.findall(r"^\s*(?:set|option)\((SNAPSHOT_FIXTURES_\w+)[^()]*?(?:CACHE|\n?\s+\"[^\"]*\" O)", module_text(), re.M))
    of_module |= set(re.findall(r"find_program\((SNAPSHOT_FIXTURES_\w+)", module_text()))
    of_build = {name for path in lists for name in re.findall(r"^\s*(?:set|option)\((SNAPSHOT_FIXTURES_\w+)(?=[^\n]*(?:CACHE|\"))", path.read_text(), re.M)}
    told = {word for row in rows(section("CMake")) for word in re.findall(r"`(SNAPSHOT_FIXTURES_\w+)`", row[0])}
    assert told == of_module | of_build, told ^ (of_module | of_build)
    heads = set(re.findall(r"^\.\. variable:: (\w+)$", module_text(), re.M))
    assert heads == of_module, heads ^ of_module


def test_keys_of_json(tmp):
    """Each key that is written is told of, and each that is told of is written by something."""
    told = section("JSON").split("What the figures mean")[0]
    words = set(re.findall(r"`([a-z_]+)`", told)) | set(re.findall(r"^- \*\*([a-z-]+)\*\*", told, re.M))
    of_man = re.findall(r"\b(?:Cm|Va) ((?:[a-z_-]+[ ,:;.]*)+)", MAN.split(".Sh JSON")[1].split(".Sh ")[0])
    by_man = set(re.findall(r"[a-z][a-z_-]+", " ".join(of_man)))
    writes = "".join((SOURCE / "helper" / path).read_text() for path in ("cli/json.cpp", "page/night_json.cpp"))
    keys = set(re.findall(r"\{\"([a-z_]+)\",", writes)) | set(re.findall(r"\[\"([a-z_]+)\"\]", writes))
    literals = set(re.findall(r"\"([a-z_-]+)\"", "".join(path.read_text() for path in (SOURCE / "helper").rglob("*.?pp"))))
    for page, names in (("reference", words), ("man page", by_man)):
        assert keys <= names, f"{page}: not told of: {keys - names}"
        assert names <= literals | {"run"}, f"{page}: told of and not there: {names - literals}"


# ---- command lines -------------------------------------------------------------------------------

LISTS = """
cmake_minimum_required(VERSION 3.20)
project(mine NONE)
include(CTest)
find_package(SnapshotFixtures CONFIG REQUIRED)
add_snapshot_test(NAME train COMMAND bash tests/train.sh --out=results LABELS nightly)
add_test(NAME quick COMMAND true)
"""


def blocks(page):
    """The console blocks of a page: (line, its commands, the reason why it is not to be run)."""
    text = page.read_text()
    for found in re.finditer(r"(?:^<!-- not run: ([^\n]*) -->\n)?^```console\n(.*?)^```", text, re.M | re.S):
        commands_of = re.findall(r"^\$ ((?:[^\n]*\\\n)*[^\n]*)$", found.group(2), re.M)
        assert commands_of, f"{page}: a console block without a command line"
        yield text.count("\n", 0, found.start()) + 1, commands_of, found.group(1)


def installed(tmp):
    """The prefix of an installed package."""
    run(["cmake", "--install", os.environ["SNAPFIX_BUILD_DIR"], "--prefix", tmp / "prefix"])
    return tmp / "prefix"


def test_command_lines(tmp):
    """Each block of a page after the other, in a project as the pages speak of, with the package installed; or marked
    `<!-- not run: why -->`."""
    prefix = installed(tmp)
    wrong = []
    ran = 0
    for page in PAGES:
        home = tmp / page.relative_to(SOURCE).as_posix().replace("/", ".")
        script = "#!/bin/sh\necho \"$@\" >results\n"
        project = harness.make_repo(home / "proj", {"CMakeLists.txt": LISTS, "train.sh": script, "tests/train.sh": script, "scripts/a.sh": "uv sync --locked\n", ".github/x.yml": "", ".gitignore": "/build/\n"})
        env = {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": prefix, "HOME": home, "NAME": "job", "GIT_CONFIG_GLOBAL": harness.clean_env()["GIT_CONFIG_GLOBAL"]}
        run(["cmake", "-B", "build"], cwd=project, env=env)
        run(["ctest", "--test-dir", "build"], cwd=project, env=env)
        for line, command_lines, reason in blocks(page):
            if reason is not None:
                if len(reason) < 10:
                    wrong.append(f"{page.name}:{line}: no reason: {reason!r}")
                continue
            for command in command_lines:
                done = run(["bash", "-euo", "pipefail", "-c", command], cwd=project, env=env, expect=None)
                ran += 1
                if done.code not in (0, int(command.startswith("snapfix diff "))) or "unknown option" in done.err or "No tests were found" in done.out + done.err:
                    wrong.append(f"{page.name}:{line}: {command}\n{done}")
        for snapshot_root in (project / ".snapshots", project / "build" / ".snapshots"):
            shutil.rmtree(snapshot_root, ignore_errors=True)
    assert not wrong, "\n".join(wrong)
    assert ran >= 20, ran


def test_the_way_in_for_newcomers(tmp):
    """Literally, in an empty folder: it passes, fails, and leaves what the page says."""
    prefix = installed(tmp)
    first, second = re.findall(r"^ *```sh\n(.*?)^ *```$", (SOURCE / "docs" / "index.md").read_text(), re.M | re.S)
    home = tmp / "mine"
    home.mkdir()
    env = {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": prefix}
    passed = run(["sh", "-ec", first], cwd=home, env=env)
    assert "100% tests passed, 0 tests failed out of 3" in passed.out and not (home / "results").exists(), passed
    assert "the snapshot is kept in" in run(["sh", "-ec", second], cwd=home, env=env, expect=8).out
    root = ("--root", "build/.snapshots")
    assert run(["snapfix", "diff", "train", *root], cwd=home, env=env, expect=1).out == "A\tresults\n"
    assert run(["snapfix", "enter", "train", *root], cwd=home, env=env, stdin="cat results").out == "out\n"
    assert run(["snapfix", "rerun", "train", *root], cwd=home, env=env, expect=1).out.startswith("text\n")


def test_the_hook_of_the_guide(tmp):
    (hook,) = re.findall(r"^```sh\n(.*?)^```$", (SOURCE / "docs" / "guide.md").read_text(), re.M | re.S)
    repository = harness.make_repo(tmp / "r", {"Makefile": "check:\n\tgrep -q fine a\n", "a": "fine\n"})
    (repository / ".git/hooks/pre-commit").write_text(hook)
    (repository / ".git/hooks/pre-commit").chmod(0o755)
    env = {"PATH": f"{pathlib.Path(harness.snapfix_path()).parent}:{os.environ['PATH']}"}
    harness.git(repository, "commit", "-q", "--allow-empty", "-m", "second", env=env)
    (repository / "a").write_text("bad\n")
    assert harness.git(repository, "commit", "-qam", "third", env=env, expect=None).code != 0


def test_links(tmp):
    """Each page and each heading that a page links to is there."""
    wrong = []

    def anchors(page):
        headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    for page in [*PAGES, SOURCE / "ARCHITECTURE.md", SOURCE / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            there = page.parent / name if name else page
            if not there.exists() or anchor and anchor not in anchors(there):
                wrong.append(f"{page.name}: {target}")
    assert not wrong, wrong


if __name__ == "__main__":
    harness.main()
