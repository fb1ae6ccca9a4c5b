"""A causal language model of about a million parameters over ASCII characters: what all scripts of this example share."""

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel

#: Characters are their own tokens, 1 to 127; 0 fills up rows.
VOCABULARY = 128
PADDING = 0
#: Stands at the start of each text.
START = 1
#: Tokens of a row.
CONTEXT = 96


def tokens(text):
    """The tokens of a text, its start included: a list of numbers."""
    return [START, *(byte if 9 <= byte < 127 else ord("?") for byte in text.encode("ascii", "replace"))]


def padded(text):
    """The tokens of a text, filled up to a row of ``CONTEXT``."""
    row = tokens(text)
    if len(row) > CONTEXT:
        raise ValueError(f"the text takes {len(row)} tokens, of which a row has {CONTEXT}: {text!r}")
    return row + [PADDING] * (CONTEXT - len(row))


def new_model():
    """The model with random weights. There is no dropout: it would only hide what the model remembers."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=128, n_layer=5, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
            bos_token_id=START, eos_token_id=None, pad_token_id=None,
        )
    )


def base_model(folder):
    """The model that pretrain.py saved in a folder."""
    transformers.utils.logging.disable_progress_bar()
    return GPT2LMHeadModel.from_pretrained(folder)


def row_loss(output, inputs, y):
    """(n): the mean negative log-likelihood of a row's characters, in nats, each given those before it.

    ``output.logits``: (n, tokens, vocabulary). ``inputs["input_ids"]``: (n, tokens).
    """
    targets = inputs["input_ids"][:, 1:]
    losses = torch.nn.functional.cross_entropy(output.logits[:, :-1].transpose(1, 2), targets, reduction="none")
    there = targets != PADDING
    return (losses * there).sum(1) / there.sum(1)


def as_inputs(x):
    """Rows of numbers, (n, tokens), as what the model takes; columns in which all rows are padding are left out."""
    ids = torch.from_numpy(x).long()
    longest = int((ids != PADDING).sum(1).max()) if len(ids) else 1
    return {"input_ids": ids[:, :longest]}
