"""onnx: networks of transformers and timm exported, checked and run by onnxruntime at the example's sizes and at others."""
import os
import tempfile

import onnx
import onnxruntime
import timm
import torch
import transformers
from agree import fill, numbers, whole

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
WORDS = {"vocab_size": 50, **SMALL}


def text(n, length):
    mask = torch.ones(n, length, dtype=torch.long)
    mask[0, -2:] = 0
    return {"input_ids": whole(50, n, length), "attention_mask": mask}


def check(name, model, examples, dynamic):
    """Exported on the first example, right on all."""
    program = torch.onnx.export(model, (), kwargs=examples[0], dynamic_shapes=dynamic)
    onnx.checker.check_model(program.model_proto, full_check=True)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.onnx")
        program.save(file)
        session = onnxruntime.InferenceSession(file)
    for example in examples:
        with torch.no_grad():
            expected = model(**example)
        expected = expected if isinstance(expected, torch.Tensor) else expected[0]
        given = torch.from_numpy(session.run(None, {k: v.numpy() for k, v in example.items()})[0])
        worst = (given - expected).abs().max().item()
        assert given.shape == expected.shape and worst < 1e-4 * max(1.0, expected.abs().max().item()), (name, worst)
    print(f"{name}: {len(program.model_proto.graph.node)} nodes")


T = transformers
LANGUAGE = {
    "BERT": lambda: T.BertModel(T.BertConfig(**WORDS), add_pooling_layer=False),
    "RoBERTa": lambda: T.RobertaModel(T.RobertaConfig(**WORDS), add_pooling_layer=False),
    "GPT-2": lambda: T.GPT2LMHeadModel(T.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=4, n_positions=64, use_cache=False, bos_token_id=1, eos_token_id=1)),
    "Llama": lambda: T.LlamaForCausalLM(T.LlamaConfig(num_key_value_heads=2, use_cache=False, **WORDS)),
    "Qwen2": lambda: T.Qwen2ForCausalLM(T.Qwen2Config(num_key_value_heads=2, use_cache=False, **WORDS)),
    "T5's encoder": lambda: T.T5EncoderModel(T.T5Config(vocab_size=50, d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=4)),
}
for name, make in LANGUAGE.items():
    check(name, fill(make()).eval(), [text(2, 7), text(3, 10), text(1, 5)], dict.fromkeys(("input_ids", "attention_mask"), {0: "batch", 1: "length"}))

vit = fill(T.ViTModel(T.ViTConfig(image_size=32, patch_size=8, **SMALL), add_pooling_layer=False)).eval()
check("ViT", vit, [{"pixel_values": numbers(n, 3, 32, 32)} for n in (2, 3)], {"pixel_values": {0: "batch"}})
for name in ("resnet18", "mobilenetv3_small_050", "efficientnet_b0", "convnext_atto", "densenet121"):
    network = fill(timm.create_model(name, num_classes=10)).eval()
    check(name, network, [{"x": numbers(n, 3, 64, 64)} for n in (1, 3)], {"x": {0: "batch"}})
