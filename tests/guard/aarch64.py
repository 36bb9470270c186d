"""The guard compiles for aarch64, without a warning; its filter for that ABI is checked by a unit test."""

import os
import pathlib

import harness

SOURCE = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])


def test_compiles(tmp):
    compiler = "aarch64-linux-gnu-g++"
    harness.require(compiler)
    # Of the libraries only headers are needed, and those are the same on all machines.
    for name in ("nlohmann", "fmt"):
        (tmp / name).symlink_to(pathlib.Path("/usr/include") / name)
    flags = ["-std=c++20", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-Wall", "-Wextra", "-Wconversion", "-Werror",
             "-I", SOURCE / "helper", "-isystem", tmp, "-fsyntax-only"]
    files = sorted((SOURCE / "helper/guard").glob("*.cpp"))
    assert len(files) > 8, files
    # As one: most of a file's time is its headers'. It takes the files for headers.
    all_of_them = tmp / "all.cpp"
    all_of_them.write_text("".join(f'#include "{file}"\n' for file in files))
    done = harness.run([compiler, *flags, "-Wno-subobject-linkage", all_of_them], expect=None, timeout=250)
    assert done.code == 0, done


if __name__ == "__main__":
    harness.main()
