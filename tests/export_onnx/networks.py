"""Networks that are exported: small ones, each of a kind that people have. Those of images are in a file of their own."""
import importlib.util
import math
from pathlib import Path

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

spec = importlib.util.spec_from_file_location("_networks_of_images", Path(__file__).with_name("networks_of_images.py"))
of_all = importlib.util.module_from_spec(spec)
spec.loader.exec_module(of_all)
NETWORKS, network, of_images, BATCH, PLANE = of_all.NETWORKS, of_all.network, of_all.of_images, of_all.BATCH, of_all.PLANE


# ---------------------------------------------------------------------------- dense

@network
def mlp_of_every_activation():
    acts = [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(2.0),
            nn.Softsign(), nn.Hardtanh(-0.5, 0.7), nn.Hardsigmoid(), nn.Hardswish(), nn.Hardshrink(), nn.Softshrink(0.3), nn.Tanhshrink(), nn.Threshold(0.1, 0.2), nn.LogSigmoid(),
            nn.Sigmoid(), nn.Tanh(), nn.RReLU(), nn.Softmax(1), nn.LogSoftmax(-1), nn.Softmin(1), nn.GLU()]  # fmt: skip

    class All(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.acts, self.second = nn.Linear(5, 8), nn.ModuleList(acts), nn.ModuleList([nn.Linear(4 if isinstance(a, nn.GLU) else 8, 3) for a in acts])

        def forward(self, x):
            h = self.first(x)
            return torch.stack([second(act(h)) for act, second in zip(self.acts, self.second)])

    return All(), (torch.randn(4, 5),), (torch.randn(7, 5),), BATCH


@network
def mlp_mixer():
    class Mixer(nn.Module):
        def __init__(self, tokens=6, c=8):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(c), nn.LayerNorm(c)
            self.token = nn.Sequential(nn.Linear(tokens, 12), nn.GELU(), nn.Linear(12, tokens))
            self.channel = nn.Sequential(nn.Linear(c, 12), nn.GELU(), nn.Linear(12, c))

        def forward(self, x):
            x = x + self.token(self.norm1(x).transpose(1, 2)).transpose(1, 2)
            return x + self.channel(self.norm2(x))

    return Mixer(), (torch.randn(2, 6, 8),), (torch.randn(5, 6, 8),), BATCH


@network
def autoencoder_with_noise_left_out():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = nn.Linear(6, 4), nn.Linear(2, 6)

        def forward(self, x):
            mu, logvar = self.encode(x).chunk(2, dim=-1)
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
            return {"x": torch.sigmoid(self.decode(z)), "mu": mu, "kl": -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1).mean()}

    return VAE(), (torch.randn(3, 6),), (torch.randn(4, 6),), BATCH


