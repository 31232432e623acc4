"""A network namespace for one test: nothing but a loopback interface, and every port free.

For tests of what names fixed ports: the README's commands, and the default configuration.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys

IN_NAMESPACE = "LOOPBACK_ONLY"  # not PITOT_: the harness takes those out when it is imported
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h


def enter() -> None:
    """Starts this program again in a namespace of its own; returns only inside it.

    Exits with 77 where the machine allows none. What begins with PITOT_ is no longer in the
    environment then: to the agent every variable with this prefix is an option.
    """
    if IN_NAMESPACE not in os.environ:
        unshare = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
            print("this machine allows no network namespaces, and the ports may be in use")
            sys.exit(77)
        os.environ[IN_NAMESPACE] = "yes"
        program = os.path.abspath(sys.argv[0])
        os.execvp("unshare", [*unshare, sys.executable, program, *sys.argv[1:]])
    for name in [name for name in os.environ if name.startswith("PITOT_")]:
        del os.environ[name]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
