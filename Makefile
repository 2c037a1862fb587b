# Two commands do everything on a fresh machine with Python 3.11 to 3.14:
#   make repro   set up, then build the study and reports/index.html
#   make test    set up, then lint, type check and tests
# make docs writes the documentation as a site to site/.
# make gpu-check WEIGHTS=... IMAGES=... OUT=... says whether a GPU works: docs/gpu.md
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: repro test docs bench gpu-check pins clean

repro: .venv/.run
	gfmn check
	dvc repro
	@echo "Open reports/index.html"

test: .venv/.dev
	ruff check .
	ruff format --check .
	mypy
	OMP_NUM_THREADS=1 pytest -n auto --dist loadfile --no-loadscope-reorder

docs: .venv/.dev
	mkdocs build
	@echo "Open site/index.html"

bench: .venv/.dev
	python -m benchmarks

gpu-check: .venv/.run
	python -m benchmarks.gpu_check $(if $(WEIGHTS),--weights "$(WEIGHTS)") \
		$(if $(IMAGES),--images "$(IMAGES)") --out "$(or $(OUT),gpu-check)" $(ARGS)

# The environment, once for running and once more for developing; remade when the pins change.
# Every package has to have one of the digests that the pins list.
PINNED = pip install --quiet --require-hashes --no-build-isolation --requirement

.venv/.run: pyproject.toml requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and "Python 3.11 to 3.14 is needed")'
	$(PYTHON) -m venv .venv
	sed -n '/^setuptools==/,/[^\\]$$/p' requirements.txt > .venv/build.txt  # builds what has no wheel
	$(PINNED) .venv/build.txt
	$(PINNED) requirements.txt
	pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	$(PINNED) requirements-dev.txt
	touch $@

# The pins, by uv: those that still fit stay. `make pins ARGS=--upgrade` takes the newest.
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make pins' pyproject.toml

pins:
	$(COMPILE) $(ARGS) --extra dev --output-file requirements-dev.txt
	cp requirements-dev.txt requirements.txt
	$(COMPILE) --extra pipeline --output-file requirements.txt

clean:
	rm -rf .venv
