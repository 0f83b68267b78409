"""pytorch-lightning: fit with validation, callbacks, a logger and a scheduler; checkpoints; a run resumed goes on to the same bits."""

import csv
import logging
import tempfile
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
import torchmetrics
from agree import agree, fill, numbers
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint, StochasticWeightAveraging
from pytorch_lightning.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


class Data(pl.LightningDataModule):
    def setup(self, stage):
        x = numbers(400, 8)
        y = (x[:, 0] * 2 - x[:, 1] + x[:, 2] > 0).long()
        self.train, self.valid, self.test = (TensorDataset(x[a:b], y[a:b]) for a, b in ((0, 256), (256, 328), (328, 400)))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=32)

    def val_dataloader(self):
        return DataLoader(self.valid, batch_size=36)

    def test_dataloader(self):
        return DataLoader(self.test, batch_size=36)

    predict_dataloader = test_dataloader


class Net(pl.LightningModule):
    def __init__(self, hidden=16, lr=0.02, dropout=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(8, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 2))
        self.accuracy = torchmetrics.Accuracy("multiclass", num_classes=2)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, index):
        x, y = batch
        out = self(x)
        self.accuracy(out, y)
        self.log("val_loss", nn.functional.cross_entropy(out, y), prog_bar=True)
        self.log("val_acc", self.accuracy)

    test_step = validation_step

    def predict_step(self, batch, index):
        return self(batch[0]).argmax(1)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)}


def trainer(folder, epochs, *callbacks, **settings):
    settings = {"logger": False, "gradient_clip_val": 1.0, "enable_progress_bar": False, "enable_model_summary": False} | settings
    return pl.Trainer(max_epochs=epochs, accelerator="cpu", default_root_dir=folder, callbacks=list(callbacks), **settings)


with tempfile.TemporaryDirectory() as folder:
    pl.seed_everything(7)
    best = ModelCheckpoint(dirpath=f"{folder}/best", monitor="val_acc", mode="max", save_last=True)
    model, data = fill(Net(dropout=0.0)), Data()
    run = trainer(folder, 4, best, LearningRateMonitor(), EarlyStopping("val_loss", patience=10),
                  logger=CSVLogger(folder, "log"), log_every_n_steps=1, enable_model_summary=True)
    run.fit(model, data)
    assert run.global_step == 32 and run.callback_metrics["val_acc"] > 0.9, run.callback_metrics
    rows = list(csv.DictReader(Path(run.logger.log_dir, "metrics.csv").open()))
    losses = [float(row["train_loss"]) for row in rows if row["train_loss"]]
    assert len(losses) == 4 and losses[-1] < losses[0] / 2, losses
    agree("losses of the epochs", losses)
    agree("accuracy at the end", run.callback_metrics["val_acc"])

    loaded = Net.load_from_checkpoint(best.best_model_path)
    assert loaded.hparams == model.hparams
    (results,) = run.validate(loaded, data, verbose=False)
    assert abs(results["val_acc"] - best.best_model_score.item()) < 1e-6
    (results,) = run.test(loaded, data, verbose=False)
    assert results["val_acc"] > 0.85, results
    answers = torch.cat(run.predict(loaded, data))
    right = (answers == torch.stack([y for _, y in data.test])).float().mean()
    assert abs(right.item() - results["val_acc"]) < 1e-6

    # two epochs, a checkpoint, then two more, against four in one run: no dropout, as the random state is not kept
    finals = []
    for stops in ([4], [2, 4]):
        pl.seed_everything(3)
        model = Net(dropout=0.0)
        for stop in stops:
            keep = ModelCheckpoint(dirpath=f"{folder}/resume", filename=f"{len(stops)}-{stop}")
            path = f"{folder}/resume/2-2.ckpt" if stop == 4 and len(stops) == 2 else None
            if path:
                model = Net(dropout=0.0)
            run = trainer(folder, stop, keep)
            run.fit(model, data, ckpt_path=path)
        finals.append(model.state_dict())
    assert all(torch.equal(finals[0][key], finals[1][key]) for key in finals[0])

    mixed = trainer(folder, 2, StochasticWeightAveraging(swa_lrs=0.01), precision="bf16-mixed", accumulate_grad_batches=2,
                    limit_val_batches=1, enable_checkpointing=False)
    mixed.fit(Net(), data)
    assert mixed.global_step == 8 and mixed.callback_metrics["val_acc"] > 0.6, mixed.callback_metrics

    class Manual(Net):
        automatic_optimization = False

        def training_step(self, batch, index):
            optimizer = self.optimizers()
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.manual_backward(loss)
            optimizer.step()

    manual = trainer(folder, 2, gradient_clip_val=None, enable_checkpointing=False, profiler="simple", fast_dev_run=False)
    manual.fit(Manual(), data)
    assert manual.callback_metrics["val_acc"] > 0.7
