"""LoRA adapters on the base model in a folder, trained on letters: train_me.py FOLDER"""

import sys
import warnings

import torch
from language import as_inputs, base_model, row_loss
from peft import LoraConfig, TaskType

from unlearn_engine.peft import serve

ADAPTERS = LoraConfig(
    task_type=TaskType.CAUSAL_LM, r=16, lora_alpha=32, target_modules=["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"], fan_in_fan_out=True
)


def optimiser(parameters, rate):
    return torch.optim.AdamW(parameters, rate, betas=(0.9, 0.98), weight_decay=0.0)


if __name__ == "__main__":
    # Libraries tell each other of what they are going to rename; here nobody can do anything about it.
    warnings.filterwarnings("ignore", category=FutureWarning)
    base = base_model(sys.argv[1])
    # One thread: workers of the engine share the cores, and another number would give other bits.
    serve(base, ADAPTERS, optimiser, row_loss, dataset=as_inputs, batch_size=8, threads=1, name="LoRA on a small GPT-2")
