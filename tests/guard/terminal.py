"""Runs a program in a terminal: terminal.py [WAIT-FOR KEYS]... -- PROGRAM...; keys know \\n, \\xNN."""

import fcntl
import os
import pty
import struct
import sys
import termios


def main():
    split = sys.argv.index("--")
    dialogue, command = sys.argv[1:split], sys.argv[split + 1:]
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execvp(command[0], command)
    seen = b""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the program has closed it
            break
        if not data:
            break
        seen += data
        if dialogue and dialogue[0].encode() in seen:
            os.write(terminal, dialogue[1].encode().decode("unicode_escape").encode("latin-1"))
            del dialogue[:2]
            seen = b""
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or (9 if dialogue else 0))


main()
