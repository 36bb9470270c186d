"""The helper of SnapshotFixtures, and its CMake package in this folder: find_package() knows it by the entry point."""

import os
import pathlib
import sys


def main():
    helper = pathlib.Path(__file__).parent / "bin" / "snapfix"
    os.execv(helper, [str(helper), *sys.argv[1:]])
