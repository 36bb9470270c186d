"""SNAPSHOT_FIXTURES_PACK: a test that fails packs its snapshot, and the file is attached."""

import base64
import io
import json
import subprocess
import tarfile
import xml.etree.ElementTree

import harness
import nested

k_lists = """
    add_snapshot_test(NAME fails COMMAND sh -c "echo x >>input && exit 3" PROPERTIES ENVIRONMENT "MODE=fast;MY_TOKEN=hidden;PLAIN=@SNAPSHOT_DIR@/x")
    add_snapshot_test(NAME passes COMMAND cat input)
    add_snapshot_test(NAME will_fail COMMAND false PROPERTIES WILL_FAIL TRUE)
    add_snapshot_test(NAME skips COMMAND sh -c "exit 5" PROPERTIES SKIP_RETURN_CODE 5)
    add_snapshot_test(NAME searched COMMAND sh -c "exit 3" PROPERTIES FAIL_REGULAR_EXPRESSION "error|fail")
    add_snapshot_test(NAME never COMMAND false KEEP NEVER)
    add_snapshot_test(NAME always COMMAND true KEEP ALWAYS)
"""


def packs(project):
    folder = project.build / "Testing/packs"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def record_of(pack):
    harness.require("zstd")
    plain = subprocess.run(["zstd", "-dcq", pack], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return json.loads(archive.extractfile("record.json").read())


def test_a_test_that_fails_packs(tmp):
    project = nested.Project(tmp, k_lists, {"input": "text\n"}).configured("-DSNAPSHOT_FIXTURES_PACK=ON_FAILURE", "-DSNAPSHOT_FIXTURES_PACK_ENV=HOME;OF_CI")
    outcomes = project.results(expect=8, env={"OF_CI": "1"})
    assert packs(project) == ["fails.pack.tar.zst"], packs(project)
    pack = project.build / "Testing/packs/fails.pack.tar.zst"
    lines = outcomes[nested.finisher("fails")].output.splitlines()
    assert any(line.endswith(f"[[ATTACHMENT|{pack}]]") for line in lines), lines  # of ctest 3.20 behind what it does not know
    assert any(f"snapfix repro {pack} --source CLONE --run" in line for line in lines), lines
    assert "a shell in it: " in lines[-1], lines
    assert not any("ATTACHMENT" in outcome.output for name, outcome in outcomes.items() if name != nested.finisher("fails"))
    record = record_of(pack)
    assert record["run"]["environment"] == ["HOME=@HOME@", "OF_CI=1", "MODE=fast", "PLAIN=@SNAPSHOT_DIR@/x"], record
    assert any("MY_TOKEN" in line for line in record["left_out"]) and "hidden" not in json.dumps(record), record
    # The test passes, and its pack goes.
    project.rewrite(k_lists.replace("echo x >>input && exit 3", "echo x >>input"))
    harness.git(project.source, "commit", "-qam", "mended")
    project.configure("-DSNAPSHOT_FIXTURES_PACK=ON_FAILURE")
    project.ctest("-R", "^fails")
    assert packs(project) == []


def test_the_file_is_attached(tmp):
    if nested.version() < (3, 21):
        return  # ctest attaches nothing that a test names
    project = nested.Project(tmp, 'add_snapshot_test(NAME t COMMAND false)\n').configured("-DSNAPSHOT_FIXTURES_PACK=ON_FAILURE")
    project.results(expect=8)
    tag = (project.build / "Testing/TAG").read_text().split("\n")[0]
    report = xml.etree.ElementTree.parse(project.build / "Testing" / tag / "Test.xml")
    (attached,) = [entry for entry in report.iter("NamedMeasurement") if entry.get("type") == "file"]
    assert attached.get("name") == "pack" and attached.get("filename") == "t.pack.tar.zst", attached.attrib
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(attached.findtext("Value")))) as archive:
        (member,) = archive.getmembers()
        assert archive.extractfile(member).read() == (project.build / "Testing/packs/t.pack.tar.zst").read_bytes()


def test_it_is_made_elsewhere(tmp):
    project = nested.Project(tmp, 'add_snapshot_test(NAME t COMMAND sh -c "cat input && exit 3")\n', {"input": "text\n"})
    (project.source / "input").write_text("edited\n")
    project.configured("-DSNAPSHOT_FIXTURES_PACK=ON_FAILURE").ctest(expect=8)
    harness.run(["git", "clone", "-q", project.source, tmp / "clone"])
    done = harness.snapfix("repro", project.build / "Testing/packs/t.pack.tar.zst", "--source", tmp / "clone", "--run", expect=3)
    assert done.out == f"edited\n{tmp}/clone.repro/t\n", done


def test_not_unless_asked(tmp):
    project = nested.Project(tmp, k_lists, {"input": "text\n"}).configured()
    assert not any("--pack" == word for test in project.tests().values() for word in test.command)
    project.ctest("-R", "^fails", expect=8)
    assert packs(project) == []
    refused = project.configure("-DSNAPSHOT_FIXTURES_PACK=SOMETIMES", expect=1)
    assert "SNAPSHOT_FIXTURES_PACK 'SOMETIMES' is none of NEVER, ON_FAILURE" in " ".join(refused.err.split()), refused


if __name__ == "__main__":
    harness.main()
