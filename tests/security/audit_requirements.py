"""Look up the pinned requirements in a vulnerability database (pip-audit, OSV), without resolving them again.

`python -m tests.security.audit_requirements` (make audit) exits 1 on a known vulnerability and on any error
but one: where the database cannot be reached it prints that nothing was run_audit, and exits 0.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOCKS = sorted((Path(__file__).parents[2] / "requirements").glob("*.txt"))
ANSWER_WITHIN_S = 5
# How `requests`, which pip-audit uses, and pip-audit itself name a server that cannot be reached.
_UNREACHABLE = re.compile(r"\b(ConnectionError|ProxyError|ConnectTimeout|ReadTimeout)\b|Could not connect to")


def audit(locks: Sequence[Path] = LOCKS, *options: str) -> int:
    """Audit hashed lock files; returns the exit code. `options` go to pip-audit."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--disable-pip"]
    command += ["--require-hashes", "--progress-spinner", "off", "--timeout", str(ANSWER_WITHIN_S), *options]
    command += [part for lock in locks for part in ("--requirement", str(lock))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stderr.strip().rpartition("\n")[2]
    if done.returncode and not done.stdout and _UNREACHABLE.search(last):
        print("audit: SKIPPED, nothing was audited: no network to the vulnerability database")
        return 0
    print(done.stdout, done.stderr if done.returncode else last, sep="", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(audit())
