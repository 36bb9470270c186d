"""All writers, in the order of the table."""

import program_writers as programs
import shell_writers as shell
import tool_writers as tools

k_sections = {
    "Shell": shell.k_shell,
    "Reading": shell.k_readers,
    "Coreutils": shell.k_coreutils,
    "Editors and filters": tools.k_editors,
    "Archives, copies": tools.k_archives,
    "git": tools.k_git,
    "Compilers, builds": tools.k_compilers,
    "Metadata": tools.k_metadata,
    "Python": programs.k_python,
    "C, static": programs.k_c,
    "Go": programs.k_go,
    "Node": programs.k_node,
    "Processes": programs.k_processes,
}
k_plain_calls = [writer for name in ("Shell", "Coreutils", "Metadata", "C, static") for writer in k_sections[name]]
k_beyond = programs.k_beyond
k_writers = [writer for section in k_sections.values() for writer in section]
k_programs = sorted({need for writer in k_writers for need in writer.needs})

assert len({writer.id for writer in k_writers}) == len(k_writers), "one folder, one writer"
