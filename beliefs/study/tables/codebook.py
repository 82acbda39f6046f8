"""The code book: the words that rows of events, talks, coverage and agreements may use.

What all studies share is here, so that two studies mean the same thing by the same word. Actors,
zones, formats of talks and further kinds of actions are declared by each in ``[codebook]``.

Of the two dates of a row, `date` and `published_at`, it counts by one, never before publication:

* By `published_at`, as news: values of indicators, actions of `events.csv` and all that is counted
  from them, agreements, regimes, shocks. A late row is news of the day on which it comes out.
* By `date`, as readings: the `belief_signal` of an event and the values of a series that a channel
  reads. A memorandum of 1966 that comes out in 1971 says what was believed in 1966, and is known
  from 1971 on; of a revised value the version published last counts.
* By `date` to `date_end`, as talks: rows of `talks.csv`. A secret round that comes out later was
  held when it was held, and is known from then on. A round `announced` on `date` is set for
  `date_end`, unless a row `cancelled` comes out in between.

An event with a `belief_signal` is both: its action counts by `published_at`, its signal by `date`.
"""

from typing import Final, Literal, get_args

PARTIES: Final = ("mediator", "other", "none")
"""Who acts or is acted upon in every study, beside its sides and the actors that it declares."""

KINETIC: Final = (
    "strike", "missile_drone_attack", "assassination", "seizure", "blockade", "closure",
    "mine_or_sabotage", "cyber",
)  # fmt: skip
"""Kinds that use force; each needs a severity of 1 (harassment) to 5 (strategic)."""

KINDS: Final = (
    *KINETIC, "sanction", "threat", "ultimatum", "deployment", "mobilisation", "victory_claim",
    "hardline_statement", "conciliatory_statement", "doubt_admission", "offer", "counter_offer",
    "acceptance", "rejection", "talks", "talks_announced", "talks_cancelled", "mediation",
    "truce_start", "truce_extension", "truce_breach_alleged", "deal_signed", "deal_terminated",
    "sanctions_relief", "prisoner_or_humanitarian", "protest", "leadership_change",
    "legislative_vote", "faction_split", "casualties_reported", "economic_damage", "asset_loss",
    "territorial_gain", "defeat", "withdrawal",
)  # fmt: skip
"""What an event row can be: exactly one of these, or of the kinds that the study declares."""

CHANNELS: Final = ("action", "private", "public")
"""How a signal was sent: by a deed, behind closed doors, or to an audience."""

Confidence = Literal["low", "medium", "high"]
CONFIDENCE: Final = get_args(Confidence)
"""How sure the coder is, in increasing order."""

Density = Literal["dense", "headline", "none"]
DENSITIES: Final = get_args(Density)
"""How completely events were recorded: every day, major ones only, or not at all."""

TALK_FORMATS: Final = ("direct", "indirect", "none")
"""How a round was held: face to face, through others, or not; a study may declare more."""

TALK_LABELS: Final = (
    "talks", "expert_talks", "back_channel", "contact", "deal", "offer", "cancelled", "announced",
    "ceasefire", "other",
)  # fmt: skip
RegimeKind = Literal["none", "talks", "truce", "war"]
REGIME_KINDS: Final = get_args(RegimeKind)
"""State of the confrontation, in the order in which `Inputs.regime` numbers it."""

ConflictPhase = Literal["open_war", "friction", "truce", "negative_peace", "positive_peace"]
CONFLICT_PHASES: Final = get_args(ConflictPhase)
"""The phases of a conflict, from war to peace."""

SCOPES: Final = ("truce", "interim", "treaty", "transaction")
"""What an agreement covers; the first two hold for a while only: truce spells."""

AGREEMENT_FORMS: Final = ("signed", "announced", "tacit")
ENDINGS: Final = (
    "lapse", "extended_unilateral", "extended_mutual", "deal", "collapse", "terminated",
    "reversed", "unknown",
)  # fmt: skip
"""How an agreement ended: it ran out, was followed by another, or was broken off. `unknown`: it is
not known whether it still holds after `ended`, the last day on which it is known to."""

DIPLOMATIC: Final = (
    "talks", "talks_announced", "talks_cancelled", "offer", "counter_offer", "acceptance",
    "rejection", "truce_start", "truce_extension", "deal_signed", "deal_terminated",
)  # fmt: skip
"""Kinds of which the agenda of talks is made."""
