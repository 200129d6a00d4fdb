// Reads Kubernetes objects as a JSON array from standard input, and validates each against the schema
// of its kind.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
let count = 0;
for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const { [object.kind]: Kind } = require(`kubernetes-models/${object.apiVersion}/${object.kind}`);
  new Kind(object).validate();
  count++;
}
console.log(`${count} objects are valid`);
