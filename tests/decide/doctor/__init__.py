"""The judgements of the doctor, over values."""
