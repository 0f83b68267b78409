"""pytorch-ignite: trainer and evaluator, metrics, events, checkpoints, early stopping, a schedule, a run resumed."""
import tempfile

import torch
from agree import agree, fill, numbers
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import Checkpoint, DiskSaver, EarlyStopping, LRScheduler, global_step_from_engine
from ignite.metrics import Accuracy, ConfusionMatrix, Loss, Precision, Recall, RunningAverage

x = numbers(96, 5)
y = (x[:, 0] + x[:, 1] > 0).long()
batches = list(zip(x.split(16), y.split(16)))
model, criterion = fill(torch.nn.Sequential(torch.nn.Linear(5, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2))), torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
trainer = create_supervised_trainer(model, optimizer, criterion)
evaluator = create_supervised_evaluator(
    model, metrics={"accuracy": Accuracy(), "loss": Loss(criterion), "precision": Precision(), "recall": Recall(), "matrix": ConfusionMatrix(2)})
RunningAverage(output_transform=lambda loss: loss).attach(trainer, "running")
trainer.add_event_handler(Events.EPOCH_COMPLETED, LRScheduler(torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)))
trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: evaluator.run(batches))
stopper = EarlyStopping(patience=3, score_function=lambda engine: engine.state.metrics["accuracy"], trainer=trainer)
evaluator.add_event_handler(Events.COMPLETED, stopper)
with tempfile.TemporaryDirectory() as folder:
    keeper = Checkpoint({"model": model, "optimizer": optimizer}, DiskSaver(folder), n_saved=2, score_function=lambda e: -e.state.metrics["loss"],
                        global_step_transform=global_step_from_engine(trainer))
    evaluator.add_event_handler(Events.COMPLETED, keeper)
    trainer.run(batches, max_epochs=8)
    best = model             # the loss falls from epoch to epoch: the last one is the best
    metrics = evaluator.state.metrics
    agree("after training", [metrics["loss"], trainer.state.metrics["running"], metrics["accuracy"]], rtol=1e-3)
    agree("confusion", metrics["matrix"])
    assert metrics["accuracy"] > 0.9 and 1 <= len(keeper._saved) <= 2
    again = torch.nn.Sequential(torch.nn.Linear(5, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2))
    Checkpoint.load_objects({"model": again}, torch.load(keeper.last_checkpoint))
    assert all(torch.equal(p, q) for p, q in zip(again.parameters(), best.parameters()))
