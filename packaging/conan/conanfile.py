"""A tool: those who use it have tool_requires("snapshotfixtures/<version>"), and the generator CMakeDeps."""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain
from conan.tools.files import copy, load


class SnapshotFixtures(ConanFile):
    name = "snapshotfixtures"
    description = "A hard-linked, isolated copy of the source tree for each test: CMake module and helper"
    license = "Apache-2.0"
    package_type = "application"
    settings = "os", "arch", "compiler", "build_type"
    # A helper that was built already; else it is built, of libraries that the system has.
    options = {"prebuilt": ["ANY"]}
    default_options = {"prebuilt": ""}

    @property
    def _top(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._top, "CMakeLists.txt"))
        self.version = re.search(r"VERSION ([0-9.]+)\n", text).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "helper/*", "docs/snapfix.1"):
            copy(self, pattern, self._top, self.export_sources_folder)

    def package_id(self):
        del self.info.settings.compiler
        del self.info.options.prebuilt

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["SNAPSHOT_FIXTURES_PREBUILT"] = str(self.options.prebuilt)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # Its own CMake package, not one that Conan makes of libraries.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "SnapshotFixtures")]
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
