"""peft: LoRA, DoRA, IA3, prefix tuning and prompts on language models: what is trained, saved, merged, switched."""
import tempfile

import torch
from agree import agree, fill, whole
from peft import (
    AutoPeftModelForCausalLM,
    IA3Config,
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptTuningConfig,
    get_peft_model,
    get_peft_model_state_dict,
)
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

tokens = whole(100, 3, 12)


def llama():
    return fill(LlamaForCausalLM(LlamaConfig(vocab_size=100, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                             num_key_value_heads=2, max_position_embeddings=64)))  # fmt: skip


def gpt2():
    return fill(GPT2LMHeadModel(GPT2Config(vocab_size=100, n_positions=64, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)))


def train(model, steps=4):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(steps):
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def trainable(model):
    """Fills what is trained, since peft draws it from torch's random stream; the numbers of parameters."""
    named = torch.nn.ParameterDict({name.replace(".", "/"): p for name, p in model.named_parameters() if p.requires_grad})
    fill(named, seed=100)
    return model.get_nb_trainable_parameters()


def lora():
    base = llama()
    frozen = {name: p.clone() for name, p in base.state_dict().items()}
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    with torch.no_grad():                                       # B is zero at first: nothing changes
        assert torch.equal(model(tokens).logits, llama()(tokens).logits)
    assert trainable(model) == (2 * 4 * (32 + 32 + 32 + 16), 22816)
    agree("LoRA on Llama", train(model))
    for name, p in frozen.items():                              # what is frozen stays
        now = dict(model.base_model.model.state_dict())
        assert torch.equal(now[name] if name in now else now[name.replace("_proj.", "_proj.base_layer.")], p), name
    model.eval()
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        after = model(tokens).logits
        agree("its logits", after[0, -1, :4])
        model.save_pretrained(folder)
        loaded = PeftModel.from_pretrained(llama(), folder).eval()
        assert torch.equal(loaded(tokens).logits, after)
        loaded.load_adapter(folder, adapter_name="second")
        loaded.set_adapter("second")
        assert loaded.active_adapter == "second" and torch.equal(loaded(tokens).logits, after)
        with loaded.disable_adapter():
            assert torch.equal(loaded(tokens).logits, llama()(tokens).logits)
        assert set(get_peft_model_state_dict(model)) == set(get_peft_model_state_dict(loaded, adapter_name="second"))
        loaded.add_weighted_adapter(["default", "second"], [0.7, 0.3], "mixed", combination_type="linear")
        loaded.set_adapter("mixed")
        agree("two adapters mixed", loaded(tokens).logits[0, -1, :4])
        generated = model.generate(input_ids=tokens[:, :4], max_new_tokens=5, do_sample=False)
        merged = model.merge_and_unload()
        assert type(merged) is LlamaForCausalLM and not any("lora" in name for name, _ in merged.named_parameters())
        assert (merged(tokens).logits - after).abs().max() < 1e-4
        assert torch.equal(merged.generate(input_ids=tokens[:, :4], max_new_tokens=5, do_sample=False), generated)


def by_name():
    """The base model and the adapter from folders."""
    with tempfile.TemporaryDirectory() as base, tempfile.TemporaryDirectory() as folder:
        gpt2().save_pretrained(base)
        model = get_peft_model(GPT2LMHeadModel.from_pretrained(base), LoraConfig(r=2, use_dora=True, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"))
        trainable(model)
        agree("DoRA on GPT-2", train(model))
        model.save_pretrained(folder)
        loaded = AutoPeftModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            assert torch.equal(loaded(input_ids=tokens).logits, model.eval()(input_ids=tokens).logits)


def others():
    for name, config in (
        ("IA3", IA3Config(task_type="CAUSAL_LM", target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"], fan_in_fan_out=True)),
        ("prefix tuning", PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)),
        ("prompt tuning", PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)),
        ("rsLoRA with trained embeddings", LoraConfig(r=3, target_modules=["c_fc"], modules_to_save=["wte"], use_rslora=True, fan_in_fan_out=True)),
    ):
        model = get_peft_model(gpt2(), config)
        trainable(model)
        agree(name, train(model))


if __name__ == "__main__":
    lora()
    by_name()
    others()
