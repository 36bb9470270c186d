"""Paths of the source in words and environment, and programs that are there alone."""

import harness
import nested


def test_mapping(tmp):
    project = nested.Project(
        tmp,
        """
        set(src ${CMAKE_CURRENT_SOURCE_DIR})
        set(probe sh ${src}/probe.sh ${src} ${src}/input --cfg=${src}/x ${src}x ${src}/../up a:${src}/b @SNAPSHOT_DIR@/c
          ${CMAKE_BINARY_DIR}/made -I${src}/inc)
        set(environment "CFG=${src}/cfg;FILE=@SNAPSHOT_DIR@/f;MADE=${CMAKE_BINARY_DIR}/made;LIST=${src}/a:${src}/b")
        add_snapshot_test(NAME mapped COMMAND ${probe} PROPERTIES ENVIRONMENT "${environment}")
        add_snapshot_test(NAME plain COMMAND ${probe} NO_SOURCE_MAPPING PROPERTIES ENVIRONMENT "${environment}")
        add_snapshot_test(NAME inside COMMAND sh probe.sh WORKING_DIRECTORY deep/er)
    """,
        {
            "probe.sh": 'echo "$0|$*|$CFG|$FILE|$MADE|$LIST|$PWD|$SNAPSHOT_NAME|$SNAPSHOT_SOURCE_DIR|"\n',
            "deep/er/probe.sh": 'echo "$PWD|"\n',
            "input": "",
            "x": "",
            "b": "",
            "a": "",
            "cfg": "",
            "inc/h": "",
        },
    )
    project.build = project.source / "build"
    project.root = project.build / ".snapshots"
    outcomes = project.configured().results()

    def said(name):
        lines = [line for line in outcomes[name].output.splitlines() if line.endswith("|")]
        assert len(lines) == 1, outcomes[name]
        return lines[0].split("|")

    src, snap, made = str(project.source), str(project.root / "mapped"), str(project.build / "made")
    zero, words, cfg, file, made_seen, paths, cwd, name, source, _ = said("mapped")
    assert zero == f"{snap}/probe.sh", zero
    seen = words.split(" ")
    assert seen[:3] == [snap, f"{snap}/input", f"--cfg={snap}/x"], seen
    assert seen[3:5] == [f"{src}x", f"{src}/../up"], "a path that is not under the source"
    assert seen[5:] == [f"a:{snap}/b", f"{snap}/c", made, f"-I{snap}/inc"], seen
    assert paths == f"{snap}/a:{snap}/b", paths
    assert [cfg, file, made_seen, cwd, name, source] == [f"{snap}/cfg", f"{snap}/f", made, snap, "mapped", src]
    zero, words, cfg, file, made_seen, _, cwd, name, source, _ = said("plain")
    snap = str(project.root / "plain")
    assert [zero, words.split(" ")[:3]] == [f"{src}/probe.sh", [src, f"{src}/input", f"--cfg={src}/x"]]
    assert [cfg, file, made_seen, cwd, name, source] == [f"{src}/cfg", f"{snap}/f", made, snap, "plain", src]
    assert said("inside")[0] == str(project.root / "inside" / "deep" / "er")


