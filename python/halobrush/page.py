"""The page of a judgement, in one file: verdict, what does not hold, figures, tables. halobrush validate and halobrush evaluate share it."""
import base64
import dataclasses
import math
import pathlib

import jinja2
from markupsafe import Markup


@dataclasses.dataclass
class Table:
    """Cells are texts, escaped unless they are Markup. fold: the words under which the table is hidden until it is asked for."""
    head: list
    rows: list
    fold: str = ""


@dataclasses.dataclass
class Section:
    title: str
    parts: list  # texts (paragraphs) and Tables


def number(value):
    """Four digits; a dash for what is not known (null in JSON)."""
    return "–" if value is None or (isinstance(value, float) and math.isnan(value)) else f"{value:.4g}"


def with_error(value, error):
    return number(value) if error is None else f"{value:.4f} ± {error:.4f}"


def bold_if(condition, text):
    return Markup("<b>{}</b>").format(text) if condition else text


def limit_text(requirement):
    limit = requirement["limit"]
    if isinstance(limit, str):  # in words already
        return limit
    if isinstance(limit, list):
        return f"in [{number(limit[0])}, {number(limit[1])}]"
    return f"{'≤' if requirement['sense'] == '<=' else '≥'} {number(limit)}"


def verdict_of(requirements):
    failing = [r for r in requirements if not r["pass"]]
    if not requirements:
        return {"class": "", "text": "No requirements: nothing is judged"}
    if failing:
        return {"class": "fail", "text": f"FAIL: {len(failing)} of {len(requirements)} requirements do not hold"}
    return {"class": "pass", "text": f"PASS: all {len(requirements)} requirements hold"}


def figure(caption, png):
    return {"caption": caption, "png": base64.b64encode(png).decode()}


def write(path, requirements, **content):
    """path: a pathlib.Path. content: title, heading, facts, remarks, figures (of figure()), no_figures, sections, words, config, version, numbers."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.ChainableUndefined)
    environment.filters.update(number=number, limit=limit_text)
    template = environment.from_string((pathlib.Path(__file__).parent / "page.html").read_text())
    text = template.render(verdict=verdict_of(requirements), failing=[r for r in requirements if not r["pass"]], holding=[r for r in requirements if r["pass"]], **content)
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(text)
    unfinished.replace(path)
