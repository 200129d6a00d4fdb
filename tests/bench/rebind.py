"""The same two cases as rebind.scenario, as somebody would try them out without portreuse."""

import subprocess
import sys

CASE = r"""
import os, socket, sys
reuse = int(sys.argv[1])
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 1215))
listener.listen()
if os.fork() == 0:
    listener.close()
    conn = socket.create_connection(("127.0.0.1", 1215))
    conn.recv(1)
    os._exit(0)
listener.accept()[0].close()
os.wait()
listener.close()
again = socket.socket()
again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
try:
    again.bind(("127.0.0.1", 1215))
    got = 0
except OSError as error:
    got = error.errno
sys.exit(0 if (got == 0) == (reuse == 1) else 1)
"""

for reuse in "01":
    command = "ip link set lo up && exec %s -c \"$0\" \"$1\"" % sys.executable
    subprocess.run(["unshare", "-rn", "sh", "-c", command, CASE, reuse], check=True)
