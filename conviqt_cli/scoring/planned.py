"""What a run will name as the maker of its scores, known without loading the networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conviqt_cli.errors import RegressorError
from conviqt_cli.files import sha256
from conviqt_cli.model.bundle import Bundle, open_bundle
from conviqt_cli.plans.picture_plan import (
    PICTURE_PLANS,
    SOURCE,
    WHOLE,
    Display,
    PicturePlan,
    parse_display,
    parse_picture,
)
from conviqt_cli.quality.regressor import Regressor, load_regressor
from conviqt_cli.scoring.results import ModelInfo
from conviqt_cli.scoring.settings import ScoringSettings


def planned(settings: ScoringSettings) -> tuple[ModelInfo, ScoringSettings]:
    """What a scorer with these settings will name in its results; ``auto`` stays where the networks decide.

    Raises :class:`BundleError` or :class:`RegressorError` for files that are missing or not what they should be, as far
    as can be told without reading the networks.
    """
    bundle = open_bundle(settings.weights)
    regressor, name = None, "bundled"
    if settings.regressor is not None:
        path = Path(settings.regressor)
        regressor, name = load_regressor(path), regressor_name(path)
    picture = settings.picture or picture_for(regressor, bundle)
    display = settings.display or display_for(regressor)
    model = ModelInfo(bundle.id, bundle.checksum, bundle.encoder_id, name, bundle.provisional)
    return model, replace(settings, picture=picture, display=display)


def picture_for(regressor: Regressor | None, bundle: Bundle) -> PicturePlan:
    """The picture plan that a regressor was fitted on; without one, the bundle's first."""
    if regressor is not None:
        return next((plan for plan in PICTURE_PLANS.values() if plan.id == regressor.picture), WHOLE)
    return parse_picture(next(iter(bundle.picture_plans)))


def display_for(regressor: Regressor | None) -> Display:
    """The display size that a regressor was fitted at, as its card says; the pictures' own where it does not."""
    fitted_at = {} if regressor is None else regressor.card.get("vector_settings", {})
    return parse_display(str(fitted_at.get("display", SOURCE)))


def regressor_name(path: Path) -> str:
    """How results name a regressor that is not the bundle's: two of one name are told apart by their content."""
    try:
        return f"{path.name} {sha256(path)[:12]}"
    except OSError as error:
        raise RegressorError(f"{path}: cannot be read ({error.strerror})") from None
