"""The model card: what runs showed of theories and studies, for `scripts/model_card.py`."""
