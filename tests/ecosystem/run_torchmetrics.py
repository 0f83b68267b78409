"""torchmetrics: all metrics that need no network and no further package, in two batches, against PyTorch's figures."""

import warnings

import numpy as np
import torch
import torchmetrics
import torchmetrics.detection
from agree import agree
from torchmetrics import audio, classification, clustering, image, nominal, regression, retrieval, segmentation, shape, text

warnings.filterwarnings("ignore")
random = np.random.RandomState(0)


def rand(*size):
    return torch.from_numpy(random.random_sample(size).astype(np.float32))


def integers(high, *size):
    return torch.from_numpy(random.randint(0, high, size))


def softmax(*size):
    return torch.softmax(rand(*size) * 4, 1)


binary = [(rand(40), integers(2, 40)) for _ in range(2)]
multiclass = [(softmax(40, 4), integers(4, 40)) for _ in range(2)]
multilabel = [(rand(40, 3), integers(2, 40, 3)) for _ in range(2)]
fixed = {"Recall": {"min_precision": 0.5}, "Precision": {"min_recall": 0.5}, "Sensitivity": {"min_specificity": 0.5},
         "Specificity": {"min_sensitivity": 0.5}}
grouped = [(*binary[0], integers(2, 40))]
fields = [(rand(30, 2), rand(30, 2)) for _ in range(2)]
lines = [(x[:, 0], y[:, 0]) for x, y in fields]
images = [(rand(2, 3, 48, 48), rand(2, 3, 48, 48)) for _ in range(2)]
sound = [(rand(2, 400) - 0.5, rand(2, 400) - 0.5) for _ in range(2)]
searched = [(rand(20), integers(2, 20), integers(4, 20)) for _ in range(2)]
labels = [(integers(4, 40), integers(4, 40)) for _ in range(2)]
spoken = [(["the cat is on the mat", "hello there general"], ["there is a cat on the mat", "hello there my general"])] * 2
translated = [(x, [[y, "a cat sits on that mat"] for y in ys]) for x, ys in spoken]

cases = []                                              # name, metric, batches


def case(metric, batches, *args, **settings):
    name = type(metric).__name__ if not isinstance(metric, type) else metric.__name__
    cases.append((name, metric if not isinstance(metric, type) else metric(*args, **settings), batches))


for name in classification.__all__:
    if "LogAUC" in name:                                 # depends on the order in which equal scores are sorted
        continue
    metric = getattr(classification, name)
    settings = next((more for key, more in fixed.items() if f"{key}At" in name), {})
    if "FBeta" in name:
        settings = {"beta": 0.5}
    if "Group" in name or "Fairness" in name:
        case(metric, grouped, num_groups=2)
    elif name.startswith("Binary"):
        case(metric, binary, **settings)
    elif name == "MulticlassExactMatch":
        case(metric, [(x[:, None].expand(-1, 2, -1).transpose(1, 2), y[:, None].expand(-1, 2)) for x, y in multiclass], num_classes=4)
    elif name.startswith("Multiclass"):
        case(metric, multiclass, num_classes=4, **settings)
    elif name.startswith("Multilabel"):
        case(metric, multilabel, num_labels=3, **settings)
for name in ("MulticlassAccuracy", "MulticlassF1Score", "MulticlassPrecision", "MulticlassRecall", "MulticlassJaccardIndex"):
    for average in ("micro", "weighted", "none"):
        case(getattr(classification, name), multiclass, num_classes=4, average=average)
for name in ("BinaryAUROC", "BinaryROC", "BinaryPrecisionRecallCurve", "BinaryAveragePrecision"):
    case(getattr(classification, name), binary, thresholds=11)
case(classification.MulticlassAccuracy, multiclass, num_classes=4, top_k=2)
case(classification.MulticlassConfusionMatrix, multiclass, num_classes=4, normalize="true")
for name in regression.__all__:
    if name == "CriticalSuccessIndex":
        case(regression.CriticalSuccessIndex, lines, 0.5)
    elif name == "ContinuousRankedProbabilityScore":
        case(regression.ContinuousRankedProbabilityScore, [(rand(10, 5), rand(10))])
    elif name in ("KLDivergence", "JensenShannonDivergence"):
        case(getattr(regression, name), [(softmax(10, 4), softmax(10, 4))])
    elif name == "MinkowskiDistance":
        case(regression.MinkowskiDistance, lines, p=3)
    else:
        case(getattr(regression, name), fields if name == "CosineSimilarity" else lines)
case(regression.R2Score, fields, multioutput="raw_values")
case(regression.SpearmanCorrCoef, fields, num_outputs=2)
case(regression.PearsonCorrCoef, fields, num_outputs=2)
case(regression.KendallRankCorrCoef, lines, t_test=True, alternative="two-sided")
for name in retrieval.__all__:
    case(getattr(retrieval, name), searched, **({"max_k": 5} if "Curve" in name else {"max_k": 5, "min_precision": 0.3} if "Fixed" in name else {}))
