"""What autocast does with which operation: PyTorch 2.13's lists, by PyTorch's internal names of operations.

lower       arguments are cast to the region's dtype
float       arguments are cast to float32
unless      the same, unless the call names a dtype of its own
widest      all become float32 where one of them is, or else stay in the region's dtype; other half precision is an error
mixed       the same of the state of a recurrent operation, which is added to what a product in the region's dtype gives
rounded     arguments are cast to float32, and the one result to the region's dtype
banned      an error, which says what to write

open        nothing, but within it operations are cast: it calls functions of the user's

`name:condition` is under the condition of that name below. What PyTorch composes of listed operations, and pyxtorch computes at
once, stands in the list that gives the same dtype. In-place forms, and calls with `out=`, are in no list.
"""

_LOWER = """
addbmm addmm affine_grid baddbmm bmm chain_matmul conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d
linalg_matmul linalg_matrix_power:multiplies linalg_multi_dot linalg_vecdot linear matmul matrix_power:multiplies mm
multi_head_attention_forward prelu rnn_relu rnn_tanh rnn_relu_cell rnn_tanh_cell scaled_dot_product_attention cov corrcoef
"""
_FLOAT = """
binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy hinge_embedding_loss huber_loss kl_div l1_loss
margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss poisson_nll_loss smooth_l1_loss soft_margin_loss
linear_cross_entropy lu pca_lowrank svd_lowrank triplet_margin_loss
"""
_OPEN = "apply_ backward map_ map2_ register_hook triplet_margin_with_distance_loss"
LISTS = {
    "cpu": {
        "lower": _LOWER + "einsum:contracts inner:has_matrix lstm:in_one_piece tensordot:leaves_matrix",
        "float": _FLOAT + """
            adaptive_avg_pool3d adaptive_max_pool3d adaptive_max_pool3d_with_indices avg_pool3d binary_cross_entropy cdist cholesky
            cholesky_inverse cholesky_solve ctc_loss fft_fft fft_fft2 fft_fftn fft_hfft fft_ifft fft_ifft2 fft_ifftn fft_ihfft fft_irfft
            fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn fractional_max_pool2d fractional_max_pool2d_with_indices
            fractional_max_pool3d fractional_max_pool3d_with_indices geqrf grid_sample grid_sampler grid_sampler_2d grid_sampler_3d inverse
            linalg_cholesky linalg_cholesky_ex linalg_cond linalg_eig linalg_eigh linalg_eigvals linalg_eigvalsh
            linalg_householder_product linalg_inv linalg_inv_ex linalg_lstsq linalg_matrix_power:is_inverse linalg_matrix_rank linalg_qr
            linalg_solve linalg_svd linalg_svdvals linalg_tensorinv linalg_tensorsolve local_response_norm:has_two_sides lp_pool3d
            lu_solve matrix_power:is_inverse max_pool3d:gives_values max_unpool1d max_unpool2d max_unpool3d nanquantile orgqr ormqr pad:copies
            pinverse polar prod qr quantile stft svd trace triangular_solve view_as_complex
        """,
        "widest": "cat concat concatenate stack index_copy",
        "mixed": "gru gru_cell lstm_cell lstm:in_steps",
        "rounded": "linalg_matrix_power:multiplies_inverses linalg_pinv matrix_power:multiplies_inverses",
        "open": _OPEN,
    },
    "cuda": {
        "lower": _LOWER + "addmv addr convolution einsum gru gru_cell lstm lstm_cell mv",
        "float": _FLOAT + """
            acos arccos arcsin asin cdist cosh cosine_similarity dist erfinv exp expm1 group_norm interpolate:resamples
            local_response_norm log log10 log1p log2 logsumexp native_group_norm native_layer_norm layer_norm pairwise_distance pdist pow
            __rpow__ __rdiv__ reciprocal renorm rms_norm rsqrt sinh softplus tan upsample upsample_bilinear upsample_nearest
        """,
        "unless": "cumprod cumsum frobenius_norm gumbel_softmax linalg_matrix_norm linalg_norm linalg_vector_norm log_softmax norm nuclear_norm prod softmax softmin sum",
        "widest": "addcdiv addcmul arctan2 atan2 bilinear cross linalg_cross dot grid_sample grid_sampler index_put scatter_add tensordot vdot",
        "banned": "binary_cross_entropy",
        "open": _OPEN,
    },
}


# ------------------------------------------------------------------------------------ conditions, on the arguments of the call


def contracts(equation, *operands):
    """einsum: whether an index that two operands share is summed over, so that there is a product of matrices."""
    if not isinstance(equation, str):
        return True  # the form with lists of numbers
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = [set(term) for term in inputs.replace(".", "").split(",")]
    shared = {index for i, term in enumerate(terms) for other in terms[i + 1 :] for index in term & other}
    return bool(shared - set(output)) if arrow else bool(shared)


def leaves_matrix(input, other, dims=2, **out):
    """tensordot: whether its result is more than one number."""
    ours, theirs = (range(input.ndim - dims, input.ndim), range(dims)) if isinstance(dims, int) else dims
    summed = ((input, {d % input.ndim for d in ours}), (other, {d % other.ndim for d in theirs}))
    return any(n != 1 for x, gone in summed for d, n in enumerate(x.shape) if d not in gone)


def multiplies(input, n, **out):
    """matrix_power: whether it takes a product of what it is given."""
    return n > 1


def multiplies_inverses(input, n, **out):
    """matrix_power: whether it takes a product of inverses."""
    return n < -1


def is_inverse(input, n, **out):
    """matrix_power: whether it is the inverse."""
    return n == -1


def has_matrix(input, other, **out):
    """inner: whether it is more than the product of two vectors, or with a number."""
    return max(input.ndim, other.ndim) > 1 and min(input.ndim, other.ndim) > 0


def has_two_sides(input, *args, **kwargs):
    """local_response_norm: whether its mean is one over three dimensions."""
    return input.ndim > 3


def copies(input, pad, mode="constant", value=None):
    """pad: whether it fills with what is there, but for "circular", which is composed of copies."""
    return mode in ("reflect", "replicate")


def gives_values(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """max_pool3d: whether it gives no indices, too: the form that does is in no list."""
    return not return_indices


def resamples(input, size=None, scale_factor=None, mode="nearest", *args, **kwargs):
    """interpolate: whether it is no mean over areas."""
    return mode != "area"


def in_one_piece(input, hx, *args):
    """lstm: whether PyTorch's fast one takes it on a CPU: not the rows of a packed sequence, and not float16."""
    return not hasattr(hx, "dtype") and str(input.dtype) != "torch.float16"


def in_steps(input, hx, *args):
    """lstm: whether it does not."""
    return not in_one_piece(input, hx)


CONDITIONS = {f.__name__: f for f in (contracts, leaves_matrix, multiplies, multiplies_inverses, is_inverse, has_matrix, has_two_sides, copies, gives_values, resamples, in_one_piece, in_steps)}
