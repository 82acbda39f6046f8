"""The ledger (C8): forecasts registered before their outcome, and their scores; only added to."""
