# Every target is one command; `setup` makes or repairs .venv and costs a moment when there is nothing to do.
PYTHON ?= python3
BIN := .venv/bin
# Without a display the same window goes through its tour instead.
ifeq ($(shell uname)$(DISPLAY)$(WAYLAND_DISPLAY),Linux)
WITHOUT_DISPLAY := --tour build/tour
endif

.PHONY: run test check bench soak tour audit setup
run: setup
	@$(BIN)/lectern $(WITHOUT_DISPLAY)

test: setup
	@$(BIN)/python -m pytest --no-header -n 2 --dist loadfile

check: setup
	@$(BIN)/python -m tests.house.check

bench: setup
	@$(BIN)/lecternctl bench all --record

soak: setup
	@$(BIN)/python -m pytest --no-header -m soak

tour: setup
	@QT_QPA_PLATFORM=offscreen $(BIN)/lectern --tour build/tour

audit: setup
	@$(BIN)/python -m tests.house.audit

setup:
	@$(PYTHON) bootstrap.py
