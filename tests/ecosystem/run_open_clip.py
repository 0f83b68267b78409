"""open_clip and segmentation-models: a small CLIP and its loss trained, features that agree; U-Net, FPN and DeepLab with their losses."""
import open_clip
import segmentation_models_pytorch as smp
import torch
from agree import fill, numbers, whole

clip = open_clip.CLIP(embed_dim=32, vision_cfg=dict(image_size=32, layers=2, width=32, head_width=16, patch_size=8),
                      text_cfg=dict(context_length=8, vocab_size=64, width=32, heads=2, layers=2))
fill(clip)
clip.logit_scale.data.fill_(2.0)
images, texts, criterion = numbers(4, 3, 32, 32), whole(64, 4, 8), open_clip.ClipLoss()
loss = criterion(*clip(images, texts))
assert loss.isfinite() and abs(loss.item() - 1.386) < 1.5, loss
optimizer = torch.optim.AdamW(clip.parameters(), lr=1e-3)
for _ in range(15):
    optimizer.zero_grad()
    criterion(*clip(images, texts)).backward()
    optimizer.step()
clip.eval()
with torch.no_grad():
    assert (clip.encode_image(images, normalize=True) @ clip.encode_text(texts, normalize=True).t()).argmax(1).tolist() == [0, 1, 2, 3]
for kind in (smp.Unet, smp.FPN, smp.DeepLabV3Plus):
    net = fill(kind("resnet18", encoder_weights=None, classes=3)).eval()
    y = net(numbers(1, 3, 64, 64))
    assert y.shape == (1, 3, 64, 64)
    target = whole(3, 1, 64, 64)
    values = [loss(y, target) for loss in (smp.losses.DiceLoss("multiclass"), smp.losses.FocalLoss("multiclass"), smp.losses.JaccardLoss("multiclass"))]
    assert all(0 < v.item() < 20 for v in values)
    sum(values).backward()
    assert all(p.grad is not None for p in net.segmentation_head.parameters())
