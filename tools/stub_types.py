"""What tools/stubs.py cannot see by looking at the package: the types, by the names that the package uses for one thing.

Types are written plainly (`Tensor | int`); `spell` turns them into the names that are safe in a stub, where `int` and
`float` may be a dtype or a method. Results: an operation gives one Tensor unless it stands in RESULTS or OVERLOADS;
tests/test_stubs.py compares that with what every record gives.
"""
import re

BUILTINS = "bool bytes complex dict float int list object range set slice str tuple type".split()
TYPING = "Any Generic Literal NamedTuple Protocol Self TypeGuard overload".split()
ABSTRACT = "Callable Iterable Iterator Mapping Sequence".split()
ALIASES = (
    "Array Device Dims Grad Groups Index Ints Item Module NdArray Number Optimizer Other Out PackedSequence Parameter RemovableHandle Size StateDict "
    "Tensor Tensors UntypedStorage device dtype layout memory_format"
).split()
WORDS = {**{w: f"_b.{w}" for w in BUILTINS}, **{w: f"_t.{w}" for w in TYPING}, **{w: f"_{w}" for w in ABSTRACT + ALIASES}}
WORD = re.compile(r"(?<![\w.\"'])(" + "|".join(sorted(WORDS, key=len, reverse=True)) + r")\b(?![:=(\"'])")


def spell(text):
    """`Tensor | int` as it stands in a stub: `_Tensor | _b.int`."""
    return WORD.sub(lambda found: WORDS[found[1]], text)


def names(text):
    return text.split()


# ------------------------------------------------------------------------------- parameters, by name

