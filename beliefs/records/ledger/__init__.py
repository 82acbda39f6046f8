"""The ledger (C8): forecasts registered before their outcome, and their scores.

`register` adds a forecast, `verify` recomputes the chain, `resolve` looks outcomes up later and
`score` scores them. The file is only ever added to.
"""
