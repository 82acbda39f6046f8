"""What the names of the package are, for type checkers: they load on first use."""

from beliefs.cli.options import progress_bar as progress_bar
from beliefs.errors import BeliefsError as BeliefsError
from beliefs.errors import ConflictError as ConflictError
from beliefs.errors import ConvergenceError as ConvergenceError
from beliefs.errors import StudyError as StudyError
from beliefs.evaluation.backtest.backtest import Backtest as Backtest
from beliefs.evaluation.backtest.backtest import backtest as backtest
from beliefs.evaluation.claims.verdicts import verdicts as verdicts
from beliefs.evaluation.compare import compare as compare
from beliefs.evaluation.sensitivity import sensitivity as sensitivity
from beliefs.features.inputs import build_inputs as build_inputs
from beliefs.forecasting.forecast import Forecast as Forecast
from beliefs.forecasting.forecast import forecast as forecast
from beliefs.forecasting.probability import Probability as Probability
from beliefs.forecasting.probability import probability as probability
from beliefs.forecasting.summary import summarise as summarise
from beliefs.inference.nuts.fit import fit as fit
from beliefs.inference.nuts.sampling import Sampling as Sampling
from beliefs.inference.posterior import Posterior as Posterior
from beliefs.inference.posterior import prior as prior
from beliefs.inference.smc.track import Track as Track
from beliefs.inference.smc.track import advance as advance
from beliefs.inference.smc.track import track as track
from beliefs.model.theory import Theory as Theory
from beliefs.model.theory import informed as informed
from beliefs.model.theory import load_theory as load_theory
from beliefs.records.evaluations import calibrate as calibrate
from beliefs.records.run import load_run as load_run
from beliefs.records.run import load_track as load_track
from beliefs.records.run import save_run as save_run
from beliefs.records.run import update as update
from beliefs.reporting.report import write_report as write_report
from beliefs.simulation.interventions import Intervention as Intervention
from beliefs.simulation.interventions import load_interventions as load_interventions
from beliefs.study.bundled import new_study as new_study
from beliefs.study.load import Study as Study
from beliefs.study.load import load_study as load_study
from beliefs.study.panels import Panel as Panel
from beliefs.study.panels import load_panel as load_panel

__version__: str
