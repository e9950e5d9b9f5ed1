// Writes the types of docs/openapi.yaml and docs/asyncapi.yaml, with which tests/specification/contract.ts compares those of this client.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { load } from "js-yaml";
import { compile } from "json-schema-to-typescript";

const ROOT = resolve(import.meta.dirname, "../../..");
const folder = resolve(import.meta.dirname, "../tests/specification/generated");

mkdirSync(folder, { recursive: true });
for (const name of ["openapi", "asyncapi"]) {
  const { components } = load(readFileSync(join(ROOT, `docs/${name}.yaml`), "utf8"));
  // The users are named in exports alone, whose lines have the same schema.
  delete components.schemas.ReactionCount.properties.user_ids;
  const schemas = Object.fromEntries(Object.entries(components.schemas).map(([name, one]) => [name, prepared(one)]));
  // One property for each schema, so that each has a type.
  const properties = Object.fromEntries(Object.keys(schemas).map((name) => [name, { $ref: `#/definitions/${name}` }]));
  const root = { type: "object", properties, required: Object.keys(schemas), definitions: schemas };
  const types = await compile(root, "Schemas", {
    additionalProperties: false,
    bannerComment: "",
    format: false,
    ignoreMinAndMaxItems: true,
    cwd: ROOT,
  });
  writeFileSync(join(folder, `${name}.ts`), types);
}

/** The schema in the form of JSON Schema's older drafts. */
function prepared(schema) {
  if (Array.isArray(schema)) return schema.map(prepared);
  if (typeof schema !== "object" || schema === null) return schema;
  const { description: _description, ...rest } = schema;
  // Beside a reference there is nothing but words.
  if (typeof rest.$ref === "string") return { $ref: rest.$ref.replace("#/components/schemas/", "#/definitions/") };
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, prepared(value)]));
}
