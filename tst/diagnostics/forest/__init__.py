"""TsT-RF: forests and conditional logits over the text of a benchmark."""
