#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Locks requirements/*.in into *.txt, for Python 3.10 to 3.13; `make lock` runs it. Needs uv (pip install uv).
set -eu
cd "$(dirname "$0")"
for name in pip ros runtime train view test cmake; do
    uv pip compile --quiet --universal --python-version 3.10 --no-config \
        --default-index https://pypi.org/simple --custom-compile-command 'make lock' "$name.in" -o "$name.txt"
done
