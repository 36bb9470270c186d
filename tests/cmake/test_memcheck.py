"""ctest -T MemCheck: the checker stands in front of the helper, and checks the command."""

import re

import harness
import nested

MEMCHECK = {
    "leak.c": """
        #include <stdio.h>
        #include <stdlib.h>
        int main(void) {
          volatile char *p = malloc(8);
          p[8] = 1;
          FILE *shared = fopen("input", "a");
          return shared == NULL || fputs("more", shared) < 0 || fclose(shared) != 0;
        }
    """,
    "input": "text\n",
}


def memcheck(tmp, options):
    """What ctest -T MemCheck finds in a program, as a plain test and as a snapshot test."""
    harness.require("valgrind", "cc")
    project = nested.Project(
        tmp,
        """
        include(CTest)
        add_executable(leak leak.c)
        add_test(NAME plain COMMAND leak)
        add_snapshot_test(NAME snap COMMAND leak KEEP ALWAYS)
    """,
        MEMCHECK,
        languages="C",
    ).configured(f"-DMEMORYCHECK_COMMAND_OPTIONS={options}")
    project.make()
    done = project.ctest("-T", "MemCheck", "-V", expect=None, timeout=280)
    for test in ("plain", "snap"):
        assert re.search(rf"MemCheck: #\d+: {test} \.+ +Defects: 2\n", done.out), done
    # Nothing is found in what is not the test, and what the program wrote is the snapshot's own.
    assert done.out.count("Defects: ") == 2, done
    assert (project.source / "input").read_text() == "text\n"
    assert (project.root / "snap" / "input").read_text() == "text\nmore"
    return done


def test_memcheck(tmp):
    done = memcheck(tmp, "--leak-check=full")
    assert "no guard" not in done.out, done


def test_memcheck_that_traces_children(tmp):
    done = memcheck(tmp, "-q --leak-check=yes --trace-children=yes --trace-children-skip=*/snapfix")
    assert "no guard" not in done.out, done


if __name__ == "__main__":
    harness.main()