@network
def factorisation_machine():
    class FM(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.bias = nn.Embedding(20, 4), nn.EmbeddingBag(20, 1, mode="sum")
            self.register_buffer("offsets", torch.tensor([0, 5, 10]))

        def forward(self, fields, dense=None):
            x = fields + self.offsets
            e = self.embed(x)
            pairs = 0.5 * (e.sum(1) ** 2 - (e ** 2).sum(1)).sum(1, keepdim=True)
            return torch.sigmoid(self.bias(x) + pairs).squeeze(1)

    return FM(), (torch.randint(0, 5, (3, 3)),), (torch.randint(0, 5, (6, 3)),), BATCH


@network
def integers():
    class Ints(nn.Module):
        def forward(self, x, y):
            return (x + y, x * 2 - y, x // 3, x % 3, -x // 2, x.float() / 2, x / y, torch.div(x, y, rounding_mode="trunc"), x.abs().sum(), x.max(), (x > y).sum(0), x & y, x | 1,
                    x ^ y, ~x, x << 1, x >> 1, x.clamp(0, 3), x.sort(-1)[0], x.argmax(1), x ** 2, x.prod(1), x.cumsum(1), x.to(torch.int32) + 1)  # fmt: skip

    return Ints(), (torch.randint(-5, 6, (3, 4)), torch.randint(1, 6, (3, 4))), (torch.randint(-5, 6, (5, 4)), torch.randint(1, 6, (5, 4))), ({0: "n"}, {0: "n"})


# ---------------------------------------------------------------------------- sequences

def sequences(module, batch_first=True, time=(7, 4), features=5):
    shapes = [(n, t, features) if batch_first else (t, n, features) for n, t in zip((2, 3), time)]
    return module, (torch.randn(shapes[0]),), (torch.randn(shapes[1]),), ({0: "batch", 1: "time"} if batch_first else {0: "time", 1: "batch"},)


@network
def lstm():
    return sequences(nn.LSTM(5, 6, batch_first=True))


@network
def lstm_of_layers_both_ways():
    return sequences(nn.LSTM(5, 6, num_layers=3, bidirectional=True), batch_first=False)


@network
def gru_both_ways():
    return sequences(nn.GRU(5, 6, num_layers=2, bidirectional=True, batch_first=True, bias=False))


@network
def rnn_of_both_kinds():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.tanh, self.relu = nn.RNN(5, 6, 2, batch_first=True), nn.RNN(6, 4, nonlinearity="relu", bidirectional=True, batch_first=True)

        def forward(self, x):
            return self.relu(self.tanh(x)[0])

    return sequences(Both())


@network
def recurrent_cells():
    class Cells(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.gru, self.rnn = nn.LSTMCell(5, 6), nn.GRUCell(6, 4), nn.RNNCell(4, 3)

        def forward(self, x):
            h = c = x.new_zeros(x.size(0), 6)
            g, r = torch.zeros(x.size(0), 4), None
            for t in range(3):
                h, c = self.lstm(x[:, t], (h, c))
                g = self.gru(h, g)
                r = self.rnn(g, r)
            return r, h, c

    return Cells(), (torch.randn(2, 3, 5),), (torch.randn(4, 3, 5),), BATCH


@network
def lstm_language_model():
    class LM(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm, self.head = nn.Embedding(20, 8), nn.LSTM(8, 12, 2, dropout=0.2, batch_first=True), nn.Linear(12, 20)

        def forward(self, tokens, state=None):
            x, state = self.lstm(self.embed(tokens), state)
            return F.log_softmax(self.head(x), -1), state

    state = (torch.randn(2, 3, 12), torch.randn(2, 3, 12))
    other = (torch.randn(2, 2, 12), torch.randn(2, 2, 12))
    return LM(), (torch.randint(0, 20, (3, 6)), state), (torch.randint(0, 20, (2, 9)), other), ({0: "n", 1: "t"}, ({1: "n"}, {1: "n"}))


@network
def temporal_convolutions():
    class Causal(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList([nn.utils.parametrizations.weight_norm(nn.Conv1d(5, 5, 3, dilation=2 ** i)) for i in range(3)])

        def forward(self, x):
            x = x.transpose(1, 2)
            for i, conv in enumerate(self.convs):
                x = x + torch.relu(conv(F.pad(x, (2 * 2 ** i, 0))))
            return x.transpose(1, 2)[:, -1]

    return sequences(Causal())


@network
def seq2seq_with_attention():
    class Seq2Seq(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder, self.attend, self.out = nn.GRU(5, 8, batch_first=True), nn.GRU(5, 8, batch_first=True), nn.Linear(8, 8, bias=False), nn.Linear(16, 4)

        def forward(self, source, target):
            memory, state = self.encoder(source)
            hidden, _ = self.decoder(target, state)
            weights = torch.softmax(torch.bmm(self.attend(hidden), memory.transpose(1, 2)), dim=-1)
            return self.out(torch.cat((hidden, torch.bmm(weights, memory)), dim=2)), weights

    return Seq2Seq(), (torch.randn(2, 7, 5), torch.randn(2, 4, 5)), (torch.randn(3, 5, 5), torch.randn(3, 6, 5)), ({0: "n", 1: "s"}, {0: "n", 1: "t"})


# ---------------------------------------------------------------------------- transformers

@network
def transformer_encoder():
    return sequences(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True), 2), features=8)


@network
def transformer_encoder_norm_first():
    return sequences(nn.TransformerEncoderLayer(8, 4, 16, norm_first=True), batch_first=False, features=8)


@network
def transformer_with_masks():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.t = nn.Transformer(8, 2, 1, 2, 16, batch_first=True)

        def forward(self, source, target, padding):
            causal = self.t.generate_square_subsequent_mask(target.size(1))
            return self.t(source, target, tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding)

    def given(n, s, t):
        padding = torch.zeros(n, s, dtype=torch.bool)
        padding[0, -2:] = True
        return torch.randn(n, s, 8), torch.randn(n, t, 8), padding

    return Whole(), given(2, 6, 5), given(3, 4, 7), ({0: "n", 1: "s"}, {0: "n", 1: "t"}, {0: "n", 1: "s"})


@network
def multihead_attention():
    class All(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.MultiheadAttention(8, 2, batch_first=True), nn.MultiheadAttention(8, 4, bias=False, add_bias_kv=True, add_zero_attn=True, kdim=5, vdim=6, batch_first=True)

        def forward(self, x, k, v):
            return (*self.a(x, x, x), *self.b(x, k, v, average_attn_weights=False), self.a(x, x, x, need_weights=False)[0])

    def given(n, t, s):
        return torch.randn(n, t, 8), torch.randn(n, s, 5), torch.randn(n, s, 6)

    return All(), given(2, 4, 6), given(3, 5, 3), ({0: "n", 1: "t"}, {0: "n", 1: "s"}, {0: "n", 1: "s"})


class CausalSelfAttention(nn.Module):
    def __init__(self, c, heads, block):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.register_buffer("mask", torch.tril(torch.ones(block, block)).view(1, 1, block, block))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.qkv(x).split(C, dim=2)
        q, k, v = (y.view(B, T, self.heads, C // self.heads).transpose(1, 2) for y in (q, k, v))
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = F.softmax(att.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf")), dim=-1)
        return self.proj((att @ v).transpose(1, 2).contiguous().view(B, T, C))


class GPT(nn.Module):
    def __init__(self, block=16, c=8):
        super().__init__()
        self.block = block
        self.wte, self.wpe = nn.Embedding(20, c), nn.Embedding(block, c)
        self.ln, self.attn = nn.LayerNorm(c), CausalSelfAttention(c, 2, block)
        self.mlp = nn.Sequential(nn.LayerNorm(c), nn.Linear(c, 4 * c), nn.GELU("tanh"), nn.Linear(4 * c, c))
        self.head = nn.Linear(c, 20, bias=False)
        self.wte.weight = self.head.weight

    def forward(self, idx):
        b, t = idx.size()
        assert t <= self.block, f"sequence of length {t}"
        x = self.wte(idx) + self.wpe(torch.arange(0, t, dtype=torch.long, device=idx.device))
        x = x + self.attn(self.ln(x))
        return self.head(x + self.mlp(x))


@network
def gpt():
    return GPT(), (torch.randint(0, 20, (2, 6)),), (torch.randint(0, 20, (3, 11)),), ({0: "n", 1: "t"},)


@network
def llama():
    class Llama(nn.Module):
        """RMSNorm, rotary positions, grouped queries, a gated MLP."""

        def __init__(self, c=16, heads=4, groups=2):
            super().__init__()
            self.heads, self.groups, self.e = heads, groups, c // heads
            self.embed, self.norm1, self.norm2 = nn.Embedding(20, c), nn.RMSNorm(c), nn.RMSNorm(c)
            self.q, self.k, self.v, self.o = (nn.Linear(c, n, bias=False) for n in (c, groups * self.e, groups * self.e, c))
            self.gate, self.up, self.down = nn.Linear(c, 24, bias=False), nn.Linear(c, 24, bias=False), nn.Linear(24, c, bias=False)

        def rotary(self, x, cos, sin):
            a, b = x[..., : self.e // 2], x[..., self.e // 2 :]
            return x * cos + torch.cat((-b, a), dim=-1) * sin

        def forward(self, tokens, attention_mask):
            b, t = tokens.shape
            x = self.embed(tokens)
            inv = 1.0 / (10000 ** (torch.arange(0, self.e, 2).float() / self.e))
            angles = torch.outer(torch.arange(t).float(), inv)
            cos, sin = (f(torch.cat((angles, angles), -1)) for f in (torch.cos, torch.sin))
            h = self.norm1(x)
            q = self.q(h).view(b, t, self.heads, self.e).transpose(1, 2)
            k, v = (f(h).view(b, t, self.groups, self.e).transpose(1, 2) for f in (self.k, self.v))
            q, k = self.rotary(q, cos, sin), self.rotary(k, cos, sin)
            k, v = (y[:, :, None].expand(b, self.groups, self.heads // self.groups, t, self.e).reshape(b, self.heads, t, self.e) for y in (k, v))
            causal = torch.full((t, t), float("-inf")).triu(1)
            mask = causal[None, None] + (1.0 - attention_mask[:, None, None].float()) * -1e9
            x = x + self.o(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(b, t, -1))
            return x + self.down(F.silu(self.gate(self.norm2(x))) * self.up(x))

    def given(n, t):
        mask = torch.ones(n, t, dtype=torch.long)
        mask[0, 0] = 0
        return torch.randint(0, 20, (n, t)), mask

    return Llama(), given(2, 6), given(3, 9), ({0: "n", 1: "t"}, {0: "n", 1: "t"})


@network
def bert():
    class Bert(nn.Module):
        def __init__(self, c=8):
            super().__init__()
            self.word, self.position, self.kind, self.norm = nn.Embedding(20, c, padding_idx=0), nn.Embedding(32, c), nn.Embedding(2, c), nn.LayerNorm(c, eps=1e-12)
            self.register_buffer("position_ids", torch.arange(32).expand((1, -1)))
            self.layer = nn.TransformerEncoderLayer(c, 2, 16, batch_first=True)
            self.pooler = nn.Linear(c, c)

        def forward(self, input_ids, token_type_ids=None):
            ids = self.position_ids[:, : input_ids.size(1)]
            kinds = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
            x = self.norm(self.word(input_ids) + self.position(ids) + self.kind(kinds))
            x = self.layer(x, src_key_padding_mask=input_ids == 0)
            return {"last_hidden_state": x, "pooler_output": torch.tanh(self.pooler(x[:, 0]))}

    return Bert(), (torch.randint(1, 20, (2, 6)),), (torch.randint(1, 20, (3, 9)),), ({0: "n", 1: "t"},)


@network
def vit():
    class ViT(nn.Module):
        def __init__(self, c=8, patch=4, size=16):
            super().__init__()
            self.patch = nn.Conv2d(3, c, patch, patch)
            self.cls, self.pos = nn.Parameter(torch.randn(1, 1, c)), nn.Parameter(torch.randn(1, 1 + (size // patch) ** 2, c))
            self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(c, 2, 16, batch_first=True, norm_first=True, activation="gelu"), 2, enable_nested_tensor=False)
            self.head = nn.Linear(c, 5)

        def forward(self, x):
            n = x.shape[0]
            x = self.patch(x).flatten(2).transpose(1, 2)
            x = torch.cat((self.cls.expand(n, -1, -1), x), dim=1) + self.pos
            return self.head(self.blocks(x)[:, 0])

    return of_images(ViT())


@network
def swin_windows():
    class Swin(nn.Module):
        def __init__(self, c=8, window=4):
            super().__init__()
            self.window, self.qkv = window, nn.Linear(c, 3 * c)
            self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, 2))
            at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
            relative = (at[:, :, None] - at[:, None, :]).permute(1, 2, 0) + window - 1
            self.register_buffer("index", relative[..., 0] * (2 * window - 1) + relative[..., 1])

        def forward(self, x):
            b, c, h, w = x.shape
            s = self.window
            x = torch.roll(x.permute(0, 2, 3, 1), shifts=(-s // 2, -s // 2), dims=(1, 2))
            x = x.view(b, h // s, s, w // s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, s * s, c)
            q, k, v = self.qkv(x).reshape(-1, s * s, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
            bias = self.table[self.index.view(-1)].view(s * s, s * s, -1).permute(2, 0, 1)
            y = ((q * (c // 2) ** -0.5) @ k.transpose(-2, -1) + bias).softmax(-1) @ v
            y = y.transpose(1, 2).reshape(-1, s, s, c).view(b, h // s, w // s, s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
            return torch.roll(y, (s // 2, s // 2), (1, 2))

    return of_images(Swin(), PLANE, {"n": 3, "c": 8, "h": 12, "w": 20}, c=8)


@network
def attention_of_all_kinds():
    class All(nn.Module):
        def forward(self, q, k, v, mask):
            f = F.scaled_dot_product_attention
            return (f(q, k, v), f(q, k, v, attn_mask=mask), f(q, k, v, attn_mask=mask.float()), f(q, q, q, is_causal=True), f(q, k, v, scale=0.3), f(q, k[:, :1], v[:, :1], enable_gqa=True))

    def given(n, t, s):
        mask = torch.rand(n, 1, t, s) > 0.4
        mask[0, 0, 0] = False
        return torch.randn(n, 2, t, 4), torch.randn(n, 2, s, 4), torch.randn(n, 2, s, 4), mask

    return All(), given(2, 5, 6), given(3, 4, 7), ({0: "n", 2: "t"}, {0: "n", 2: "s"}, {0: "n", 2: "s"}, {0: "n", 2: "t", 3: "s"})


@network
def graph_attention():
    class GAT(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin, self.att = nn.Linear(5, 4), nn.Linear(8, 1)

        def forward(self, x, edges):
            h = self.lin(x)
            source, target = edges[0], edges[1]
            e = F.leaky_relu(self.att(torch.cat((h[source], h[target]), 1)), 0.2).squeeze(1).exp()
            total = torch.zeros(x.size(0)).scatter_add(0, target, e)
            out = torch.zeros_like(h).index_add(0, target, h[source] * e.unsqueeze(1))
            return out / total.clamp(min=1e-9).unsqueeze(1)

    return GAT(), (torch.randn(6, 5), torch.randint(0, 6, (2, 11))), (torch.randn(8, 5), torch.randint(0, 8, (2, 7))), ({0: "nodes"}, {1: "edges"})


@network
def detector_head():
    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 6, 3, padding=1)

        def forward(self, x):
            n, _, h, w = x.shape
            y = self.conv(x).permute(0, 2, 3, 1)
            ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
            centre = torch.stack((xs, ys), -1).to(y.dtype)
            boxes = torch.cat(((y[..., :2].sigmoid() + centre) * 8, y[..., 2:4].exp() * 16), -1).view(n, -1, 4)
            score, label = y[..., 4:].reshape(n, h * w, 2).softmax(-1).max(-1)
            best, order = score.topk(5, dim=1)
            return best, torch.gather(boxes, 1, order.unsqueeze(-1).expand(-1, -1, 4)), label.gather(1, order)

    return of_images(Head(), PLANE, {"n": 3, "h": 9, "w": 7}, h=8, w=8)


@network
def flow():
    class Coupling(nn.Module):
        def __init__(self):
            super().__init__()
            self.nets = nn.ModuleList([nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 4)) for _ in range(3)])

        def forward(self, x):
            total = torch.zeros(x.shape[0])
            for net in self.nets:
                a, b = x.chunk(2, 1)
                s, t = net(a).chunk(2, 1)
                s = torch.tanh(s)
                x = torch.cat((b * s.exp() + t, a), 1)
                total = total + s.sum(1)
            return x, total - 0.5 * (x ** 2).sum(1) - math.log(2 * math.pi) * x.size(1) / 2

    return Coupling(), (torch.randn(3, 4),), (torch.randn(5, 4),), BATCH


@network
def actor_critic():
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.pi, self.v = nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 3), nn.Linear(8, 1)

        def forward(self, obs, deterministic: bool = True):
            h = self.body(obs)
            logits = self.pi(h)
            return torch.argmax(logits, -1), F.log_softmax(logits, -1).max(-1).values, self.v(h).squeeze(-1)

    return Policy(), (torch.randn(1, 4),), (torch.randn(6, 4),), BATCH
