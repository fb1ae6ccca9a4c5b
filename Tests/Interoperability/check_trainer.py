"""The Python package beside the program: its own tests (those of PyTorch only where it is installed), and the example in NumPy, from a
table of numbers to a certificate that the script without unlearn verifies."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from support import expect, finish, program

root = pathlib.Path(__file__).resolve().parent.parent.parent
environment = {**os.environ, "UNLEARN": str(pathlib.Path(program).resolve()), "PYTHON": sys.executable, "PYTHONPATH": str(root / "python")}

tests = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=root / "python", env=environment, capture_output=True, text=True)
expect(tests.returncode == 0, f"the package's own tests pass: {tests.stdout.strip().splitlines()[-1]}")
if tests.returncode:
    print(tests.stdout[-8000:])

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    run = subprocess.run([root / "Examples" / "numpy-logistic" / "run", folder], env=environment, capture_output=True, text=True)
    expect(run.returncode == 0, f"the example runs{run.stderr[-2000:] if run.returncode else ''}")
    expect("forgotten exactly" in run.stdout and "EXACT: the current model is exact replay, bit for bit" in run.stdout, "the deletion is exact, and the audit says so")
    certificate = json.loads((folder / "R1.json").read_text())
    expect("payload" in certificate, "the certificate is there")
    verified = subprocess.run([sys.executable, root / "Scripts" / "verify-certificate", folder / "R1.json", folder / "project" / "signing-key.pem"], capture_output=True, text=True)
    expect(verified.returncode == 0, f"the certificate holds{verified.stderr if verified.returncode else ''}")

finish()