PARAMETERS = {
    "alpha beta fill_value start step": "Number",
    "other value min max end exponent mean": "Other",
    "input mask weight tensor tensor1 tensor2 mat mat1 mat2 vec vec1 vec2 batch1 batch2 grid theta log_probs logits target targets query key "
    "input1 input2 x1 x2 src source indices running_mean running_var tau L LU LD A B pivots sorted_sequence boundaries "
    "anchor positive negative offsets per_sample_weights linear_weight linear_bias in_proj_weight in_proj_bias out_proj_weight "
    "out_proj_bias q_proj_weight k_proj_weight v_proj_weight key_padding_mask hx w_ih w_hh b_ih b_hh var grad_output attn_mask "
    "index": "Tensor",
    "tensors matrices": "Sequence[Tensor]",
    "dim0 dim1 dim2 groups in_channels out_channels in_features out_features in1_features in2_features num_features num_channels "
    "num_groups num_embeddings embedding_dim hidden_size input_size num_layers embed_dim num_heads kdim vdim d_model nhead "
    "dim_feedforward num_encoder_layers num_decoder_layers batch_size num_workers prefetch_factor step_size T_max T_0 T_mult "
    "last_epoch patience cooldown total_iters epochs steps_per_epoch total_steps start_dim end_dim offset diagonal n m chunks "
    "ignore_index num_classes minlength padding_idx upscale_factor downscale_factor max_iter max_eval history_size decimals "
    "num_samples proj_size n_classes num_parameters num_chunks seed count storage_offset ns_steps row col edge_order niter "
    "n_power_iterations": "int",
    "weight_decay rho max_norm sparsity gain threshold lambd": "float",
    "kernel_size stride dilation output_padding size sizes shape dims shifts normalized_shape unflattened_size": "Ints",
    "output_size": "int | Sequence[int | None]",
    "sample_shape batch_shape": "Sequence[int]", "validate_args": "bool | None",
    "padding": "Ints | str", "momentum": "float | None",
    "pad": "Sequence[int]", "lr": "float | Tensor",
    "split_size_or_sections indices_or_sections": "Ints",
    "dtype": "dtype", "device": "Device", "out": "Out", "generator": "Any", "layout": "layout", "memory_format": "memory_format", "names": "Any",
    "params": "Groups", "optimizer": "Optimizer", "module model": "Module", "state_dict": "Mapping[str, Any]", "hook": "Callable[..., Any]",
    "parameters": "Iterable[Tensor] | Tensor", "betas etas step_sizes": "tuple[Any, Any]",
    "milestones": "Sequence[int]", "scale_factor": "float | Sequence[float]", "foreach fused": "bool",
    "size_average reduce retain_graph align_corners unbiased": "bool", "correction": "float",
    "axis": "Dims", "p": "float", "ord": "Any", "s": "Sequence[int]", "k": "int", "eps": "float", "data": "Any", "obj": "Any", "f": "Any",
    "rounding_mode driver norm reduction": "str",
    "function": "Callable[..., Any]", "inputs": "Tensors", "copy": "bool", "shapes": "Ints", "name": "str",
}  # fmt: skip
PARAMETERS = {name: kind for line, kind in PARAMETERS.items() for name in line.split()}
# The same for the namespaces of the Array API standard.
STANDARD = {
    "x arrays condition indices": "Tensor", "x1 x2 min max prepend append": "Tensor | Number", "repeats": "Tensor | int", "sorter": "Tensor", "shift axis axes": "Dims",
    "shape source destination": "Ints", "rtol": "Tensor | float", "repetitions": "Sequence[int]", "n_rows n_cols num": "int", "stop": "Number",
}
STANDARD = {name: kind for line, kind in STANDARD.items() for name in line.split()}
# By function, where a name stands for something else there: "function.parameter".
ELSEWHERE = {
    "lerp.weight": "Tensor | float", "lerp_.weight": "Tensor | float", "select.index": "int", "select_scatter.index": "int", "select_copy.index": "int",
    "index_put.indices": "Sequence[Tensor | None] | Tensor", "index_put_.indices": "Sequence[Tensor | None] | Tensor",
    "index_put.values": "Other", "index_put_.values": "Other", "affine_grid.size": "Sequence[int]", "linspace.start": "Other", "linspace.end": "Other",
    "logspace.start": "Other", "logspace.end": "Other", "slice_scatter.start": "int", "slice_scatter.end": "int", "slice_scatter.step": "int",
    "narrow.start": "int | Tensor", "narrow_copy.start": "int", "roll.dims": "Dims", "tensordot.dims": "Any", "tensor_split.indices_or_sections": "Ints | Tensor",
    "interpolate.size": "Dims", "upsample.size": "Dims", "Upsample.__init__.size": "Dims", "local_response_norm.size": "int", "normal.std": "Other",
    "normal.size": "Dims", "local_response_norm.alpha": "float", "std.correction": "float", "pow.input": "Tensor | Number", "cov.correction": "int",
    "one_hot.tensor": "Tensor", "polygamma.n": "int", "ctc_loss.input_lengths": "Any", "ctc_loss.target_lengths": "Any",
    "unflatten.sizes": "Sequence[int]", "embedding.max_norm": "float", "repeat_interleave.repeats": "Any", "permute.dims": "Ints",
    "searchsorted.input": "Tensor | Number", "bucketize.input": "Tensor | Number",
    "clamp.min": "Other", "nll_loss.target": "Tensor", "fold.output_size": "Ints",
    "multilabel_margin_loss.target": "Tensor", "nonzero_static.size": "int", "matrix_power.n": "int", "pow.exponent": "Other",
    "remainder.input": "Tensor | Number", "xlogy.input": "Tensor | Number", "heaviside.values": "Tensor", "isin.elements": "Tensor | Number",
    "isin.test_elements": "Tensor | Number", "bitwise_and.input": "Tensor | Number",
    "float_power.input": "Tensor | Number", "bitwise_or.input": "Tensor | Number", "bitwise_xor.input": "Tensor | Number",
    "bitwise_left_shift.input": "Tensor | Number", "bitwise_right_shift.input": "Tensor | Number", "zeta.input": "Tensor | Number",
    "xlog1py.input": "Tensor | Number", "rsub.input": "Tensor", "hardtanh.min_val": "float", "new_full.size": "Ints", "full.fill_value": "Number",
    "manual_seed.seed": "int",
    "LocalResponseNorm.__init__.size": "int", "Unflatten.__init__.dim": "int", "norm.dim": "Dims", "masked_fill.value": "Other", "to_padded_tensor.padding": "float",
    "to_padded_tensor.output_size": "Sequence[int] | None",
    "AdamW.__init__.weight_decay": "float", "as_tensor.data": "Any",
    "scatter.value": "Number", "scatter_.value": "Number", "index_fill.value": "Other",
    "unfold.dimension": "int", "unfold.size": "int", "as_strided.size": "Sequence[int]", "set_.source": "Any", "set_.size": "Any",
    "cat.tensors": "Sequence[Tensor]", "map_.tensor": "Tensor", "trapezoid.x": "Tensor",
    "threshold.threshold": "float", "threshold.value": "float", "softplus.beta": "float", "AveragedModel.__init__.model": "Module",
    "gradcheck.inputs": "Any", "gradgradcheck.inputs": "Any",
    "backward.tensors": "Tensors", "diff.n": "int", "conv_tbc.pad": "int", "default_collate.batch": "Any", "linear_cross_entropy.target": "Tensor",
    "triplet_margin_loss.p": "float", "pad.value": "float", "constant_pad_nd.value": "Number", "addcmul.value": "Number", "addcdiv.value": "Number",
    "scaled_dot_product_attention.value": "Tensor", "multi_head_attention_forward.value": "Tensor",
    "Transformer.forward.src": "Tensor", "gru_cell.hx": "Tensor", "lstm_cell.hx": "Sequence[Tensor]",
    "fill_.value": "Other", "fill.value": "Other", "MultiheadAttention.__init__.bias": "bool",
    "ParameterDict.__init__.parameters": "Any", "ParameterDict.update.parameters": "Any", "cummax.dim": "int", "vander.x": "Tensor",
    "transfer_parametrizations_and_params.tensor_name": "str", "randn_like.generator": "Any", "register_hook.hook": "Callable[[Tensor], Any]",
    "frombuffer.dtype": "dtype", "combinations.r": "int", "ConstantPad1d.__init__.value": "float", "ConstantPad2d.__init__.value": "float",
    "ConstantPad3d.__init__.value": "float", "Threshold.__init__.value": "float", "EmbeddingBag.forward.input": "Tensor",
    "get_total_norm.tensors": "Iterable[Tensor] | Tensor", "uniform_.from_": "float", "TransformerEncoder.__init__.norm": "Module | None",
    "TransformerDecoder.__init__.norm": "Module | None", "orgqr.tau": "Tensor", "gumbel_softmax.tau": "float", "cosine_similarity.eps": "float",
    "ChainedScheduler.__init__.optimizer": "Optimizer", "convolution.padding": "Ints",
    "nan_to_num.nan": "float", "set_default_dtype.d": "dtype", "set_default_device.d": "Device", "Unfold.__init__.padding": "Ints",
    "is_storage.obj": "object", "broadcast_to.size": "Sequence[int]", "fractional_max_pool2d.output_size": "Any",
    "index_select.index": "Tensor", "unravel_index.indices": "Tensor", "unravel_index.shape": "Ints", "logit.eps": "float", "quantile.q": "Tensor | float",
    "nanquantile.q": "Tensor | float", "tile.dims": "Ints", "rot90.dims": "Sequence[int]", "as_strided.stride": "Sequence[int]", "put_.source": "Tensor",
    "ParameterList.extend.values": "Iterable[Any]", "Sampler.__init__.data_source": "Any", "RandomSampler.__init__.num_samples": "int",
    **dict.fromkeys(names("scatter.reduce scatter_.reduce scatter_reduce.reduce scatter_reduce_.reduce index_reduce.reduce index_reduce_.reduce"), "str"),
    **{f"native_{n}_norm.{w}": "Tensor | None" for n in ("batch", "group", "layer") for w in ("weight", "bias")},
    "native_batch_norm.running_mean": "Tensor | None", "native_batch_norm.running_var": "Tensor | None",
    "ReduceLROnPlateau.__init__.min_lr": "float | Sequence[float]", "SubsetRandomSampler.__init__.indices": "Sequence[int]",
    "norm.p": "float | str | None", "bernoulli.p": "float | Tensor", "bernoulli_.p": "float | Tensor", "LocalResponseNorm.__init__.k": "float",
    "local_response_norm.k": "float", "set_grad_enabled.__init__.mode": "bool",
    "array_api.concat.arrays": "Sequence[Tensor]", "array_api.stack.arrays": "Sequence[Tensor]", "array_api.tensordot.axes": "Any",
    "array_api.linalg.tensordot.axes": "Any", "array_api.permute_dims.axes": "Sequence[int]", "array_api.from_dlpack.x": "Any",
    **{f"array_api.fft.{n}.n": "int" for n in names("fft ifft rfft irfft hfft ihfft fftfreq rfftfreq")}, "array_api.astype.device": "Device",
    "has_torch_function_unary.tensor": "object", "gradient.input": "Tensor", "hessian.inputs": "Any", "jacobian.inputs": "Any", "vjp.inputs": "Any", "jvp.inputs": "Any", "hvp.inputs": "Any", "vhp.inputs": "Any",
}  # fmt: skip