def test_mapping_of_paths_however_they_are_spelt(tmp):
    project = nested.Project(
        tmp,
        """
        set(src ${CMAKE_SOURCE_DIR})
        add_snapshot_test(NAME t
          COMMAND sh show.sh --schema=file://${src}/a.xml -isystem${src}/inc @${src}/a.xml "-O2 -I${src}/inc -L${src}"
            "cat <${src}/a.xml" -ffile-prefix-map=${src}=. git+file://${src} ${CMAKE_BINARY_DIR}/../a.xml
            "-DX=\\\\\\"${src}\\\\\\"" ${src}2/x http:/${src}/x
          PROPERTIES ENVIRONMENT "URI=file://${src}/a.xml;CFLAGS=-O2 -I${src}/inc;DB=sqlite:///${src}/a.db")
    """,
        {"show.sh": 'printf "%s\\n" "URI=$URI" "CFLAGS=$CFLAGS" "DB=$DB" "$@"\n', "a.xml": "", "inc/h": ""},
    )
    project.build = project.source / "build"
    project.root = project.build / ".snapshots"
    src, snap = str(project.source), str(project.root / "t")
    said = project.configured().results()["t"].output.rstrip("\n").splitlines()
    assert said[:3] == [f"URI=file://{snap}/a.xml", f"CFLAGS=-O2 -I{snap}/inc", f"DB=sqlite:///{snap}/a.db"], said
    assert said[3:] == [
        f"--schema=file://{snap}/a.xml", f"-isystem{snap}/inc", f"@{snap}/a.xml", f"-O2 -I{snap}/inc -L{snap}",
        f"cat <{snap}/a.xml", f"-ffile-prefix-map={snap}=.", f"git+file://{snap}", f"{snap}/a.xml",
        f'-DX=\\"{snap}\\"', f"{src}2/x", f"http:/{src}/x",
    ], said


def test_programs_of_ignored_folders(tmp):
    """They exist in the source alone, and are left where they are."""
    project = nested.Project(
        tmp,
        """
        set(bin ${CMAKE_SOURCE_DIR}/node_modules/.bin)
        add_snapshot_test(NAME program COMMAND ${bin}/tool)
        add_snapshot_test(NAME script COMMAND sh ${bin}/tool)
        add_snapshot_test(NAME named COMMAND sh -c "exec \\"$TOOL\\"" PROPERTIES ENVIRONMENT "TOOL=${bin}/tool")
    """,
        {".gitignore": "node_modules/\n", "state": "frozen\n"},
    )
    harness.write_files(project.source, {"node_modules/.bin/tool": "#!/bin/sh\ncat state\n"})
    (project.source / "node_modules/.bin/tool").chmod(0o755)
    outcomes = project.configured().results()
    for name in ("program", "script", "named"):
        assert outcomes[name].status == "passed" and "frozen" in outcomes[name].output, outcomes


def test_a_script_that_is_not_tracked_is_told(tmp):
    project = nested.Project(
        tmp,
        """
        set(new ${CMAKE_SOURCE_DIR}/new.sh)
        add_snapshot_test(NAME program COMMAND ${new})
        add_snapshot_test(NAME script COMMAND sh ${new})
        add_snapshot_test(NAME relative COMMAND ./new.sh)
        add_snapshot_test(NAME relative.script COMMAND bash new.sh)
        add_snapshot_test(NAME taken COMMAND sh ${new} FILES UNTRACKED)
        add_snapshot_test(NAME third COMMAND cat ${CMAKE_SOURCE_DIR}/CMakeLists.txt ${new})
        add_snapshot_test(NAME word COMMAND echo new.sh)
        add_snapshot_test(NAME unmapped COMMAND sh ${new} NO_SOURCE_MAPPING)
    """,
    )
    harness.write_files(project.source, {"new.sh": "#!/bin/sh\necho ran\n"})
    (project.source / "new.sh").chmod(0o755)
    outcomes = project.configured().results(expect=8)
    for name in ("program", "script", "relative", "relative.script"):
        assert outcomes[name].status == "failed", outcomes
        for words in ("'new.sh' exists in the source, and git does not track it", "git add it", "FILES UNTRACKED"):
            assert words in outcomes[name].output, outcomes[name]
    for name in ("taken", "third", "word", "unmapped"):
        assert outcomes[name].status == "passed", outcomes[name]


def test_mapping_of_a_source_behind_a_symlink(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME t COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/probe.sh)
    """,
        {"probe.sh": 'echo "$0|"\n'},
    )
    (tmp / "link").symlink_to(project.source)
    project.source = tmp / "link"
    outcomes = project.configured().results()
    assert f"{project.root}/t/probe.sh|" in outcomes["t"].output, outcomes


if __name__ == "__main__":
    harness.main()
