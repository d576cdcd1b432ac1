"""CV-Bench: what its columns alone do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def read_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Type ``count_2d``; group ``image``, and ``scene``: Hypersim renders many frames of a scene.

    A Hypersim file is ``hypersim/<scene>/images/...``; elsewhere the image is the scene.
    """
    image = f"{record['source']}/{record['source_filename']}"
    folders = str(record["source_filename"]).strip("/").split("/")
    is_hypersim = folders[0] == "hypersim" and len(folders) > 2
    return {
        "question_type": f"{record['task']}_{record['type']}".lower(),
        "group_image": image,
        "group_scene": f"hypersim/{folders[1]}" if is_hypersim else image,
    }