# ------------------------------------------------------------------------------- results

MANY, PAIR = "tuple[Tensor, ...]", "tuple[Tensor, Tensor]"
RESULTS = {
    **dict.fromkeys(names("allclose equal py_can_cast is_complex is_conj is_floating_point is_inference is_neg is_nonzero is_same_size is_signed is_contiguous "
                          "is_pinned is_set_to is_shared is_grad_enabled is_inference_mode_enabled is_storage is_coalesced are_deterministic_algorithms_enabled "
                          "is_deterministic_algorithms_warn_only_enabled"), "bool"),
    **dict.fromkeys(names("data_ptr dim element_size get_device nelement ndimension numel sparse_dim dense_dim storage_offset get_num_threads get_num_interop_threads "
                          "get_deterministic_debug_mode initial_seed seed"), "int"),
    **dict.fromkeys(names("aminmax cummax cummin frexp geqrf histogram histogramdd kthvalue mode qr slogdet sort svd topk triangular_solve "
                          "lu_unpack"), "return_types.{name}"),
    **{f"linalg.{n}": f"return_types.linalg_{n}" for n in names("cholesky_ex eig eigh inv_ex ldl_factor ldl_factor_ex lstsq lu lu_factor "
                                                                "lu_factor_ex qr slogdet solve_ex svd")},
    **dict.fromkeys(names("chunk unsafe_chunk split unsafe_split split_with_sizes unsafe_split_with_sizes tensor_split hsplit vsplit dsplit unbind "
                          "gradient unravel_index split_copy unbind_copy split_with_sizes_copy"), MANY),
    **dict.fromkeys(names("std_mean var_mean native_dropout max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
                          "adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices "
                          "fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices lstm_cell gru rnn_tanh rnn_relu"), PAIR),
    **dict.fromkeys(names("native_batch_norm native_group_norm native_layer_norm pca_lowrank svd_lowrank"), "tuple[Tensor, Tensor, Tensor]"),
    **{f"array_api.{n}": "Any" for n in names("__array_namespace_info__ finfo iinfo unique_all unique_counts unique_inverse")},
    **{f"array_api.{n}": "bool" for n in names("can_cast isdtype")}, **{f"array_api.{n}": MANY for n in names("nonzero unstack")},
    **{f"array_api.{n}": "list[Tensor]" for n in names("broadcast_arrays meshgrid")}, "array_api.result_type": "dtype",
    **{f"array_api.linalg.{n}": f"return_types.linalg_{n}" for n in names("eigh qr slogdet svd")},
    "multi_head_attention_forward": "tuple[Tensor, Tensor | Any]", "lu": "Any",
    "item": "Item", "tolist": "Any", "numpy": "NdArray", "untyped_storage": "UntypedStorage", "to_dlpack": "Any", "broadcast_shapes": "Size",
    "typename": "str", "get_include": "str", "get_float32_matmul_precision": "str", "get_default_device": "device", "get_default_dtype": "dtype",
    "promote_types": "dtype", "result_type": "dtype", "backward": "None", "register_hook": "RemovableHandle", "retain_grad": "None",
    "register_post_accumulate_grad_hook": "RemovableHandle", "save": "None", "manual_seed": "Any", "set_default_dtype": "None",
    "set_default_device": "None", "set_num_threads": "None", "set_printoptions": "None", "set_flush_denormal": "bool", "set_rng_state": "None",
    "use_deterministic_algorithms": "None", "set_deterministic_debug_mode": "None", "set_float32_matmul_precision": "None", "set_num_interop_threads": "None",
}  # fmt: skip

# Results of functions and methods in plain Python, by name, and by what a name begins with.
PYTHON = {
    **dict.fromkeys(names("get_total_norm compute_weight from_dlpack generate_square_subsequent_mask get_rng_state get_state default_generator log_prob "
                          "predict indices_of sample rsample sample_n cdf icdf entropy perplexity enumerate_support log_abs_det_jacobian kl_divergence clamp_probs "
                          "logits_to_probs probs_to_logits tril_matrix_to_vec vec_to_tril_matrix log_survival_function log_cdf"), "Tensor"),
    **dict.fromkeys(names("state_dict memory_stats"), "StateDict"), "get_lr": "Sequence[float]", "from_pretrained": "Self", "expand": "Self", "with_cache": "Self", "extra_repr": "str",
    **dict.fromkeys(names("load_state_dict update_parameters update_bn init synchronize wait wait_event wait_stream record empty_cache clear materialize "
                          "recursive_undo flatten_parameters increment_version clip_grads_with_norm_ transfer_parametrizations_and_params seed_all "
                          "manual_seed_all initialize_parameters share_memory __init__ __delitem__ __setitem__ __exit__ update insert "
                          "add_safe_globals"), "None"),
    **dict.fromkeys(names("gradcheck gradgradcheck has_uninitialized_params __contains__ query"), "bool"),
    **dict.fromkeys(names("device_count current_device memory_allocated memory_reserved max_memory_allocated max_memory_reserved __len__ initial_seed seed "
                          "get_offset crc32 cpu_level data_ptr nbytes size"), "int"),
    **dict.fromkeys(names("weight_norm spectral_norm orthogonal remove_weight_norm remove_spectral_norm fuse_conv_bn_eval fuse_linear_bn_eval skip_init "
                          "register_parametrization remove_parametrizations"), "Module"), "Generator.set_state": "Self",
    **dict.fromkeys(names("unpack_sequence unpad_sequence"), "list[Tensor]"), **dict.fromkeys(names("get_device_name memory_summary get_cpu_capability"), "str"),
    "resolve_name": "str | None", "get_overridable_functions": "dict[Any, list[Any]]", "get_testing_overrides": "dict[Any, Callable[..., Any]]",
    "get_ignored_functions": "set[Any]", "elapsed_time": "float", "__enter__": "Self", "get_device_capability": "tuple[int, int]", "mem_get_info": "tuple[int, int]",
    **dict.fromkeys(names("to_real to_complex"), "dtype"), "extend": "Self", "append": "Self", "once_differentiable": "Callable[..., Any]",
}  # fmt: skip
BEGINNINGS = {"is_": "bool", "has_": "bool", "in_": "bool", "set_": "None", "reset_": "None", "check_": "None", "clear_": "None"}
ALL_TENSORS = {"pyxtorch.signal.windows", "pyxtorch.masked", "pyxtorch.nn.init"}  # modules whose functions give one Tensor


