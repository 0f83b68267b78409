"""Every record of tests/ops/test_<family>.py goes through every check of pyxtorch.testing.checks."""
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

from pyxtorch import ops
from pyxtorch.testing import checks, operations


def records():
    """The lists `OPS`, read from the files themselves: however tests are imported, wherever they lie."""
    for path in sorted((Path(__file__).parent / "ops").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"_records_of_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for op in getattr(module, "OPS", ()):
            op.file = path.stem
            yield op


OPS = list(records())


def cases(keep, dtypes=None):
    """(record, dtype) for those records that `keep` says yes to; only records if `dtypes` is None."""
    seen, out = {}, []
    for op in filter(keep, OPS):
        number = seen[op.name] = seen.get(op.name, 0) + 1
        label = op.name if number == 1 else f"{op.name}-{number}"
        if dtypes is None:
            out.append(pytest.param(op, id=label))
        else:
            out += [pytest.param(op, dtype, id=f"{label}-{dtype}".replace("torch.", "")) for dtype in dtypes(op)]
    return out


def one_of_each_kind(op):
    """A floating dtype, a complex one and an integer: enough where the dtype does not matter."""
    for group in (operations.WIDE, operations.COMPLEX, operations.INT):
        yield from [d for d in group if d in op.dtypes][:1]


def kept(op):
    """As above, but only dtypes that the result has too, as an in-place form needs."""
    return [d for d in one_of_each_kind(op) if op.gives is None or operations.expected_dtype(op.gives, d) == d]


def widest(op):
    return next(one_of_each_kind(op), op.dtypes[0]),


@pytest.mark.parametrize("op, dtype", cases(lambda op: op.reference, lambda op: op.dtypes))
def test_values(op, dtype):
    checks.check_values(op, dtype)


@pytest.mark.parametrize("op", cases(lambda op: op.grad))
def test_gradients(op):
    checks.check_gradients(op)


@pytest.mark.parametrize("op", cases(lambda op: op.gradgrad))
def test_second_gradients(op):
    checks.check_second_gradients(op)


@pytest.mark.parametrize("op", cases(lambda op: op.grad))
def test_tangents(op):
    checks.check_tangents(op)


@pytest.mark.exhaustive
@pytest.mark.parametrize("op", cases(lambda op: op.gradgrad))
def test_tangents_of_gradients(op):
    checks.check_tangents(op, 2)


@pytest.mark.exhaustive
@pytest.mark.parametrize("op", cases(lambda op: op.gradgrad))
def test_third_derivatives(op):
    checks.check_tangents(op, 3)


@pytest.mark.parametrize("op", cases(lambda op: op.grad and op.zero))
def test_zero_gradients_stay_zero(op):
    checks.check_zero_gradients(op)


@pytest.mark.parametrize("op, dtype", cases(lambda op: op.layouts, one_of_each_kind))
def test_layouts(op, dtype):
    checks.check_layouts(op, dtype)


@pytest.mark.parametrize("op, dtype", cases(lambda op: op.layouts, widest))
def test_expanded(op, dtype):
    checks.check_expanded(op, dtype)


@pytest.mark.parametrize("op, dtype", cases(lambda op: op.inplace, kept))
def test_inplace(op, dtype):
    checks.check_inplace(op, dtype)


@pytest.mark.parametrize("op, dtype", cases(lambda op: op.out, one_of_each_kind))
def test_out(op, dtype):
    checks.check_out(op, dtype)


@pytest.mark.parametrize("op, dtype", cases(lambda op: True, widest))
def test_arguments_that_share_memory(op, dtype):
    checks.check_shared_arguments(op, dtype)


@pytest.mark.parametrize("op", cases(lambda op: op.grad))
def test_gradients_of_arguments_that_share_memory(op):
    checks.check_shared_gradients(op)


@pytest.mark.parametrize("op", cases(lambda op: op.large))
def test_same_bits_with_any_number_of_threads(op):
    checks.check_threads(op)


@pytest.mark.parametrize("op", cases(lambda op: op.errors))
def test_errors(op):
    checks.check_errors(op)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases(lambda op: True))
