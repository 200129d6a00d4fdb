#!/bin/sh
# docs/*.schema.json: one dialect, each with a name of its own, and what one refers to is found, by
# ajv and by Python's jsonschema. The tests of the commands compare documents with them.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
docs=$top/docs

run sh -c 'cat "$1"/*.schema.json | grep -h "\"\$schema\"" | sort -u' - "$docs"
ok "the schemas have one dialect" first_line_is '  "$schema": "https://json-schema.org/draft/2020-12/schema",'
ok "and no other" test "$(wc -l <"$work/out")" = 1
for file in "$docs"/*.schema.json; do
  name=$(basename "$file")
  ok "$name has its name" grep -qxF "  \"\$id\": \"https://portreuse.example/schemas/$name\"," "$file"
done
ok "no word of an older dialect" sh -c '! grep -E "\"(definitions|id|dependencies|additionalItems)\": [{\"]" "$1"/*.schema.json' - "$docs"

"$portreuse" list --format json >"$work/list.json"
"$portreuse" run --format json address-in-use >"$work/report.json"
"$portreuse" run --format ndjson address-in-use >"$work/events.ndjson"
# A line of each kind, as documents; and one that is wrong, whose error lies behind a reference.
sed -n 1p "$work/events.ndjson" >"$work/begin.json"
grep '"step end"' "$work/events.ndjson" | sed -n 1p >"$work/step.json"
grep '"run end"' "$work/events.ndjson" >"$work/end.json"
sed 's/"verb": "[a-z]*"/"verb": 7/' "$work/step.json" >"$work/wrong.json"
sed 's/"slow": false/"slow": 0/' "$work/list.json" >"$work/wrong-list.json"

# checks NAME COMMAND...: the command takes the name of a schema and a document.
checks() {
  checker=$1
  shift
  ok "$checker: list" "$@" list "$work/list.json"
  ok "$checker: a wrong one is found" sh -c '! "$@" 2>/dev/null' - "$@" list "$work/wrong-list.json"
  ok "$checker: report" "$@" report "$work/report.json"
  for part in begin step end; do
    ok "$checker: an event, $part" "$@" events "$work/$part.json"
  done
  ok "$checker: it follows the reference" sh -c '! "$@" 2>/dev/null' - "$@" events "$work/wrong.json"
}

python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import jsonschema' 2>/dev/null && python=$candidate
done
if [ -n "$python" ]; then
  cat >"$work/check.py" <<'P'
import glob, json, sys, jsonschema
schemas = {}
for path in glob.glob(sys.argv[1] + "/*.schema.json"):
    schema = json.load(open(path))
    schemas[schema["$id"]] = schema
kind = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)
for schema in schemas.values():
    kind.check_schema(schema)
assert len(sys.argv) == 4
schema = schemas["https://portreuse.example/schemas/%s.schema.json" % sys.argv[2]]
resolver = jsonschema.RefResolver(schema["$id"], schema, store=schemas)
kind(schema, resolver=resolver).validate(json.load(open(sys.argv[3])))
P
  checks jsonschema "$python" -W ignore "$work/check.py" "$docs"
else
  skip "the schemas by jsonschema" "python3-jsonschema is not installed"
fi

# ajv comes with what .ci/run installs for the schemas of Kubernetes.
modules=$top/build-kubernetes
if command -v node >/dev/null && [ -f "$modules/node_modules/ajv/dist/2020.js" ]; then
  cat >"$modules/schemas-$$.mjs" <<'J'
import fs from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
const [docs, name, path] = process.argv.slice(2);
const read = (file) => JSON.parse(fs.readFileSync(file));
const ajv = new Ajv2020.default({ strict: true, allowUnionTypes: true });
for (const file of fs.readdirSync(docs).filter((file) => file.endsWith(".schema.json")))
  ajv.addSchema(read(`${docs}/${file}`));
for (const id of Object.keys(ajv.schemas)) ajv.getSchema(id); // compiles each: every reference is found
const validate = ajv.getSchema(`https://portreuse.example/schemas/${name}.schema.json`);
if (!validate(read(path))) {
  console.error(validate.errors);
  process.exit(1);
}
J
  checks ajv node "$modules/schemas-$$.mjs" "$docs"
  rm "$modules/schemas-$$.mjs"
else
  skip "the schemas by ajv" "node or build-kubernetes/node_modules/ajv is missing; .ci/run installs it"
fi

finish