def python_result(module, owner, name):
    """What a function or method in plain Python gives; "Any" where nothing is known."""
    if not owner and module in ALL_TENSORS:
        return "Tensor"
    if name.startswith("register_") and name.endswith("_hook") or name == "register_prehook":
        return "RemovableHandle"
    found = PYTHON.get(f"{owner}.{name}" if owner else name) or PYTHON.get(name)
    return found or next((result for start, result in BEGINNINGS.items() if name.startswith(start)), "Any")


FACTORY = "dtype: dtype | None = None, layout: layout | None = None, device: Device = None, requires_grad: bool = False, pin_memory: bool = False"
SIZED = f"(*size: Ints, {{}}names: Any = None, out: Out = None, {FACTORY}{{}}) -> Tensor"
NEW = "(self, *size: Ints, dtype: dtype | None = None, device: Device = None, requires_grad: bool = False, layout: layout | None = None, pin_memory: bool = False) -> Tensor"
EXTREME = ["({self}, dim: int, keepdim: bool = False, *, out: Out = None) -> return_types.{name}", "({self}, *, out: Out = None) -> Tensor"]


def unique(first):
    """Overloads of unique and unique_consecutive: a tensor for each thing that is asked for."""
    lines = [f"({{self}}, {first}return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: int | None = None) -> Tensor"]
    star = first + ("*, " if first else "*, ")
    lines.append(f"({{self}}, {star}return_inverse: Literal[True], return_counts: Literal[True], dim: int | None = None) -> tuple[Tensor, Tensor, Tensor]")
    lines.append(f"({{self}}, {star}return_inverse: Literal[True], return_counts: Literal[False] = False, dim: int | None = None) -> tuple[Tensor, Tensor]")
    lines.append(f"({{self}}, {star}return_inverse: Literal[False] = False, return_counts: Literal[True], dim: int | None = None) -> tuple[Tensor, Tensor]")
    lines.append(f"({{self}}, {first}return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any")
    return lines


# Whole signatures, where one is not enough or cannot be seen. {self}: `self` in a method, `input: Tensor` in a function.
OVERLOADS = {
    "max": [*EXTREME, "({self}, other: Tensor, *, out: Out = None) -> Tensor"],
    "min": [*EXTREME, "({self}, other: Tensor, *, out: Out = None) -> Tensor"],
    "median": EXTREME, "nanmedian": EXTREME,
    "unique": unique("sorted: bool = True, "), "unique_consecutive": unique(""),
    "nonzero": ["({self}, *, out: Out = None, as_tuple: Literal[False] = False) -> Tensor", "({self}, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]"],
    "where": ["({condition}) -> tuple[Tensor, ...]", "({condition}, input: Other, other: Other, *, out: Out = None) -> Tensor"],
    "Tensor.where": ["(self, condition: Tensor, other: Other) -> Tensor"],
    **{f"atleast_{n}d": ["(tensor: Tensor, /) -> Tensor", "(*tensors: Tensor) -> tuple[Tensor, ...]", "(tensors: Sequence[Tensor], /) -> tuple[Tensor, ...]"]
       for n in (1, 2, 3)},
    **{n: ["(*tensors: Tensor | Sequence[Tensor]) -> " + r] for n, r in (("block_diag", "Tensor"), ("cartesian_prod", "Tensor"), ("broadcast_tensors", MANY))},
    "meshgrid": ["(*tensors: Tensor | Sequence[Tensor], indexing: str | None = None) -> tuple[Tensor, ...]"],
    "einsum": ["(equation: str, *operands: Tensor | Sequence[Tensor]) -> Tensor", "(*args: Any) -> Tensor"],
    **{n: [SIZED.format("", "")] for n in ("zeros", "ones")},
    "empty": [SIZED.format("", ", memory_format: memory_format | None = None")],
    **{n: [SIZED.format("generator: Any = None, ", "")] for n in ("rand", "randn")},
    **{f"Tensor.new_{n}": [NEW] for n in ("zeros", "ones", "empty")},
    "arange": [f"(end: Number | Tensor, *, out: Out = None, {FACTORY}) -> Tensor",
               f"(start: Number | Tensor, end: Number | Tensor, step: Number | Tensor = 1, *, out: Out = None, {FACTORY}) -> Tensor"],
    "randint": [f"(high: int, size: Sequence[int], *, generator: Any = None, out: Out = None, {FACTORY}) -> Tensor",
                f"(low: int, high: int, size: Sequence[int], *, generator: Any = None, out: Out = None, {FACTORY}) -> Tensor"],
    "is_tensor": ["(obj: object) -> TypeGuard[Tensor]"],
    "load": ["(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None, "
             "**pickle_load_args: Any) -> Any"],
    "Tensor.to": ["(self, dtype: dtype, non_blocking: bool = False, copy: bool = False, *, memory_format: memory_format | None = None) -> Self",
                  "(self, device: Device = None, dtype: dtype | None = None, non_blocking: bool = False, copy: bool = False, *, "
                  "memory_format: memory_format | None = None) -> Self",
                  "(self, other: Tensor, non_blocking: bool = False, copy: bool = False, *, memory_format: memory_format | None = None) -> Self"],
    "Tensor.size": ["(self, dim: None = None) -> Size", "(self, dim: int) -> int"],
    "Tensor.stride": ["(self, dim: None = None) -> tuple[int, ...]", "(self, dim: int) -> int"],
    "Tensor.type": ["(self, dtype: None = None, non_blocking: bool = False) -> str", "(self, dtype: Any, non_blocking: bool = False) -> Tensor"],
    "Tensor.view": ["(self, *shape: Ints) -> Tensor", "(self, dtype: dtype) -> Tensor", "(self, *, size: Ints) -> Tensor"],
    "Tensor.as_subclass": ["(self, cls: type[_T]) -> _T"],
    "Tensor.__torch_function__": ["@classmethod(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any"],
    "Tensor.requires_grad_": ["(self, requires_grad: bool = True) -> Self"],
    "Tensor.backward": ["(self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False, "
                        "inputs: Tensors | None = None) -> None"],
    "Tensor.random_": ["(self, from_: int = 0, to: int | None = None, *, generator: Any = None) -> Tensor", "(self, to: int, *, generator: Any = None) -> Tensor"],
    "lstm": ["(*args: Any, **named: Any) -> tuple[Tensor, Tensor, Tensor]"],
    "grad": ["(outputs: Tensors, inputs: Tensors | Mapping[str, Tensor], grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False, "
             "allow_unused: bool | None = None, is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Tensor, ...]"],
}  # fmt: skip
for sized in ("reshape", "expand", "repeat", "tile", "permute", "flip"):
    keyword = {"reshape": "shape", "expand": "size", "repeat": "repeats"}.get(sized, "dims")
    OVERLOADS[f"Tensor.{sized}"] = ["(self, *sizes: Ints) -> Tensor", f"(self, *, {keyword}: Ints) -> Tensor"]

