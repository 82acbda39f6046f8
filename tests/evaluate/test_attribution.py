"""The causes of a belief's moves leave nothing out."""

import numpy as np

from beliefs.evaluation.attribution import causes
from beliefs.model.mechanisms import belief


def test_the_causes_add_up_to_the_path_draw_by_draw(unsampled):
    from beliefs.evaluation.attribution import _flat

    params, path = _flat(unsampled)
    total = np.repeat(belief.start_of(params)[..., None], path.shape[-1], axis=-1)
    for cause in causes(unsampled):
        total[:, cause.side] += np.cumsum(np.broadcast_to(cause.push, path[:, 0].shape), axis=-1)
    np.testing.assert_allclose(total, path, rtol=0.0, atol=1e-4)  # paths are single precision


def test_news_shocks_and_memory_all_take_part(unsampled):
    moved = {c.kind for c in causes(unsampled) if np.abs(c.push).max() > 0}
    assert {"news", "shock", "quiet", "persistence", "forgetting", "unexplained"} <= moved