def test_foreign_arguments(op):
    checks.check_foreign_arguments(op)


@pytest.mark.parametrize("op", cases(lambda op: op.aliases))
def test_aliases(op):
    checks.check_aliases(op)


# Public operations that the records do not cover, and where they are tested instead.
ELSEWHERE = {
    "test_random.py": """Generator bernoulli binomial default_generator get_rng_state initial_seed manual_seed multinomial normal poisson rand rand_like randint
        randint_like randn randn_like randperm seed set_rng_state _standard_gamma _standard_gamma_grad _sample_dirichlet _dirichlet_grad dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout
        feature_dropout native_dropout native_dropout_backward""",
    "test_create.py": "empty empty_like empty_strided empty_permuted frombuffer from_numpy tensor",
    "test_pool.py": """fractional_max_pool2d fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices max_unpool2d max_unpool3d""",
    "test_linalg.py": "svd_lowrank pca_lowrank geqrf ormqr inv_ex solve_ex cholesky_ex LinAlgError",
    "test_embedding.py": "embedding_renorm_",
    "test_shape.py": "broadcast_shapes",
    "test_fft.py": "stft istft",
    "test_rnn.py": "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell lstm gru rnn_tanh rnn_relu",
    "test_loss.py": """hinge_embedding_loss cosine_embedding_loss margin_ranking_loss soft_margin_loss multi_margin_loss multilabel_margin_loss
        multilabel_soft_margin_loss poisson_nll_loss gaussian_nll_loss triplet_margin_loss ctc_loss""",
    "test_norm.py": "normalize local_response_norm",
    "../test_namespaces.py": "conv_tbc",
    "../test_storages.py": "from_file",
    "../sparse/test_sparse_math.py": "hspmm resize_as_sparse_ smm sspaddmm sparse_compressed_tensor sparse_csr_tensor sparse_coo_tensor",
    "../sparse/test_sparse_tensors.py": "sparse_csc_tensor",
    "../legacy/test_0_1.py": "btrifact btrisolve cinv cmax cmin gels gesv potrf potri potrs pstrf symeig trtrs",
    "../test_small_names.py": "grouped_mm hash_tensor slice_copy indices_copy values_copy crow_indices_copy col_indices_copy",
    "../nn/test_functional.py": """glu rrelu gumbel_softmax multi_head_attention_forward cosine_similarity pairwise_distance pdist triplet_margin_with_distance_loss
        linear_cross_entropy pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle unfold fold interpolate upsample upsample_nearest
        upsample_bilinear grid_sample grid_sampler grid_sampler_2d grid_sampler_3d affine_grid""",
}


def test_every_operation_has_a_record():
    known = {name.rpartition(".")[2] for op in OPS for name in (op.name, op.inplace or op.name, *op.aliases)}
    known |= {name for names in ELSEWHERE.values() for name in names.split()}
    missing = {}
    for family in [importlib.import_module(f"pyxtorch.ops.{info.name}") for info in pkgutil.iter_modules(ops.__path__)]:
        tables = [getattr(family, table, ()) for table in ("__all__", "functional", "linalg", "special", "fft")]
        for name in {name for table in tables if isinstance(table, (dict, list, tuple)) for name in table}:
            if name.rstrip("_") not in known and name not in known:
                missing.setdefault(family.__name__.rpartition(".")[2], []).append(name)
    assert not missing, "\n".join(f"{family}: {' '.join(sorted(names))}" for family, names in missing.items())


def test_names_tested_elsewhere_are_there():
    here = Path(__file__).parent / "ops"
    for file, names in ELSEWHERE.items():
        text = (here / file).read_text()
        hidden = [name for name in names.split() if not re.search(rf"\b{name}\b", text)]
        assert not hidden, f"{file} does not name {hidden}"
