# SPDX-License-Identifier: MIT
# Compare each line of a file with a JSON Schema: both are named. Print what is wrong with each line
# that does not conform, then that line.
import json
import sys

from jsonschema import Draft202012Validator


def members(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a member appears twice")
    return dict(pairs)


def no_number(text):
    raise ValueError(f"{text} is not JSON")


# Return the errors of the alternative that the record's type selects, instead of those of all.
def of_its_type(error):
    alternatives = {}
    for part in error.context:
        alternatives.setdefault(part.schema_path[0], []).append(part)
    own = [parts for parts in alternatives.values() if all("type" not in part.path for part in parts)]
    return own[0] if len(own) == 1 else [error]


def wrong(line, validator):
    try:
        record = json.loads(line.decode("ascii"), object_pairs_hook=members, parse_constant=no_number)
    except ValueError as error:
        yield str(error)
        return
    for error in validator.iter_errors(record):
        for part in of_its_type(error):
            yield f"{part.json_path}: {part.message}"


with open(sys.argv[1], encoding="ascii") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
with open(sys.argv[2], "rb") as file:
    for line in file:
        reasons = "; ".join(wrong(line.rstrip(b"\n"), validator))
        if reasons:
            print(f"{reasons}\n  {line.decode('ascii', 'backslashreplace').rstrip()}")
