"""Whether each program that the writers use is here: one test a program, so that what is missing is said by name."""

import harness
import matrix
from catalogue import k_programs


def has(program):
    def test():
        built = matrix.build_programs()
        writer = matrix.Writer("", "", "", needs=(program,))
        if matrix.missing_of(writer, built):
            harness.skip(f"{program} is not installed, or cannot be compiled: its writers are left out")

    return test


for name in k_programs:
    globals()["test_" + "".join(c if c.isalnum() else "_" for c in name)] = has(name)


if __name__ == "__main__":
    harness.main()