# ------------------------------------------------------------------------------- Tensor

OTHER = ("other: Other", "Tensor")
SLOTS = {  # C slots, whose parameters cannot be seen: name to (parameters, result)
    **{f"__{r}{n}__": OTHER for n in names("add sub mul truediv floordiv mod pow matmul and or xor lshift rshift") for r in ("", "r")},
    **{f"__i{n}__": ("other: Other", "Self") for n in names("add sub mul truediv floordiv mod pow and or xor lshift rshift")},
    **{f"__{n}__": OTHER for n in names("lt le gt ge")},
    "__eq__": ("other: Any", "Tensor"), "__ne__": ("other: Any", "Tensor"),
    **{f"__{n}__": ("", "Tensor") for n in names("neg pos abs invert")},
    "__len__": ("", "int"), "__bool__": ("", "bool"), "__int__": ("", "int"), "__float__": ("", "float"), "__complex__": ("", "complex"),
    "__index__": ("", "int"), "__hash__": ("", "int"), "__iter__": ("", "Iterator[Tensor]"), "__getitem__": ("index: Index", "Tensor"),
    "__setitem__": ("index: Index, value: Other | Sequence[Any]", "None"), "__delitem__": ("index: Index", "None"),
    "__contains__": ("item: Any", "bool"),
    "__array__": ("dtype: Any = None, copy: bool | None = None", "NdArray"), "__deepcopy__": ("memo: Any", "Self"),
    "__dlpack__": ("**options: Any", "Any"), "__dlpack_device__": ("", "tuple[int, int]"),
}  # fmt: skip
PROPERTIES = {
    "shape": "Size", "dtype": "dtype", "device": "device", "layout": "layout", "grad": "Grad", "grad_fn": "Any",
    **dict.fromkeys(names("requires_grad is_leaf is_cuda is_meta is_sparse is_sparse_csr is_quantized is_cpu is_nested retains_grad"), "bool"),
    **dict.fromkeys(names("ndim itemsize nbytes output_nr _version"), "int"),
    **dict.fromkeys(names("data T mT H mH real imag"), "Tensor"),
    "is_floating_point": "bool", "is_complex": "bool", "is_signed": "bool", "type": "str", "index": "int | None",
}  # fmt: skip

# ------------------------------------------------------------------------------- classes

SHOWN = {"_LRScheduler"}  # private names that programs use
VARIABLES = {  # type variables, each written where it is used
    "_T": '_T = _t.TypeVar("_T")',
    "_R": '_R = _t.TypeVar("_R")',
    "_F": '_F = _t.TypeVar("_F", bound=_t.Any)',
    "_P": '_P = _t.ParamSpec("_P")',
    "_T_co": '_T_co = _t.TypeVar("_T_co", covariant=True)',
    "_R_co": '_R_co = _t.TypeVar("_R_co", covariant=True)',
    "_B_co": '_B_co = _TypeVar("_B_co", covariant=True, default=Collated)',
}
IMPORTS = {  # more lines above a stub
    "pyxtorch.utils.data.dataloader": ["from pyxtorch.utils.data.dataset import Dataset as Dataset", "from typing_extensions import TypeVar as _TypeVar"],
}
BASES = {
    "Size": "tuple[int, ...]", "Dataset": "Generic[_T_co]", "IterableDataset": "Dataset[_T_co]", "TensorDataset": "Dataset[tuple[Tensor, ...]]",
    "ConcatDataset": "Dataset[_T_co]", "ChainDataset": "IterableDataset[Any]", "Subset": "Dataset[_T_co]", "StackDataset": "Dataset[Any]",
    "DataLoader": "Generic[_T_co, _B_co]", "PackedSequence": "tuple[Tensor, Tensor, Tensor | None, Tensor | None]", "Sampler": "Generic[_T_co]", "BatchSampler": "Sampler[list[int]]",
    **dict.fromkeys(names("SequentialSampler RandomSampler SubsetRandomSampler WeightedRandomSampler"), "Sampler[int]"),
}
HOOK = "(self, hook: Callable[..., Any], *, prepend: bool = False{}) -> RemovableHandle"
LOADER = ("batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None, batch_sampler: Any = None, num_workers: int = 0, "
          "collate_fn: {} = {}, pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Callable[[int], Any] | None = None, "
          "multiprocessing_context: Any = None, generator: Any = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False, "
          "pin_memory_device: str = '', in_order: bool = True")  # fmt: skip
