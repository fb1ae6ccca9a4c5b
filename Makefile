# make demo   the main job on real data       make test   all tests
# make bench  beside what others use           make fuzz   parsers under millions of inputs
# make torture  faults, kills, power failures, damage    make frontier  accuracy against forgetting
# make lineage  accuracy against the cost of an exact deletion
# make test-arm  the vector kernels as 64-bit Arm has them, under qemu
# make test-long  recipes at full size that make test leaves out    make test-repeat  the tests again and again, as others run them
# make tours  what the README shows, run anew and compared
# make wheel  one file that pip installs: the program and the Python package, without need of Swift
# make install PREFIX=/usr/local DESTDIR=   the program without need of Swift, its manual, completions    make uninstall   removes these alone
# make help   this list
SWIFT ?= swift
# The program alone: tests and tools are built where they run.
BUILD := $(SWIFT) build -c release --product
# Numerics need optimised code, the rest of the tests' program does not (Package.swift); tests look inside modules.
TESTING := .build/testing
TEST_FLAGS := -c release -Xswiftc -enable-testing -debug-info-format none --scratch-path $(TESTING)
VENV := .venv
PREFIX ?= /usr/local
# Whose key and whose project: no test's business.
unexport UNLEARN_KEY_FILE UNLEARN_PROJECT UNLEARN_PROGRESS

.PHONY: help packages build install uninstall wheel build-tests demo test test-swift test-arm test-long test-repeat interoperability run-swift run-interoperability log-interoperability bench frontier fuzz torture lineage tours fixtures clean

help:
	@sed -n 's/^# //p' Makefile | head -10

packages:
	@Scripts/install-packages

build: packages
	$(BUILD) unlearn

install: build
	Scripts/install .build/release/unlearn '$(DESTDIR)$(PREFIX)'

# Debian's libraries are in it, with their licences; needs the package index.
wheel: build
	Scripts/wheel

uninstall:
	Scripts/install --remove '$(DESTDIR)$(PREFIX)'

demo: build
	Scripts/demo

# The packages that the checks with other programs need are fetched while the tests are built. Those checks run beside the tests, which wait
# for disk and processes now and then, and are reported behind them.
test: packages
	@Scripts/python-environment $(VENV) & $(MAKE) --no-print-directory build-tests && wait
	@$(MAKE) --no-print-directory --jobs 2 --keep-going run-swift log-interoperability; status=$$?; cat $(TESTING)/interoperability.log; exit $$status

build-tests: packages
	UNLEARN_TESTING=1 $(SWIFT) build --build-tests $(TEST_FLAGS)

test-swift: build-tests run-swift

run-swift:
	folder=$$(mktemp -d "$$(Scripts/test-folder)/unlearn-tests-XXXXXX") && chmod 1777 "$$folder" && trap 'rm -rf "$$folder"' EXIT && \
		TMPDIR=$$folder UNLEARN_TESTING=1 $(SWIFT) test --skip-build $(TEST_FLAGS)

# Needs gcc-aarch64-linux-gnu and qemu-user, and no Arm processor.
test-arm:
	Scripts/test-arm

# Recipes at full size, which take longer than `make test` should.
test-long: build-tests
	UNLEARN_TESTING=1 UNLEARN_LONG_TESTS=1 $(SWIFT) test --skip-build $(TEST_FLAGS) --filter FashionMNISTTests

# Quick suites 200 times, everything under load and as other users, languages, clocks, masks and cores: a night. QUICK_RUNS,
# WHOLE_RUNS and VARIANT_RUNS make it shorter.
test-repeat: build-tests
	Scripts/test-repeat

# Exports and certificates as other programs read them, imports as they write them.
interoperability: build-tests run-interoperability

log-interoperability:
	@$(MAKE) --no-print-directory run-interoperability > $(TESTING)/interoperability.log 2>&1

run-interoperability:
	@if Scripts/python-environment $(VENV); then \
		printf '%s\n' Tests/Interoperability/check_*.py | xargs -P 2 -I CHECK $(VENV)/bin/python CHECK $(TESTING)/release/unlearn; fi

# Every block of output in the README, beside what the program prints now.
tours: build
	Scripts/tours

# Everything in Benchmarks, with one table of ratios.
bench: build
	Benchmarks/all

# Accuracy against forgetting, for every recipe that was tried: Documentation/Frontier.md and .svg.
frontier: build
	Benchmarks/frontier

# Chains, shards, stems with branches: Documentation/Lineage.md and .svg.
lineage: build
	Scripts/python-environment $(VENV)
	$(VENV)/bin/python Benchmarks/lineage

# RUNS inputs (a million) for each parser, guided by what they reach; SEED is the first seed.
fuzz: packages
	Scripts/fuzz

# The program under faults, kills, power failures and damage, in full.
torture: build
	$(BUILD) torture
	$(BUILD) FaultShim
	.build/release/torture
	.build/release/torture --branches 2

# Remakes the pinned values of independent implementations.
fixtures:
	Scripts/python-environment $(VENV)
	$(VENV)/bin/python Tests/UnlearnTests/Fixtures/make_fixtures.py
	$(VENV)/bin/pip install --quiet --disable-pip-version-check shapiq
	$(VENV)/bin/python Tests/ValuationTests/Fixtures/make_fixtures.py

clean:
	rm -rf .build $(VENV) demo
