"""Prints the table of writers in Markdown, for docs/writers.md: what reaches the object without the guard, and with it."""

import harness
import matrix
from catalogue import k_beyond, k_sections


def main():
    outcomes = {}
    for writers in ([w for section in k_sections.values() for w in section], k_beyond):
        for guard in ("off", "on"):
            with harness.temp_dir("table") as tmp:
                outcome = matrix.run_matrix(tmp, writers, guard=guard)
            for name in outcome.ran:
                outcomes.setdefault(name, {})[guard] = "reached" if name in outcome.leaks else "did not reach"
    print("| writer | without the guard | with the guard |\n| --- | --- | --- |")
    for title, writers in {**k_sections, "Beyond the guard": k_beyond}.items():
        print(f"| **{title}** | | |")
        for writer in writers:
            seen = outcomes.get(writer.id)
            if seen is None:
                continue
            remark = ": refused" if writer.refused else f": {writer.remains}" if writer.remains else ""
            text = writer.text.replace("|", "\\|")  # also within code
            print(f"| {text} | {seen['off']} | {seen['on']}{remark} |")
    counts = [sum(seen[guard] == "reached" for seen in outcomes.values()) for guard in ("off", "on")]
    print(f"\n{len(outcomes)} writers: {counts[0]} reached the object without the guard, {counts[1]} with it.")


if __name__ == "__main__":
    main()
