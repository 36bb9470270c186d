"""Conan and vcpkg, as far as they can be tried without their servers."""

import json
import re

import harness
import packager


def test_conan(tmp):
    python = packager.python_with("conan")
    source = packager.source()
    env = {"CONAN_HOME": tmp / "conan"}
    conan = [python, "-m", "conans.conan"]
    harness.run([*conan, "profile", "detect"], env=env)
    prebuilt = f"snapshotfixtures/*:prebuilt={harness.snapfix_path()}"
    harness.run([*conan, "create", source / "packaging/conan", "-o:a", prebuilt, "--build-require"], env=env)
    # A consumer: the package of the build's machine, found by CMake's own find_package().
    (tmp / "consumer").mkdir()
    (tmp / "consumer" / "conanfile.txt").write_text(f"[tool_requires]\nsnapshotfixtures/{packager.version()}\n[generators]\nCMakeToolchain\n")
    harness.run([*conan, "install", tmp / "consumer", "-of", tmp / "tools"], env=env)
    programs = packager.consume(tmp, f"-DCMAKE_TOOLCHAIN_FILE={tmp}/tools/conan_toolchain.cmake", "-DCMAKE_BUILD_TYPE=Release")
    assert all(str(program).startswith(str(tmp / "conan")) for program in programs) and len(programs) == 1, programs


STUBS = """
    set(VCPKG_BUILD_TYPE release)
    function(vcpkg_cmake_configure)
      cmake_parse_arguments(arg "" "SOURCE_PATH" "OPTIONS" ${ARGN})
      execute_process(COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${tmp}/b -DCMAKE_INSTALL_PREFIX=${tmp}/installed
        ${arg_OPTIONS} ${prebuilt} COMMAND_ERROR_IS_FATAL ANY)
    endfunction()
    function(vcpkg_cmake_install)
      execute_process(COMMAND ${CMAKE_COMMAND} --install ${tmp}/b COMMAND_ERROR_IS_FATAL ANY)
    endfunction()
    function(vcpkg_install_copyright)
      cmake_parse_arguments(arg "" "" "FILE_LIST" ${ARGN})
      file(COPY ${arg_FILE_LIST} DESTINATION ${tmp}/installed/share/snapshotfixtures)
    endfunction()
    include(${port}/portfile.cmake)
"""


def test_vcpkg_port(tmp):
    """Its portfile, with stand-ins for vcpkg's functions, installs a tree that find_package() finds as vcpkg has it look."""
    source = packager.source()
    port = source / "packaging/vcpkg/ports/snapshotfixtures"
    manifest = json.loads((port / "vcpkg.json").read_text())
    assert manifest["version"] == packager.version() and manifest["name"] == port.name
    assert all(tool["host"] for tool in manifest["dependencies"] if isinstance(tool, dict))
    (tmp / "stubs.cmake").write_text(STUBS)
    harness.run(["cmake", f"-Dtmp={tmp}", f"-Dport={port}", f"-Dprebuilt={packager.PREBUILT}", "-P", tmp / "stubs.cmake"])
    programs = packager.consume(tmp, f"-DSnapshotFixtures_DIR={tmp}/installed/share/snapshotfixtures")
    assert programs == {f"{tmp}/installed/tools/snapshotfixtures/snapfix"}, programs
    wanted = {name.lower() for name in re.findall(r"find_package\((\w+)", (source / "helper/CMakeLists.txt").read_text())} - {"threads", "boost"}
    there = {re.sub("-", "_", d) for d in manifest["dependencies"] if isinstance(d, str)}
    assert wanted <= there | {"nlohmann_json"}, (wanted, there)


if __name__ == "__main__":
    harness.main()
