"""A service in place of a real one: writes what must differ between forked processes, then waits."""

import os
import random
import secrets
import signal
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.framework.process.system import UuidV7Ids

if __name__ == "__main__":
    if code := os.environ.get("STAND_IN_EXIT"):
        sys.exit(int(code))
    drawn = [
        UuidV7Ids().new("inv"),
        secrets.token_hex(8),
        str(random.random()),
        Ed25519PrivateKey.generate().private_bytes_raw().hex(),
    ]
    print("stand-in runs", flush=True)
    file = Path(os.environ["STAND_IN_FILE"])
    file.with_suffix(".new").write_text("\n".join(drawn))
    file.with_suffix(".new").rename(file)
    signal.pause()
