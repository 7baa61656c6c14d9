"""GeoJSON (RFC 7946): each feature is a row of a table: its properties, the kind and the place of its geometry."""

from collections.abc import Iterable, Iterator, Mapping

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.records.data_sample import shown_value

MAX_PROPERTIES = 200
_MAX_DEPTH = 8
_COLLECTIONS = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
_STRUCTURE = {"type", "features", "geometries", "geometry", "properties", "coordinates", "bbox", "crs", "id"}


def read(raw: bytes, name: str) -> Parsed:
    """Read a file, or one with a feature on each line."""
    text = decode(raw).text.lstrip("\x1e")
    try:
        values = [orjson.loads(text)]
    except orjson.JSONDecodeError as error:
        values = list(_lines(text))
        if not values:
            raise Unreadable(RefusalCode.PARSE, f"not valid JSON: {error}") from error
    extraction = Extraction()
    title = ""
    for value in values:
        if isinstance(value, dict):
            title = title or str(value.get("name") or "")
            for key, said in value.items():
                if key not in _STRUCTURE and not isinstance(said, list | dict):
                    extraction.block(f"{key}: {shown_value(said)}", apart=False)
    features = [feature for value in values for feature in _features(value)]
    columns = list(dict.fromkeys(key for feature in features for key in _properties(feature)))[:MAX_PROPERTIES]
    extraction.row([*columns, "geometry"], first=True, header=True)
    for feature in features:
        properties = _properties(feature)
        extraction.row([*(shown_value(properties.get(column)) for column in columns), _place(feature)])
    return extraction.parsed(name, title or name)


def _lines(text: str) -> Iterator[object]:
    """The values of a file with one a line; nothing if a line has none."""
    try:
        yield from [orjson.loads(line.strip("\x1e")) for line in split_lines(text) if line.strip("\x1e \t")]
    except orjson.JSONDecodeError:
        return


def _features(value: object) -> Iterator[Mapping[str, object]]:
    """The features of a collection; a feature or geometry is itself one."""
    if not isinstance(value, dict):
        return
    inside = value.get(_COLLECTIONS.get(str(value.get("type")), ""))
    if isinstance(inside, list):
        yield from (each for each in inside if isinstance(each, dict))
    else:
        yield value


def _properties(feature: Mapping[str, object]) -> dict[str, object]:
    properties = feature.get("properties")
    known = {str(key): value for key, value in properties.items()} if isinstance(properties, dict) else {}
    return {"id": feature["id"], **known} if "id" in feature else known


def _place(feature: Mapping[str, object]) -> str:
    """The kind of the geometry, and its point or the rectangle around it: longitude, latitude."""
    geometry = feature.get("geometry", feature)
    if not isinstance(geometry, dict):
        return ""
    points = list(_points(geometry.get("coordinates", geometry.get("geometries")), _MAX_DEPTH))
    kind = str(geometry.get("type", ""))
    if not points:
        return kind
    west, south = (min(point[axis] for point in points) for axis in (0, 1))
    east, north = (max(point[axis] for point in points) for axis in (0, 1))
    is_point = (west, south) == (east, north)
    return f"{kind} {west}, {south}" if is_point else f"{kind} {west}, {south} to {east}, {north}"


def _points(coordinates: object, depth: int) -> Iterable[tuple[float, float]]:
    if isinstance(coordinates, dict):
        yield from _points(coordinates.get("coordinates"), depth - 1)
    elif isinstance(coordinates, list) and depth:
        match coordinates:
            case [int() | float() as x, int() | float() as y, *_]:
                yield float(x), float(y)
            case _:
                for inner in coordinates:
                    yield from _points(inner, depth - 1)
