#!/usr/bin/env bash
# Editable installs by setuptools: modules that a package first on the path lacks come from the installed one.
#
# One would expect: with PYTHONPATH naming a folder with another version of a package,
#   that version is what is imported, and a module that it does not have yet is missing.
# What happens: the package comes from that folder, and each submodule that it lacks from
#   the project that was installed with `pip install -e .`. With an ordinary install it is
#   missing. So two versions run as one, without a word.
# Versions tried: setuptools 84.2.1, Python 3.11. Date: 2026-11-30.
# Why it matters: comparing with an older checkout (a worker of a cluster, a bisection, a
#   paper's tag) by PYTHONPATH from an environment in which one develops gives results of
#   neither version, or an AttributeError far from its cause.
# What to do: an environment for each version; or compare the versions and the paths of
#   modules, not of the package alone.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check setuptools==84.2.1
cd "$tmp"
mkdir -p new/detector old/detector
echo '__version__ = "2"' > new/detector/__init__.py
echo 'import detector; print("package", detector.__version__)
from detector import losses; print("losses", losses.version)' > ask.py
echo 'version = "2"' > new/detector/losses.py
echo '__version__ = "1"' > old/detector/__init__.py # the older version had no losses yet
printf '[metadata]\nname = detector\nversion = 2\n[options]\npackages = detector\n' > new/setup.cfg
printf '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n' > new/pyproject.toml

ask() { # HOW TO INSTALL
  "$tmp/venv/bin/pip" install -q --disable-pip-version-check --no-build-isolation --force-reinstall "$@"
  (cd / && PYTHONPATH="$tmp/old" "$tmp/venv/bin/python" "$tmp/ask.py" 2>&1 | grep -v -e '^  ' -e '^Trace' | tr '\n' ';') || true
}

"$tmp/venv/bin/python" -c 'import setuptools; print("setuptools", setuptools.__version__)'
ordinary=$(ask ./new)
editable=$(ask -e ./new)
echo "installed:             $ordinary"
echo "installed as editable: $editable"
case "$ordinary" in *ImportError*) ;; *) echo "CHANGED: the ordinary install fills in modules too."; exit 1 ;; esac
[ "$editable" = "package 1;losses 2;" ] || { echo "CHANGED: the editable install mixes no versions."; exit 1; }
