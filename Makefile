# SPDX-License-Identifier: Apache-2.0
# Thin: tools/workspace/workspace.py does the work. Works from any folder (`make -C path`, `make -f path/Makefile`).

## make demo                      run the node on a recording and print each emotion as it is published
## make demo AUDIO=path.wav       the same on your own recording (WAV or FLAC)
## make demo SOURCE=microphone    the same on your microphone, until Ctrl-C
## make demo VIEW=1               any of these, shown in a browser as well, until Ctrl-C
## make build                     install the versions locked in requirements/ into .venv, build both packages into install/
## make test [ARGS=...]           build, ruff, mypy, then pytest (ARGS are pytest's arguments)
## make test-fast                 all tests but those that train, export, measure, or use ROS or PulseAudio
## make lint                      ruff and mypy only, as `make test` runs them first
## make format                    let ruff fix what it can
## make clean                     remove everything that make created: .venv, build, install, log
## make lock                      for maintainers: lock requirements/*.in again (needs uv)
##
## PYTHON=path chooses the Python (3.10 to 3.13) for .venv.
## After `make build`, `. ./env.bash` puts a shell into the built workspace.

# MAKEFILE_LIST begins with a blank; the recipes take it off, in the shell, where a path may hold spaces.
export THIS_MAKEFILE := $(MAKEFILE_LIST)
# Stays the caller's folder after `make -C path`.
export CALLER_PWD := $(PWD)
export PYTHON AUDIO SOURCE VIEW ARGS

.PHONY: help build demo test test-fast lint format clean lock
.DEFAULT_GOAL := help

help:
	@sed -n 's/^## \{0,1\}//p' "$${THIS_MAKEFILE# }"

build demo test test-fast lint format clean:
	@exec sh "$$(dirname "$${THIS_MAKEFILE# }")/tools/workspace/workspace.sh" $@

lock:
	@sh "$$(dirname "$${THIS_MAKEFILE# }")/requirements/lock.sh"
