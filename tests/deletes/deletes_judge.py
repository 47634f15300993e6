"""Holds one answer, and the tables after it, against what the oracle expects: a list of sentences, empty when all is well."""
import re

from lib.client import audit
from lib.report import short
from schema_maker import TRAIL


def judge(schema, request, expected, answer, before, after):
    wrong = audit(answer, request.method())
    wanted = set(expected.statuses)
    quiet = request.no_content or request.returns == "minimal"
    if quiet and 200 in wanted:
        wanted = wanted - {200} | {204}
    if answer.status not in wanted:
        wrong.append(f"status {answer.status}")
    if "orders untried" in expected.reasons and expected.worlds and any({**world, TRAIL: after[TRAIL]} == after for world in expected.worlds):
        # Which rows of the set a cascade takes before their turn, and so without their trigger, hangs on the order.
        expected.worlds = [{**world, TRAIL: after[TRAIL]} for world in expected.worlds]
    # All or nothing, whatever was said.
    if answer.status >= 300 or expected.worlds is None:
        wrong += [f"{table} was changed: {short(after[table])}, was {short(before[table])}" for table in before if after[table] != before[table]]
    elif after not in expected.worlds:
        nearest = min(expected.worlds, key=lambda world: sum(world[table] != after[table] for table in world), default=before)
        wrong += [f"{table} holds {short(after[table])}, wanted {short(nearest[table])}" for table in after if after[table] != nearest[table]]
    if answer.status == 200 and 200 in expected.statuses:
        if request.preview:
            wrong += judge_preview(schema, request, expected, answer)
        elif request.returns == "representation":
            wrong += judge_representation(request, expected, answer, after)
        else:
            if answer.body is None or answer.json().get("rows_affected") != expected.count:
                wrong.append(f"rows_affected is not {expected.count}")
    if answer.status == 204 and answer.body:
        wrong.append("a body with 204")
    if answer.status < 300 and expected.count is not None:
        wrong += judge_applied(request, answer)
    if answer.status == 409:
        wrong += judge_conflict(request, expected, str(answer.problem().get("detail")))
    return wrong


def judge_conflict(request, expected, said):
    """Names the constraint (SQLite does not tell it), the child table and how many rows are in the way."""
    is_named = request.kind == "ms"
    # A cascade that meets a unique key is a foreign key's refusal to MariaDB, which then names no key of ours.
    if ("unique key" in said or "foreign key;" in said) and "duplicate" in expected.reasons or "longer than the database follows" in said and {"depth", "long"} & expected.reasons:
        return []  # true as well, and the database came to it first
    if "cannot be counted" in said and "uncountable" in expected.reasons:
        return []
    if expected.in_way:
        told = re.match(r"\d+", said)
        if not any((name in said or not is_named) and child in said and told and int(told[0]) in rows
                   for name, (child, rows) in expected.in_way.items()):
            return [f"the problem says none of {expected.in_way}"]
    elif is_named and expected.constraints and not any(name in said for name in expected.constraints):
        return [f"the problem names none of {sorted(expected.constraints)}"]
    return []


def judge_applied(request, answer):
    applied = {part.strip() for part in (answer.header("Preference-Applied") or "").split(",") if part.strip()}
    wanted = set(request.preferences())
    return [] if applied == wanted else [f"Preference-Applied is {sorted(applied)}, wanted {sorted(wanted)}"]


def judge_representation(request, expected, answer, after):
    rows = answer.json()
    order = lambda some: sorted(some, key=lambda row: repr(sorted(row.items())))  # noqa: E731
    for world, wanted in zip(expected.worlds, expected.representation):
        if world == after:
            return [] if order(rows) == order(wanted) else [f"rows {short(rows)}, wanted {short(wanted)}"]
    return []


def as_key(said, primary):
    """A key as a preview writes it: a cell, a list of cells or an object."""
    if isinstance(said, dict):
        return tuple(said.get(name) for name in primary)
    return tuple(said) if isinstance(said, list) else (said,)


def judge_preview(schema, request, expected, answer):
    said, wrong = answer.json(), []
    reach, is_refused, may_pass = expected.preview
    primary = schema.tables[request.table].primary
    if said.get("would_affect") != expected.count:
        wrong.append(f"would_affect is not {expected.count}")
    sample = [as_key(one, primary) for one in said.get("sample", [])]
    if not set(sample) <= expected.keys or len(set(sample)) != len(sample) or primary and expected.count and not sample:
        wrong.append(f"the sample is {short(sample)}, of {short(expected.keys)}")
    refused = said.get("refused")
    if refused not in ({409} if is_refused and not may_pass else {None} if not is_refused else {None, 409}):
        wrong.append(f"refused is {refused}, rows in the way: {is_refused}")
    if (said.get("token") is None) != (not primary or refused is not None):
        wrong.append(f"the token is {said.get('token')!r}")
    if refused is None:
        wrong += judge_cascades(request, reach, said.get("cascades"))
    wanted = {table for table in {request.table} | {place[0] for place in reach.places()} if schema.tables[table].triggers}
    own = schema.tables[request.table].triggers
    event = "DELETE" if request.is_delete else "UPDATE"
    if bool(said.get("triggers")) != (event in own) and not wanted - {request.table}:
        wrong.append(f"triggers are {said.get('triggers')}, the table's are {own}")
    return wrong


def judge_cascades(request, reach, said):
    """Each row counts once. Where one is reached through two keys, either may have it: then each count has an upper bound, and the sum is exact."""
    if not isinstance(said, list):
        return ["no cascades"]
    got = {}
    for one in said:
        name = one["constraint"] if request.kind == "ms" else (one["table"], one["action"])
        got[name] = got.get(name, 0) + one["rows"]
    most = {}
    for key, action, places in reach.by_key.values():
        most.setdefault(key.name if request.kind == "ms" else (key.child, action), set()).update(places)
    wrong = [f"cascade {name} says {rows} rows, at most {len(most.get(name, ()))}" for name, rows in got.items() if rows > len(most.get(name, ()))]
    if sum(got.values()) != len(reach.places()):
        wrong.append(f"the cascades say {sum(got.values())} rows, wanted {len(reach.places())}")
    return wrong
