"""examples/uv, with packages from the index at first, and then without a network."""

import os
import pathlib

import harness
import locked


def test_example(tmp):
    env = locked.environment(tmp, UV_OFFLINE=None, PATH=f"{pathlib.Path(locked.uv()).parent}:{os.environ['PATH']}")
    command = [pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "examples/try", "uv", tmp / "scratch",
               os.environ["SNAPFIX_EXAMPLES_PREFIX"]]
    for offline in (None, "1"):
        done = harness.run(command, env={**env, "UV_OFFLINE": offline}, timeout=240)
        assert "100% tests passed" in done.out, done


if __name__ == "__main__":
    harness.main()
