"""Weights and inputs that are the same everywhere, and what torchvision 0.28 makes of them (`python figures.py` with torchvision prints the table)."""
import math

NAMES = """squeezenet1_0 squeezenet1_1 densenet121 mnasnet0_5 shufflenet_v2_x0_5 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large googlenet resnet18 resnext50_32x4d
 efficientnet_b0 efficientnet_v2_s regnet_y_400mf regnet_x_400mf convnext_tiny vit swin_t swin_v2_t inception_v3""".split()
OPTIONS = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}

EXPECTED = {
    "squeezenet1_0": [0.0, 1.1368467248906393, 0.0, 0.0, 0.41982521549218177],
    "squeezenet1_1": [0.0, 1.136883748790243, 0.0, 0.0, 0.4198492702445533],
    "densenet121": [10.712543119135692, 20.08792690810147, 27.11526325442454, -14.158261213621673, 21.831071680894144],
    "mnasnet0_5": [2.9557239820103347, 5.290676351684787, -7.499231084317055, -5.378093834055051, 6.027565972345397],
    "shufflenet_v2_x0_5": [0.9873780751917408, 1.8165184060706427, 2.534664672025314, -1.0993181798346714, 1.8699887539637354],
    "mobilenet_v2": [3.389194068650881, 5.709924744797091, -8.295217744200244, -5.002229531596201, 6.13147471459819],
    "mobilenet_v3_small": [0.6534380050589828, 0.23466933504702306, -0.14188269028137246, 1.3807003959004869, 1.012081998720873],
    "mobilenet_v3_large": [2.7352215900188823, -8.027924734594551, 4.146058903650317, 7.734753717585326, 5.635036250807007],
    "googlenet": [-0.6393516595539882, 0.597699424815086, 1.7011782159286648, -2.7136669462848193, 2.2673966836686996],
    "resnet18": [-7.145311210196012, 2.4343525162688238, 2.3239884704223477, -17.54904898520408, 19.46262313574201],
    "resnext50_32x4d": [144350782.4065431, 542355182.1761459, 674464968.5767876, -729707450.1258411, 499719412.46002394],
    "efficientnet_b0": [4.431690329149501, 7.722210522607002, -11.075522693248388, -6.855564718361428, 8.096823730724907],
    "efficientnet_v2_s": [97450.02829107016, 179862.17160368132, -252973.65126772894, -162724.91541328494, 187439.23389312954],
    "regnet_y_400mf": [18.383572107040013, 22.23472350517416, 23.872728046846614, -6.715166782427536, 19.2310345924381],
    "regnet_x_400mf": [27413450015.079388, 136937915794.44534, 14815980017.441454, 125013483028.76793, 99303067209.42647],
    "convnext_tiny": [1.739288247200058, 1.0307063816658497, -1.229827413706171, 1.849436895909033, 1.3493349302635602],
    "vit": [0.7138037724610911, 0.9183882766189216, -1.6827928026552956, -1.453625643906181, 1.1218826339476473],
    "swin_t": [0.4395366635487065, 1.6422216864499457, 0.45771360972038744, 1.189214243921198, 1.1895652419147262],
    "swin_v2_t": [4.543423012185874, 4.236682353537483, -2.3716234806189376, 5.595992734624903, 3.89395793768653],
    "inception_v3": [-0.9960408633545608, -2.316008228626881, -2.584433927409296, 2.4847840239899797, 1.8400495903694272],
}


def fill(torch, model):
    """Fill a model's parameters and buffers by a formula, in float64."""
    model = model.double().eval()
    with torch.no_grad():
        for k, (name, x) in enumerate(model.state_dict().items()):
            if not x.is_floating_point() or name.endswith("relative_coords_table"):
                continue
            wave = torch.sin(torch.arange(x.numel(), dtype=torch.float64) * 1.7 + k).reshape(x.shape)
            if name.endswith("running_var"):
                x.copy_(1 + 0.5 * wave)
            elif x.ndim > 1:
                x.copy_(wave * 2 / math.sqrt(x[0].numel()))
            else:
                x.copy_(0.1 * wave + (1 if name.endswith("weight") else 0))
    return model


def image(torch, size):
    """A picture of waves, (2, 3, size, size)."""
    return torch.sin(torch.arange(6 * size * size, dtype=torch.float64) * 0.37).reshape(2, 3, size, size)


def outcome(torch, models, name):
    """Five numbers of a network's result."""
    model = models.VisionTransformer(64, 16, 3, 4, 64, 96, representation_size=32) if name == "vit" else models.get_model(name, **OPTIONS.get(name, {}))
    model = fill(torch, model)
    with torch.no_grad():
        y = model(image(torch, 96 if name == "inception_v3" else 64))
    return [*y[0, :3].tolist(), y[1, -1].item(), y.std().item()]


if __name__ == "__main__":
    import torch
    import torchvision

    for name in NAMES:
        print(f'    "{name}": {outcome(torch, torchvision.models, name)},')
