# Two commands do everything on a fresh machine with Python 3.11 or newer:
#   make repro   set up, then build the study and reports/index.html
#   make test    set up, then lint, type check and tests
# make docs writes the documentation as a site to site/.
# make gpu-check WEIGHTS=... IMAGES=... OUT=... says whether a GPU works: docs/gpu.md
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: repro test docs bench gpu-check clean

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
.venv/.run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	pip install --quiet --constraint constraints.txt --editable '.[pipeline]'
	touch $@

.venv/.dev: .venv/.run
	pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv
