# make demo   install what is missing, then watch the VIP survive every fault (root)
# make deb, make rpm   build the package into dist/
# make test-vm   build the package, and take two booted systems through the life of it (root)
# make test   install what is missing, then run every check and every test
# make coverage, make mutants   how well the tests know the pure rooms (docs/testing.md)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= config/halbd.yaml

.PHONY: demo test coverage mutants lint bench deb rpm test-vm clean

demo: $(VENV)/.lab
	$(BIN)/halbctl lab --config $(CONFIG)

PURE := decide parse render

test: $(VENV)/.test lint coverage
	$(BIN)/pytest $(PURE:%=--ignore=tests/%)

# Every line and branch of decide/, parse/ and render/, each by the tests of its own folder alone. They are
# what is pure; the rest is tested through real processes.
coverage: $(VENV)/.test
	for room in $(PURE); do $(BIN)/pytest tests/$$room --cov=halbd/$$room || exit; done

# The same rooms with one thing changed at a time: what no test of the room notices is listed. An hour or two, on one core.
# A part of it: `make mutants ONLY=halbd.decide.guard`.
mutants: $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	nice $(BIN)/python tests/mutants.py $(ONLY)

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	shellcheck packaging/install-tools packaging/tree packaging/deb packaging/rpm packaging/debian/halbd.p* .ci/run

# The numbers of docs/performance.md, on this machine (root, about an hour): HAProxy and Envoy in turn, fault by fault.
FAULTS := proxy-kill proxy-hang node-death server-death server-poweroff all-servers-down servers-lost-here vrrp-blocked
PROXIES := haproxy envoy
TEN := $(BIN)/halbctl lab --config $(CONFIG) --repeat 10
bench: $(VENV)/.lab
	for fault in $(FAULTS); do for proxy in $(PROXIES); do $(TEN) --fault $$fault --proxy $$proxy || exit; done; done
	for proxy in $(PROXIES); do $(TEN) --fault node-death --set vrrp.advert_int=0.1 --proxy $$proxy || exit; done
	for proxy in $(PROXIES); do $(BIN)/python -m halbd.lab.bench --config $(CONFIG) --proxy $$proxy || exit; done
	for proxy in $(PROXIES); do $(BIN)/python -m halbd.lab.bench_parting --config $(CONFIG) --proxy $$proxy || exit; done

deb:
	PYTHON=$(PYTHON) packaging/install-tools deb
	packaging/deb

rpm:
	PYTHON=$(PYTHON) packaging/install-tools rpm
	packaging/rpm

test-vm: $(VENV)/.test deb
	PYTHON=$(PYTHON) packaging/install-tools vm
	$(BIN)/pytest -m vm tests/vm

$(VENV)/.lab: pyproject.toml packaging/install-tools
	PYTHON=$(PYTHON) packaging/install-tools lab
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[lab]'
	touch $@

$(VENV)/.test: pyproject.toml packaging/install-tools
	PYTHON=$(PYTHON) packaging/install-tools test
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
