#!/usr/bin/env bash
# Everything that needs a real GPU, in one run of at most ten minutes and without a network.
#
#     OUT=out bash tools/gpu/run.sh
#
# Looks at the machine, builds PyCUDA if its source lies in .gpu/ (optional; see docs/gpu-status.md),
# builds and installs the package into a temporary folder, trains the example's MLP, runs the tests marked `gpu`, and
# measures. What it writes goes to $OUT: build.log, pycuda.log, tests.log, bench.json.
set -uo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
WORK=$(mktemp -d)
OUT=${OUT:-gpu-out}
PYTHON=${PYTHON:-python3}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
export PYTHONUNBUFFERED=1
trap 'rm -rf "$WORK"' EXIT

echo "== 1. the machine"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || { echo "no NVIDIA GPU here"; exit 2; }
$PYTHON -V
$PYTHON -m pip list 2>/dev/null | grep -iE '^(nvidia|torch|numpy|scipy|cython|cuda|pycuda)'

echo "== 2. build"
pycuda() {
    local include=${CUDA_HOME:-/usr/local/cuda}/include source=("$ROOT"/.gpu/pycuda-*.tar.gz)
    if command -v nvcc >/dev/null; then include=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc)")")")/include; fi
    [ -f "${source[0]}" ] && [ -f "$include/cuda.h" ] || { echo "no source archive in .gpu/ or no cuda.h: left out"; return 0; }
    mkdir -p "$WORK/pycuda-source" && tar xzf "${source[0]}" -C "$WORK/pycuda-source" --strip-components=1 &&
        $PYTHON "$ROOT/tools/gpu/mkstub.py" "$include" "$WORK/stub" &&
        $PYTHON "$ROOT/tools/gpu/build_pycuda.py" "$WORK/pycuda-source" "$WORK/site" "$include" "$WORK/stub"
}
package() {
    mkdir -p "$WORK/source" "$WORK/package" &&
        tar cf - -C "$ROOT" --exclude=./build --exclude=./.git --exclude=./.venv --exclude='*.so' . | tar xf - -C "$WORK/source" &&
        cd "$WORK/source" && timeout 300 $PYTHON -m pip install -q --no-build-isolation --no-deps --no-index --target "$WORK/package" .
}
pycuda >"$OUT/pycuda.log" 2>&1 & pycuda_job=$!
package >"$OUT/build.log" 2>&1 & package_job=$!
wait $pycuda_job || { echo "PyCUDA was not built:"; tail -20 "$OUT/pycuda.log"; }
wait $package_job || { echo "the package was not built:"; tail -40 "$OUT/build.log"; exit 1; }
# Away from the tree, which would hide the installed package.
export PYTHONPATH=$WORK/package:$WORK/site PYXTORCH_CACHE=$WORK/cache
cd "$WORK"

echo "== 3. first steps"
$PYTHON - <<'EOF' || exit 1
import pyxtorch as torch
print(torch.__file__, torch.cuda.get_device_properties())
x = torch.arange(8.0, device="cuda")
assert (x + x).sum().item() == 56 and torch.equal((x.reshape(2, 4) @ x.reshape(4, 2)).cpu(), x.cpu().reshape(2, 4) @ x.cpu().reshape(4, 2))
EOF

echo "== 4. tests"
# The kernels' tests are those of the stand-in; tests/gpu has what only a GPU can show.
PYXTORCH_TEST_GPU=1 timeout 300 $PYTHON -m pytest -q --timeout=120 -p no:cacheprovider -c "$ROOT/pyproject.toml" --rootdir="$ROOT" \
    "$ROOT/tests/gpu" "$ROOT/tests/standin" >"$OUT/tests.log" 2>&1
code=$?
tail -30 "$OUT/tests.log"

echo "== 5. the example"
if $PYTHON -c "import sklearn, matplotlib" 2>/dev/null; then
    timeout 120 $PYTHON "$ROOT/examples/digits.py" --model mlp --device cuda --out "$OUT" --require 0.95 | tail -3 || code=1
else
    echo "left out: it needs scikit-learn and matplotlib"
fi

echo "== 6. measurements"
timeout 150 $PYTHON "$ROOT/tools/gpu/measure.py" --json "$OUT/bench.json" || code=1
exit $code
