# Whether a document is SARIF 2.1.0, as far as we write it: the members that the schema requires, of its types,
# and none that it does not know (sarif-schema-2.1.0.json of OASIS; additionalProperties is false there).
# Prints true, or stops with what is wrong.

def must($what; condition): if condition then . else error($what + ": " + (tojson | .[0:200])) end;
def only($names): must("a member that is not in the schema"; (keys - $names) == []);
def text: must("a text"; type == "string" and . != "");
def index: must("an index"; type == "number" and . >= 0 and . == floor);
def message: only(["text", "markdown", "id", "arguments", "properties"]) | .text |= text;
def uri: text | must("a URI reference"; test("^([A-Za-z0-9/._~-]|%[0-9A-F]{2})+$|^file:///([A-Za-z0-9/._~-]|%[0-9A-F]{2})+$"));
def time: must("a time of UTC"; test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"));

def region: only(["startLine"]) | .startLine |= must("a line, from 1"; type == "number" and . >= 1 and . == floor);
def physical: only(["artifactLocation", "region"])
  | .artifactLocation |= (only(["uri"]) | .uri |= uri)
  | .region |= region;
def logical: only(["name", "fullyQualifiedName"]) | .name |= text | .fullyQualifiedName |= text;
def location: only(["physicalLocation", "logicalLocations"])
  | (if has("physicalLocation") then .physicalLocation |= physical else . end)
  | .logicalLocations |= map(logical);

def level: must("a level"; IN("none", "note", "warning", "error"));
def result: only(["ruleId", "ruleIndex", "level", "message", "locations", "properties"])
  | .ruleId |= text | .ruleIndex |= index | .level |= level | .message |= message
  | .locations |= map(location) | .properties |= must("properties"; type == "object");
def rule: only(["id", "shortDescription", "fullDescription", "help"])
  | .id |= text | .shortDescription |= message
  | (if has("fullDescription") then .fullDescription |= message else . end)
  | (if has("help") then .help |= message else . end);
def notification: only(["level", "message", "locations"]) | .level |= level | .message |= message
  | .locations |= map(location);
def invocation: only(["executionSuccessful", "startTimeUtc", "toolExecutionNotifications"])
  | .executionSuccessful |= must("true or false"; type == "boolean")
  | .startTimeUtc |= time
  | .toolExecutionNotifications |= map(notification);
def unique_rules: must("each rule once"; map(.id) | length == (unique | length));
def run: only(["tool", "invocations", "results"])
  | .tool |= (only(["driver"]) | .driver |= (only(["name", "version", "rules"])
    | .name |= text | .version |= text | .rules |= (unique_rules | map(rule))))
  | .invocations |= map(invocation)
  | .results |= map(result);

only(["$schema", "version", "runs"])
  | ."$schema" |= must("the schema"; test("^https://.*/sarif-2\\.1\\.0\\.json$"))
  | .version |= must("the version"; . == "2.1.0")
  | .runs |= (must("one run"; length == 1) | map(run))
  | true