for name in text.__all__:
    if name in ("BERTScore", "InfoLM"):
        continue  # there where transformers is, but they fetch a network
    if name in ("BLEUScore", "SacreBLEUScore", "CHRFScore", "TranslationEditRate", "ExtendedEditDistance"):
        case(getattr(text, name), translated)
    elif name == "Perplexity":
        case(text.Perplexity, [(rand(2, 8, 5), integers(5, 2, 8))], ignore_index=3)
    elif name == "SQuAD":
        answer = [{"prediction_text": "in 1976", "id": "a"}], [{"answers": {"answer_start": [97], "text": ["1976"]}, "id": "a"}]
        case(text.SQuAD, [answer])
    elif name != "ROUGEScore":                           # needs nltk
        case(getattr(text, name), spoken)
plain = ("ErrorRelativeGlobalDimensionlessSynthesis", "PeakSignalNoiseRatio", "RelativeAverageSpectralError", "SpectralAngleMapper",
         "RootMeanSquaredErrorUsingSlidingWindow", "SpatialCorrelationCoefficient", "SpectralDistortionIndex",
         "StructuralSimilarityIndexMeasure", "UniversalImageQualityIndex", "VisualInformationFidelity")
for name in plain:
    case(getattr(image, name), images, **({"data_range": 1.0} if "Noise" in name or "Structural" in name else {}))
case(image.TotalVariation, [(images[0][0],)])
case(image.PeakSignalNoiseRatioWithBlockedEffect, [(x[:, :1], y[:, :1]) for x, y in images], data_range=1.0)
case(image.MultiScaleStructuralSimilarityIndexMeasure, images, data_range=1.0, kernel_size=3, betas=(0.3, 0.3, 0.4))
for name in ("ScaleInvariantSignalDistortionRatio", "ScaleInvariantSignalNoiseRatio", "SignalDistortionRatio", "SignalNoiseRatio"):
    case(getattr(audio, name), sound)
case(audio.SourceAggregatedSignalDistortionRatio, [(x[None], y[None]) for x, y in sound])
case(audio.ComplexScaleInvariantSignalNoiseRatio, [(rand(1, 9, 20, 2), rand(1, 9, 20, 2))])
case(audio.PermutationInvariantTraining(torchmetrics.functional.scale_invariant_signal_noise_ratio), [(x[None], y[None]) for x, y in sound])
for name in clustering.__all__:
    if name in ("CalinskiHarabaszScore", "DaviesBouldinScore", "DunnIndex"):
        case(getattr(clustering, name), [(rand(40, 3), integers(4, 40))])
    elif name != "ClusterAccuracy":                     # needs torch_linear_assignment
        case(getattr(clustering, name), labels)
for name in nominal.__all__:
    if name == "FleissKappa":
        case(nominal.FleissKappa, [(integers(5, 20, 4),)], mode="counts")
    else:
        case(getattr(nominal, name), labels, num_classes=4)
case(shape.ProcrustesDisparity, [(rand(3, 10, 2), rand(3, 10, 2))])
case(segmentation.MeanIoU, [(integers(2, 4, 3, 8, 8), integers(2, 4, 3, 8, 8))], num_classes=3)
case(segmentation.GeneralizedDiceScore, [(integers(2, 4, 3, 8, 8), integers(2, 4, 3, 8, 8))], num_classes=3)
case(segmentation.HausdorffDistance, [(integers(2, 1, 3, 8, 8), integers(2, 1, 3, 8, 8))], num_classes=3)
case(torchmetrics.detection.PanopticQuality, [(integers(2, 1, 6, 6, 2), integers(2, 1, 6, 6, 2))], things={0, 1}, stuffs=set())
for name in ("MeanMetric", "SumMetric", "MaxMetric", "MinMetric", "CatMetric", "RunningMean", "RunningSum"):
    case(getattr(torchmetrics, name), [(x,) for x, _ in lines])
case(torchmetrics.MetricCollection([classification.BinaryAccuracy(), classification.BinaryF1Score(), classification.BinaryPrecision()]), binary)
case(torchmetrics.ClasswiseWrapper(classification.MulticlassAccuracy(num_classes=4, average=None), labels=list("abcd")), multiclass)
case(torchmetrics.MinMaxMetric(classification.BinaryAccuracy()), binary)
case(torchmetrics.MultioutputWrapper(regression.R2Score(), 2), fields)
case(torchmetrics.BootStrapper(torchmetrics.MeanMetric(), num_bootstraps=4), [(torch.full((30,), 2.5),)])


def flat(value):
    """All numbers of a result, in order."""
    if isinstance(value, dict):
        return [x for key in value for x in flat(value[key])]
    if isinstance(value, (list, tuple)):
        return [x for part in value for x in flat(part)]
    if isinstance(value, torch.Tensor):
        return [*value.shape, *value.detach().double().flatten().tolist()]
    return [float(value)]


def figures(metric, batches):
    for batch in batches:
        metric.update(*batch)
    result = flat(metric.compute())
    metric.reset()
    first = metric(*batches[0])                         # forward: the batch's own value
    return [round(x, 6) for x in result + (flat(first) if first is not None else [])]


for i, (name, metric, batches) in enumerate(cases):
    agree(f"{i:03} {name}", figures(metric, batches), rtol=2e-4, atol=2e-5)
state = classification.BinaryAccuracy()
state.persistent(True)
state.update(*binary[0])
other = classification.BinaryAccuracy()
other.persistent(True)
other.load_state_dict(state.state_dict())
assert other.compute() == state.compute()
print(len(cases), "metrics as with PyTorch")
