"""Runs the script of an example, SNAPFIX_EXAMPLE: what it calls a skip (77) is one as of the other tests."""

import os
import shlex

import harness


def test_example():
    done = harness.run(shlex.split(os.environ["SNAPFIX_EXAMPLE"]), expect=None, timeout=600)
    if done.code == 77:
        harness.skip(done.out.strip())
    print(done.out)
    assert done.code == 0, done


if __name__ == "__main__":
    harness.main()
