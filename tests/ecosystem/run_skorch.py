"""skorch: a network as a classifier of scikit-learn, in a pipeline and a grid search, saved and read; a regressor; callbacks."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
import torch
from agree import agree, fill
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, GradientNormClipping, LRScheduler
from skorch.helper import SliceDict
from torch import nn


class Classifier(nn.Module):
    def __init__(self, hidden=10, dropout=0.0, outputs=2):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(20, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, outputs))

    def forward(self, X):
        return torch.softmax(self.layers(X), -1)


X, y = make_classification(400, 20, n_informative=5, class_sep=2.0, random_state=0)
X, y = X.astype(np.float32), y.astype(np.int64)
torch.manual_seed(0)
net = NeuralNetClassifier(Classifier, max_epochs=8, lr=0.1, verbose=0, iterator_train__shuffle=True, batch_size=32)
pipeline = Pipeline([("scale", StandardScaler()), ("net", net)])
search = GridSearchCV(
    pipeline, {"net__lr": [0.001, 0.1], "net__module__hidden": [10, 30], "net__module__dropout": [0.1]}, cv=3, scoring="accuracy",
)
search.fit(X, y)
assert search.best_score_ > 0.8 and search.best_params_["net__lr"] == 0.1, (search.best_score_, search.best_params_)
assert cross_val_predict(pipeline, X, y, cv=3, method="predict_proba").shape == (400, 2)

best = pickle.loads(pickle.dumps(search.best_estimator_))
assert np.array_equal(best.predict_proba(X), search.best_estimator_.predict_proba(X))

net = NeuralNetClassifier(Classifier, max_epochs=10, lr=0.1, verbose=0).initialize()
fill(net.module_)
net.partial_fit(X, y)
agree("training losses", net.history[:, "train_loss"])
agree("validation losses", net.history[:, "valid_loss"])

with tempfile.TemporaryDirectory() as folder:
    net = NeuralNetClassifier(
        Classifier, max_epochs=12, optimizer=torch.optim.Adam, lr=0.01, verbose=0, criterion=nn.NLLLoss,
        callbacks=[
            EpochScoring("roc_auc", lower_is_better=False, name="auc"),
            Checkpoint(dirname=folder, monitor="valid_loss_best"),
            EarlyStopping(patience=8), GradientNormClipping(1.0),
            LRScheduler(policy="StepLR", step_size=5, gamma=0.5, event_name="lr"),
        ],
    ).fit(X, y)
    assert net.history[-1, "lr"] < 0.01 and net.history[-1, "train_loss"] < net.history[0, "train_loss"]
    assert net.history[-1, "auc"] > 0.85, net.history[-1, "auc"]
    net.save_params(f_params=f"{folder}/p.pt", f_optimizer=f"{folder}/o.pt", f_history=f"{folder}/h.json")
    other = NeuralNetClassifier(Classifier, optimizer=torch.optim.Adam).initialize()
    other.load_params(f_params=f"{folder}/p.pt", f_optimizer=f"{folder}/o.pt", f_history=f"{folder}/h.json")
    assert np.array_equal(other.predict(X), net.predict(X)) and len(other.history) == len(net.history)
    net.partial_fit(X, y)
    assert Path(folder, "params.pt").exists()


class Line(nn.Module):
    def __init__(self, outputs=1):
        super().__init__()
        self.line = nn.Linear(5, outputs)

    def forward(self, a, b):
        return self.line(torch.cat([a, b], 1))


X, y = make_regression(200, 5, noise=0.1, random_state=0)
X, y = X.astype(np.float32), (y[:, None] / 100).astype(np.float32)
parts = SliceDict(a=X[:, :2], b=X[:, 2:])
regressor = NeuralNetRegressor(Line, max_epochs=60, lr=0.1, verbose=0, train_split=None).fit(parts, y)
assert regressor.score(parts, y) > 0.999, regressor.score(parts, y)
binary = NeuralNetBinaryClassifier(Line, max_epochs=40, lr=0.5, verbose=0).fit(parts, (y[:, 0] > 0).astype(np.float32))
accuracy = (binary.predict(parts) == (y[:, 0] > 0)).mean()
assert accuracy > 0.95, accuracy
print("skorch: best of the grid", round(search.best_score_, 3), search.best_params_, "line", round(regressor.score(parts, y), 5))
