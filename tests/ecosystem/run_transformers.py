"""transformers: GPT-2, BERT and Llama from a small configuration: training steps, generation, files of weights."""
import os
import tempfile

import torch
from agree import agree, fill, whole
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Trainer,
    TrainingArguments,
    get_linear_schedule_with_warmup,
)

tokens = whole(100, 3, 12)


def train(model, steps=5, **batch):
    """The losses of some steps of AdamW with warm-up and clipped gradients, and the last norm of the gradients."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=2, num_training_steps=steps)
    losses = []
    model.train()
    for _ in range(steps):
        loss = model(**batch).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.eval()
    return [*losses, norm.item()]


def through_a_file(model, again, **batch):
    """What was saved and loaded gives the same results, to the bit; by safetensors in several shards as well."""
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        before = model(**batch).logits
        for shard in ("1GB", "20KB"):
            model.save_pretrained(folder, max_shard_size=shard)
            files = [name for name in os.listdir(folder) if name.endswith(".safetensors")]
            assert (len(files) == 1) == (shard == "1GB"), files
            loaded = again.from_pretrained(folder)
            assert type(loaded) is type(model) and not loaded.training
            assert torch.equal(loaded(**batch).logits, before)
        half = again.from_pretrained(folder, dtype=torch.bfloat16)
        assert half.dtype == torch.bfloat16 and (half(**batch).logits.float() - before).abs().max() < 0.3


def generate(what, model):
    """Greedy, by beams, and by sampling."""
    prompt = tokens[:, :5]
    more = dict(max_new_tokens=8, pad_token_id=0, eos_token_id=99)
    greedy = model.generate(prompt, do_sample=False, **more)
    agree(f"{what} greedy", greedy[:, 5:], rtol=0)
    assert torch.equal(greedy, model.generate(prompt, do_sample=False, use_cache=False, **more))
    agree(f"{what} by 3 beams", model.generate(prompt, num_beams=3, **more)[:, 5:], rtol=0)
    torch.manual_seed(0)
    drawn = model.generate(prompt, do_sample=True, top_k=20, top_p=0.9, temperature=0.8, num_return_sequences=4, **more)
    assert drawn.shape[0] == 12 and drawn.shape[1] <= 13 and drawn.max() < 100 and len({tuple(row) for row in drawn[:4].tolist()}) > 1
    torch.manual_seed(0)
    assert torch.equal(drawn, model.generate(prompt, do_sample=True, top_k=20, top_p=0.9, temperature=0.8, num_return_sequences=4, **more))
    scored = model.generate(prompt, do_sample=False, return_dict_in_generate=True, output_scores=True, repetition_penalty=1.3,
                            no_repeat_ngram_size=2, min_new_tokens=4, **more)  # fmt: skip
    steps = model.compute_transition_scores(scored.sequences, scored.scores, normalize_logits=True)
    agree(f"{what} scores", steps[0])


def language_models():
    small = dict(vocab_size=100, bos_token_id=98, eos_token_id=99)
    gpt = fill(GPT2LMHeadModel(GPT2Config(n_positions=32, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, **small)))
    llama = fill(LlamaForCausalLM(LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                              num_key_value_heads=2, max_position_embeddings=32, **small)))  # fmt: skip
    mask = torch.ones_like(tokens)
    mask[0, :4] = 0
    for name, model in (("gpt2", gpt), ("llama", llama)):
        output = model.eval()(tokens, attention_mask=mask, output_hidden_states=True, labels=tokens)
        agree(f"{name} logits", output.logits[1, -1, :5])
        assert len(output.hidden_states) == 3
        agree(f"{name} losses", train(model, input_ids=tokens, attention_mask=mask, labels=tokens))
        generate(name, model)
        through_a_file(model, AutoModelForCausalLM, input_ids=tokens, attention_mask=mask)
        model.gradient_checkpointing_enable()
        agree(f"{name} losses, parts computed again", train(model, 2, input_ids=tokens, labels=tokens))


def bert():
    config = BertConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
                        max_position_embeddings=32, hidden_dropout_prob=0, attention_probs_dropout_prob=0, num_labels=3)  # fmt: skip
    mask = torch.ones_like(tokens)
    mask[2, 7:] = 0
    labels = torch.where(torch.arange(12) % 4 == 0, tokens, -100)
    masked = fill(BertForMaskedLM(config))
    agree("bert losses", train(masked, input_ids=tokens, attention_mask=mask, labels=labels))
    through_a_file(masked, BertForMaskedLM, input_ids=tokens, attention_mask=mask)
    classes = fill(BertForSequenceClassification(config))
    agree("bert for classes", train(classes, input_ids=tokens, attention_mask=mask, labels=torch.tensor([0, 2, 1])))
    through_a_file(classes, BertForSequenceClassification, input_ids=tokens)
    for kind in ("eager", "sdpa"):
        masked.set_attn_implementation(kind)
        agree(f"bert with {kind} attention", masked(tokens, attention_mask=mask).logits[2, 0, :4])
    return config


def trainer(config):
    """The Trainer, from an epoch to the next by a checkpoint."""
    data = [{"input_ids": row, "labels": row[0] % 3} for row in whole(100, 16, 6)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = dict(output_dir=folder, per_device_train_batch_size=4, learning_rate=1e-3, report_to=[], logging_steps=2, save_strategy="epoch",
                         seed=3, data_seed=3, disable_tqdm=True, use_cpu=True)  # fmt: skip
        model = fill(BertForSequenceClassification(config))
        whole_run = Trainer(model, TrainingArguments(num_train_epochs=4, **arguments), train_dataset=data, eval_dataset=data)
        before = whole_run.evaluate()["eval_loss"]
        whole_run.train()
        losses = [entry["loss"] for entry in whole_run.state.log_history if "loss" in entry]
        print("trainer losses:", losses)
        evaluation = whole_run.evaluate()["eval_loss"]
        assert len(losses) == 8 and evaluation < before - 0.1, (before, evaluation)
        again = Trainer(fill(BertForSequenceClassification(config)), TrainingArguments(num_train_epochs=4, **arguments), train_dataset=data, eval_dataset=data)
        again.train(resume_from_checkpoint=os.path.join(folder, "checkpoint-8"))
        agree("evaluated, with and without a stop after two epochs", again.evaluate()["eval_loss"], evaluation, rtol=1e-6)
        assert again.predict(data).predictions.shape == (16, 3)


if __name__ == "__main__":
    language_models()
    trainer(bert())
