import sys

import idna

for name in sys.argv[1:]:
    print(name, idna.encode(name).decode())
