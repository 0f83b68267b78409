"""Batching by rules, what `func.vmap` is made of (docs/func.md, docs/architecture.md "Batched values"). Loaded when vmap is first used.

`_values`: what a batched value is, and the levels that run. `_calls`: how an operation finds its rule, and the loop where it has none.
`_rules`, `_rules_shape`, `_rules_index`, `_rules_nn`: the rules. `_vmap`: the transform itself. `_functions`: functions
of the user's.
"""
