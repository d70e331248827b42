"""Learning-rate schedules: `config` is Keras's whole configuration, `outputs` the rates at the steps of `inputs`."""
import keras
import numpy as np

from common import Family

STEPS = np.array([0, 1, 3, 9, 10, 11, 19, 20, 25, 40, 100], np.int64)
CASES = [
    ("ExponentialDecay", {"initial_learning_rate": 2.0, "decay_steps": 10, "decay_rate": 0.9}),
    ("InverseTimeDecay", {"initial_learning_rate": 2.0, "decay_steps": 10, "decay_rate": 0.5}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 20], "values": [2.0, 1.5, 1.0, 0.5]}),
    ("PolynomialDecay", {"initial_learning_rate": 2.0, "decay_steps": 20, "end_learning_rate": 0.5}),
    ("PolynomialDecay", {"initial_learning_rate": 2.0, "decay_steps": 20, "end_learning_rate": 0.5, "power": 2.0}),
    ("CosineDecay", {"initial_learning_rate": 2.0, "decay_steps": 20}),
    ("CosineDecay", {"initial_learning_rate": 2.0, "decay_steps": 20, "alpha": 0.25}),
    ("CosineDecay", {"initial_learning_rate": 0.5, "decay_steps": 20, "warmup_target": 2.0, "warmup_steps": 10}),
    ("CosineDecayRestarts", {"initial_learning_rate": 2.0, "first_decay_steps": 10}),
    ("CosineDecayRestarts", {"initial_learning_rate": 2.0, "first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1}),
]


def make():
    f = Family("schedule", "schedule_cases.py")
    for cls, arguments in CASES:
        schedule = getattr(keras.optimizers.schedules, cls)(**arguments)
        name = f.unique(f"schedules.{cls}", arguments, "")
        rates = np.array([float(schedule(int(step))) for step in STEPS], np.float32)
        f.finish(
            {
                "name": name,
                "target": f"schedules.{cls}",
                "config": schedule.get_config(),
                "inputs": [f.put(name, "steps", STEPS)],
                "outputs": [f.put(name, "rates", rates)],
            }
        )
    return f
