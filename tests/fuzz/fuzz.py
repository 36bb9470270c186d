"""What is read from others, against libFuzzer: each target for SNAPFIX_FUZZ_SECONDS (10), from a small corpus.

`fuzz.py test_build` builds them with clang; the others run one each. A finding is left in the build tree, and
`<build>/fuzz/fuzz_<target> <file>` shows it again.
"""

import os
import pathlib
import re
import shutil

import harness
from harness import require, run, skip

REPOSITORY = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SNAPFIX_BUILD_DIR"]) / "fuzz"


def test_build():
    require("clang++", "cmake")
    with harness.temp_dir("fuzz") as tmp:
        (tmp / "a.cpp").write_text('extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }\n')
        probe = run(["clang++", "-fsanitize=fuzzer,address,undefined", "a.cpp"], cwd=tmp, expect=None)
        if probe.code != 0:
            skip(f"clang++ has no libFuzzer (libclang-rt-dev): {probe.err.strip()[-200:]}")
    ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
    run(["cmake", "-S", REPOSITORY / "tests/fuzz/targets", "-B", BUILD, "-DCMAKE_CXX_COMPILER=clang++", *ninja],
        timeout=120)
    run(["cmake", "--build", BUILD, "-j2"], timeout=900)


def fuzz(target):
    program = BUILD / f"fuzz_{target}"
    if not program.exists():
        skip("the targets are not built (fuzz.build)")
    seconds = int(os.environ.get("SNAPFIX_FUZZ_SECONDS", "10"))
    found = BUILD / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    with harness.temp_dir(target) as corpus:  # what the fuzzer adds
        # 30 s for one input, on a busy machine, and 2 GB are a finding: nothing here may take long.
        done = run(
            [program, f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=2048", "-max_len=4096",
             f"-artifact_prefix={found}/", "-print_final_stats=1", corpus, REPOSITORY / "tests/fuzz/corpus" / target],
            timeout=seconds + 120, expect=None,
        )
    coverage = re.findall(r"cov: \d+ ft: \d+", done.err)
    counts = re.findall(r"stat::(?:number_of_executed_units|peak_rss_mb): +\d+", done.err)
    print(f"  {target}: {coverage[-1:]} {counts}")
    assert done.code == 0 and coverage, f"kept in {found}\n{done}"


def test_git_config():
    fuzz("git_config")


def test_glob():
    fuzz("glob")


def test_lint():
    fuzz("lint")


def test_listing():
    fuzz("listing")


def test_manifest():
    fuzz("manifest")


def test_pack():
    fuzz("pack")


if __name__ == "__main__":
    harness.main()