WHOLE = {"LSTM": ("tuple[Tensor, Tensor]", "tuple[{0}, tuple[Tensor, Tensor]]"), "GRU": ("Tensor", "tuple[{0}, Tensor]"), "RNN": ("Tensor", "tuple[{0}, Tensor]")}
# Whole signatures of methods: "Class.method". A class that inherits needs none.
MEMBERS = {
    "Module.__init__": ["(self) -> None"],
    # The call has the types of `forward`, whoever wrote it.
    **{f"{c}.__call__": ["(self, *args: Any, **kwargs: Any) -> Any"] for c in names("_Dependent _DependentProperty dependent_property")},
    "Module.__call__": ["(self: HasForward[_P, _R_co], *args: _P.args, **kwargs: _P.kwargs) -> _R_co"],
    "Module.forward": ["(self, *args: Any, **kwargs: Any) -> Any"],
    "Module.__getattr__": ["(self, name: str) -> Any"],  # what register_buffer, register_parameter and add_module made
    "Module.__setattr__": ["(self, name: str, value: Any) -> None"],
    "Module.__delattr__": ["(self, name: str) -> None"],
    **{f"Module.{n}": ["(self) -> Self"] for n in names("eval cpu float double half bfloat16 share_memory requires_grad")},
    "Module.train": ["(self, mode: bool = True) -> Self"], "Module.requires_grad_": ["(self, requires_grad: bool = True) -> Self"],
    "Module.to": ["(self, device: Device = None, dtype: dtype | None = None, non_blocking: bool = False, *, memory_format: Any = None) -> Self",
                  "(self, dtype: dtype, non_blocking: bool = False) -> Self", "(self, tensor: Tensor, non_blocking: bool = False) -> Self"],
    "Module.cuda": ["(self, device: Device = None) -> Self"], "Module.type": ["(self, dst_type: Any) -> Self"],
    "Module.to_empty": ["(self, *, device: Device, recurse: bool = True) -> Self"],
    "Module.apply": ["(self, fn: Callable[[Module], Any]) -> Self"], "Module.zero_grad": ["(self, set_to_none: bool = True) -> None"],
    "Module.parameters": ["(self, recurse: bool = True) -> Iterator[Parameter]"], "Module.buffers": ["(self, recurse: bool = True) -> Iterator[Tensor]"],
    "Module.named_parameters": ["(self, prefix: str = '', recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]"],
    "Module.named_buffers": ["(self, prefix: str = '', recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]"],
    "Module.children": ["(self) -> Iterator[Module]"], "Module.named_children": ["(self) -> Iterator[tuple[str, Module]]"],
    "Module.modules": ["(self, remove_duplicate: bool = True) -> Iterator[Module]"],
    "Module.named_modules": ["(self, memo: Any = None, prefix: str = '', remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]"],
    "Module.state_dict": ["(self, *args: Any, destination: Any = None, prefix: str = '', keep_vars: bool = False) -> StateDict"],
    "Module.load_state_dict": ["(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any"],
    "Module.register_buffer": ["(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None"],
    "Module.register_parameter": ["(self, name: str, param: Parameter | None) -> None"],
    **{f"Module.{n}": ["(self, name: str, module: Module | None) -> None"] for n in ("add_module", "register_module")},
    "Module.get_submodule": ["(self, target: str) -> Module"], "Module.get_parameter": ["(self, target: str) -> Parameter"],
    "Module.get_buffer": ["(self, target: str) -> Tensor"], "Module.extra_repr": ["(self) -> str"],
    "Module.register_forward_hook": [HOOK.format(", with_kwargs: bool = False, always_call: bool = False")],
    "Module.register_forward_pre_hook": [HOOK.format(", with_kwargs: bool = False")],
    **{f"Module.{n}": [HOOK.replace("*, ", "").format("")] for n in ("register_full_backward_hook", "register_full_backward_pre_hook")},
    "Identity.__init__": ["(self, *args: Any, **kwargs: Any) -> None"], "Identity.forward": ["(self, input: Any) -> Any"],
    "Sequential.__init__": ["(self, *args: Module) -> None", "(self, arg: Mapping[str, Module], /) -> None"],
    "Sequential.forward": ["(self, input: Tensor) -> Tensor"],
    **{f"{c}.__getitem__": ["(self, index: slice) -> Self", "(self, index: int) -> Module"] for c in ("Sequential", "ModuleList", "_List")},
    **{f"{c}.__iter__": ["(self) -> Iterator[Module]"] for c in ("Sequential", "ModuleList", "_List")},
    **{f"{c}.{n}": ["(self, module: Module) -> Self"] for c in ("_List",) for n in ("append",)},
    "ModuleList.__add__": ["(self, other: Iterable[Module]) -> ModuleList"],
    "ModuleList.__init__": ["(self, modules: Iterable[Module] | None = None) -> None"],
    "ModuleList.extend": ["(self, modules: Iterable[Module]) -> Self"], "_List.extend": ["(self, modules: Iterable[Module]) -> Self"],
    "ModuleDict.__init__": ["(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None"],
    "ModuleDict.__getitem__": ["(self, key: str) -> Module"], "ModuleDict.__setitem__": ["(self, key: str, module: Module) -> None"],
    "ModuleDict.__iter__": ["(self) -> Iterator[str]"], "ModuleDict.__contains__": ["(self, key: str) -> bool"],
    "ModuleDict.items": ["(self) -> Iterable[tuple[str, Module]]"], "ModuleDict.keys": ["(self) -> Iterable[str]"],
    "ModuleDict.values": ["(self) -> Iterable[Module]"],
    "ParameterList.__init__": ["(self, values: Iterable[Any] | None = None) -> None"], "ParameterList.__getitem__": ["(self, index: Any) -> Any"],
    "ParameterList.__iter__": ["(self) -> Iterator[Any]"],
    "ParameterDict.__getitem__": ["(self, key: str) -> Any"], "ParameterDict.__setitem__": ["(self, key: str, value: Any) -> None"],
    "ParameterDict.__iter__": ["(self) -> Iterator[str]"], "ParameterDict.items": ["(self) -> Iterable[tuple[str, Any]]"],
    "ParameterDict.keys": ["(self) -> Iterable[str]"], "ParameterDict.values": ["(self) -> Iterable[Any]"],
    **{f"{c}.__len__": ["(self) -> int"] for c in names("_List Sequential ModuleList ModuleDict ParameterList ParameterDict _Parameters TensorDataset "
                        "StackDataset ConcatDataset ChainDataset Subset DataLoader SequentialSampler RandomSampler SubsetRandomSampler "
                        "WeightedRandomSampler BatchSampler")},
    # Written twice: from an overloaded `forward` the general call takes the first signature only.
    **{f"{c}.{n}": [f"(self, input: {kind}, hx: {state} | None = None) -> {result.format(kind)}" for kind in ("Tensor", "PackedSequence")]
       for c, (state, result) in WHOLE.items() for n in ("forward", "__call__")},
    **{f"{c}.__init__": ["(self, input_size: int, hidden_size: int, num_layers: int = 1, " + ("nonlinearity: str = 'tanh', " if c == "RNN" else "")
                         + "bias: bool = True, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, "
                         + ("proj_size: int = 0, " if c == "LSTM" else "") + "device: Device = None, dtype: dtype | None = None) -> None"] for c in WHOLE},
    "RNNBase.forward": ["(self, input: Any, hx: Any = None) -> Any"],
    "LSTMCell.forward": ["(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]"],
    "MultiheadAttention.forward": ["(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None, need_weights: bool = True, "
                                   "attn_mask: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False) -> tuple[Tensor, Tensor | Any]"],
    "AdaptiveLogSoftmaxWithLoss.forward": ["(self, input: Tensor, target: Tensor) -> Any"], "AveragedModel.forward": ["(self, *args: Any, **kwargs: Any) -> Any"],
    "ParametrizationList.forward": ["(self) -> Tensor"], "GaussianNLLLoss.forward": ["(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor"],
    "Optimizer.step": ["(self, closure: None = None) -> None", "(self, closure: Callable[[], _T]) -> _T"], "Optimizer.zero_grad": ["(self, set_to_none: bool = True) -> None"],
    "LBFGS.step": ["(self, closure: Callable[[], _T]) -> _T"], "Optimizer.state_dict": ["(self) -> StateDict"],
    "Optimizer.add_param_group": ["(self, param_group: dict[str, Any]) -> None"],
    "Optimizer.__init__": ["(self, params: Groups, defaults: dict[str, Any]) -> None"], "Optimizer.load_state_dict": ["(self, state_dict: Mapping[str, Any]) -> None"],
    "LRScheduler.step": ["(self, epoch: int | None = None) -> None"], "ReduceLROnPlateau.step": ["(self, metrics: float | Tensor, epoch: int | None = None) -> None"],
    "CosineAnnealingWarmRestarts.step": ["(self, epoch: float | None = None) -> None"],
    "SequentialLR.step": ["(self) -> None"], "ChainedScheduler.step": ["(self) -> None"],
    "LRScheduler.get_last_lr": ["(self) -> list[float]"], "LRScheduler.get_lr": ["(self) -> Sequence[float]"], "LRScheduler.state_dict": ["(self) -> StateDict"],
    "LRScheduler.load_state_dict": ["(self, state_dict: Mapping[str, Any]) -> None"],
    "LambdaLR.__init__": ["(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1) -> None"],
    "Dataset.__getitem__": ["(self, index: Any) -> _T_co"], "Dataset.__add__": ["(self, other: Dataset[_T_co]) -> ConcatDataset[_T_co]"],
    "IterableDataset.__iter__": ["(self) -> Iterator[_T_co]"], "IterableDataset.__add__": ["(self, other: Dataset[Any]) -> ChainDataset"],
    "TensorDataset.__init__": ["(self, *tensors: Tensor) -> None"], "TensorDataset.__getitem__": ["(self, index: Any) -> tuple[Tensor, ...]"],
    "ConcatDataset.__init__": ["(self, datasets: Iterable[Dataset[_T_co]]) -> None"], "ConcatDataset.__getitem__": ["(self, index: Any) -> _T_co"],
    "ChainDataset.__init__": ["(self, datasets: Iterable[Dataset[Any]]) -> None"], "ChainDataset.__iter__": ["(self) -> Iterator[Any]"],
    "Subset.__init__": ["(self, dataset: Dataset[_T_co] | Sequence[_T_co], indices: Sequence[int]) -> None"], "Subset.__getitem__": ["(self, index: Any) -> _T_co"],
    "StackDataset.__init__": ["(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None"], "StackDataset.__getitem__": ["(self, index: Any) -> Any"],
    "random_split": ["(dataset: Dataset[_T] | Sequence[_T], lengths: Sequence[float], generator: Any = None) -> list[Subset[_T]]"],
    **{f"{c}.__getitems__": ["(self, indices: Sequence[int]) -> list[Any]"] for c in ("Subset", "StackDataset")},
    "Sampler.__iter__": ["(self) -> Iterator[_T_co]"],
    # A batch: what `collate_fn` makes of a list of samples, or what default_collate does.
    "DataLoader.__init__": ["(self: DataLoader[_T, _R], dataset: Dataset[_T] | Sequence[_T], batch_size: None, *, collate_fn: Callable[[_T], _R], "
                            "**options: Any) -> None",
                            "(self: DataLoader[_T, Any], dataset: Dataset[_T] | Sequence[_T], batch_size: None, *, collate_fn: None = None, "
                            "**options: Any) -> None",
                            f"(self: DataLoader[_T, Collated], dataset: Dataset[_T] | Sequence[_T], {LOADER.format('None', 'None')}) -> None",
                            "(self: DataLoader[_T, _R], dataset: Dataset[_T] | Sequence[_T], batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None, "
                            "batch_sampler: Any = None, num_workers: int = 0, *, collate_fn: Callable[[list[_T]], _R], **options: Any) -> None",
                            f"(self: DataLoader[Any, Any], dataset: Any, {LOADER.format('Any', 'None')}) -> None"],
    "DataLoader.__iter__": ["(self: DataLoader[Tensor | Number | Array, Collated]) -> Iterator[Tensor]",
                            "(self: DataLoader[tuple[Tensor | Number | Array, ...], Collated]) -> Iterator[list[Tensor]]",
                            "(self: DataLoader[dict[str, Tensor], Collated]) -> Iterator[dict[str, Tensor]]",
                            "(self: DataLoader[Any, Collated]) -> Iterator[Any]", "(self: DataLoader[Any, _R]) -> Iterator[_R]"],
    **{f"{c}.__{n}__": ["(self) -> None" if n == "enter" else "(self, *error: Any) -> None"] for c in
       names("_GradMode no_grad enable_grad set_grad_enabled inference_mode") for n in ("enter", "exit")},
    **{f"{c}.__call__": ["(self, function: _F) -> _F"] for c in names("_GradMode no_grad enable_grad set_grad_enabled inference_mode")},
    **{f"{c}.__new__": ["(cls, function: _F) -> _F", "(cls) -> Self"] for c in ("no_grad", "enable_grad")},
    **{f"{c}.__init__": [] for c in ("no_grad", "enable_grad")},
    "Function.apply": ["@classmethod(cls, *args: Any, **kwargs: Any) -> Any"],
    **{f"Function.{n}": ["@staticmethod(*args: Any, **kwargs: Any) -> Any"] for n in ("forward", "backward", "setup_context")},
    "Function.save_for_backward": ["(self, *tensors: Tensor | None) -> None"], "Function.mark_dirty": ["(self, *tensors: Tensor) -> None"],
    "Function.mark_non_differentiable": ["(self, *tensors: Tensor) -> None"], "Function.set_materialize_grads": ["(self, value: bool) -> None"],
    "Size.numel": ["(self) -> int"], "Size.__init__": [], "RemovableHandle.remove": ["(self) -> None"], "Size.__new__": ["(cls, sizes: Iterable[int] = ...) -> Self"],
    "device.__init__": ["(self, type: str | int | device, index: int | None = None) -> None"], "dtype.__init__": ["(self, *args: Any) -> None"],
    "Parameter.__init__": ["(self, data: Tensor | None = None, requires_grad: bool = True) -> None"], "Parameter.__new__": [],
    "Buffer.__init__": ["(self, data: Tensor | None = None, *, persistent: bool = True) -> None"], "Buffer.__new__": [],
    "Generator.manual_seed": ["(self, seed: int) -> Self"], "LRScheduler.__init__": ["(self, optimizer: Optimizer, last_epoch: int = -1) -> None"],
    "clip_grad_norm_": ["(parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, "
                        "foreach: bool | None = None) -> Tensor"],
    "clip_grad_value_": ["(parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: bool | None = None) -> None"],
    "pad_packed_sequence": ["(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None) -> tuple[Tensor, Tensor]"],
    **{n: ["({}, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence".format("input: Tensor, lengths: Tensor | Sequence[int]")]
       for n in ("pack_padded_sequence",)},
    "pack_sequence": ["(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence"],
    "pad_sequence": ["(sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = 'right') -> Tensor"],
    "parameters_to_vector": ["(parameters: Iterable[Tensor]) -> Tensor"], "vector_to_parameters": ["(vec: Tensor, parameters: Iterable[Tensor]) -> None"],
}  # fmt: skip
# Definitions that differ from those of the base class on purpose, by what mypy calls it.
IGNORED = {
    "LBFGS.step": "override", "SequentialLR.step": "override", "ChainedScheduler.step": "override", "IterableDataset.__add__": "override", "ReduceLROnPlateau.step": "override",
    "no_grad.__new__": "misc", "enable_grad.__new__": "misc", "Tensor.__eq__": "override", "Tensor.__ne__": "override",
}
# Attributes that assignments in `__init__` do not tell the type of, by name; Parameters, Tensors and Modules are seen.
ATTRIBUTES = {
    "training": "bool", "param_groups": "list[dict[str, Any]]", "state": "dict[Any, Any]", "defaults": "dict[str, Any]", "base_lrs": "list[float]",
    "weight": "Parameter", "bias": "Parameter", "running_mean": "Tensor", "running_var": "Tensor", "num_batches_tracked": "Tensor",
    "in_proj_weight": "Parameter", "in_proj_bias": "Parameter", "last_epoch": "int", "dataset": "Dataset[_T_co]", "DistributedSampler.dataset": "Any", "shape": None,
}  # fmt: skip
FIELDS = {  # by class, what is no assignment in its source
    "PackedSequence": {"data": "Tensor", "batch_sizes": "Tensor", "sorted_indices": "Tensor | None", "unsorted_indices": "Tensor | None"},
    "iinfo": {"bits": "int", "min": "int", "max": "int", "dtype": "str"},
    "finfo": {"bits": "int", **dict.fromkeys(names("eps min max tiny smallest_normal resolution"), "float"), "dtype": "str"},
    "WorkerInfo": {"id": "int", "num_workers": "int", "seed": "int", "dataset": "Any"},
    "Module": {"training": "bool"}, "Optimizer": {"param_groups": "list[dict[str, Any]]", "state": "dict[Any, Any]"},
}
# What stands before the classes of a module.
PREAMBLES = {
    "pyxtorch.nn.modules.module": """class HasForward(Protocol[_P, _R_co]):
    @property
    def forward(self) -> Callable[_P, _R_co]: ...""",
    "pyxtorch.utils.data.dataloader": "class Collated: ...  # of a loader whose batches default_collate makes",
}
