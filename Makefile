# SPDX-License-Identifier: Apache-2.0
# Thin: tools/workspace/workspace.py does the work. Works from any folder (`make -C path`, `make -f path/Makefile`).

## make demo                      run the node on a recording and print each emotion as it is published
## make demo AUDIO=path.wav       the same on a recording of yours (WAV or FLAC)
## make demo SOURCE=microphone    the same on your microphone, until Ctrl-C
## make build                     install what is locked in requirements/ into .venv, build both packages into install/
## make test [ARGS=...]           build, ruff, mypy, then pytest (ARGS are pytest's arguments)
## make test-fast                 the tests that need no process of their own, no training and no export
## make lint                      ruff and mypy alone: what `make test` begins with
## make format                    let ruff mend what it can
## make clean                     remove all that make made: .venv, build, install, log
## make lock                      for maintainers: lock requirements/*.in again (needs uv)
##
## PYTHON=path chooses the Python 3.10-3.13 that .venv is made from.
## After `make build`, `. ./env.bash` puts a shell into the built workspace.

# MAKEFILE_LIST begins with a blank; the recipes take it off, in the shell, where a path may hold spaces.
export THIS_MAKEFILE := $(MAKEFILE_LIST)
# Stays the caller's folder after `make -C path`.
export CALLER_PWD := $(PWD)
export PYTHON AUDIO SOURCE ARGS

.PHONY: help build demo test test-fast lint format clean lock
.DEFAULT_GOAL := help

help:
	@sed -n 's/^## \{0,1\}//p' "$${THIS_MAKEFILE# }"

build demo test test-fast lint format clean:
	@exec sh "$$(dirname "$${THIS_MAKEFILE# }")/tools/workspace/workspace.sh" $@

lock:
	@sh "$$(dirname "$${THIS_MAKEFILE# }")/requirements/lock.sh"
