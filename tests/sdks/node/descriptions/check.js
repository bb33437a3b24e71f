// Reads answers of the simulator as JSON lines and tells for each what is wrong with it by the description that its
// provider publishes at the locked version: a list of sentences, or null where nothing describes it. Besides, which of
// the declared answers (answers.ts) did not come.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import ts from "typescript";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const GITHUB = "@octokit/openapi/generated/api.github.com.json";

const pattern = (template) => new RegExp(`^${template.replace(/[.$]/g, "\\$&").replace(/\{\w+\}/g, "[^/]+")}$`);

// OpenAPI 3.0 says `nullable` where JSON Schema has a type `null`.
function asJsonSchema(_, value) {
  if (value?.nullable !== true) return value;
  const { nullable, ...schema } = value;
  return { anyOf: [schema, { type: "null" }] };
}

// GitHub: its OpenAPI description.
function githubChecker() {
  const description = JSON.parse(fs.readFileSync(createRequire(import.meta.url).resolve(GITHUB)), asJsonSchema);
  // Of this list an account is said to be a user and an enterprise at once; the schema of one installation is right.
  const list = description.paths["/app/installations"].get.responses[200].content["application/json"].schema;
  list.items = { $ref: "#/components/schemas/installation" };
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
  ajv.addSchema(description, "github");
  const routes = Object.entries(description.paths).map(([template, ways]) => [pattern(template), template, ways]);
  return ({ method, path, status, body }) => {
    for (const [fits, template, ways] of routes) {
      const way = ways[method.toLowerCase()];
      if (!way || !fits.test(path)) continue;
      const described = way.responses[status];
      if (!described) return [`${status} is no answer of ${method} ${template}`];
      const place = ["paths", template, method.toLowerCase(), "responses", status];
      const pointer = described.$ref ?? `#/${place.map((part) => String(part).replace(/~/g, "~0").replace(/\//g, "~1")).join("/")}`;
      const { content } = described.$ref ? ajv.getSchema(`github${pointer}`).schema : described;
      if (!content) return body === null ? [] : ["there is a body"];
      const validate = ajv.compile({ $ref: `github${pointer}/content/application~1json/schema` });
      return validate(body) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
    }
    return null;
  };
}

// The others: the types of their packages, by the TypeScript compiler (answers.ts).
function typesOf(program, file) {
  const declared = program.getSourceFile(file).statements.find((one) => one.name?.text === "Answers");
  return declared.members.map((member) => member.name.text);
}

function compile(file, text) {
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    ...{ strict: true, skipLibCheck: true, noEmit: true, types: [] },
  };
  const host = ts.createCompilerHost(options);
  const [read, exists] = [host.getSourceFile, host.fileExists];
  host.fileExists = (name) => name === file || exists(name);
  host.getSourceFile = (name, ...more) => (name === file ? ts.createSourceFile(name, text, ...more) : read(name, ...more));
  return ts.createProgram([file], options, host);
}

function checkTypes(answers) {
  const declared = path.join(HERE, "answers.ts");
  const names = typesOf(compile(declared, fs.readFileSync(declared, "utf8")), declared);
  const described = answers.map(({ provider, method, path, status }) =>
    names.find((name) => {
      const [whose, how, template, ends] = name.split(" ");
      return whose === provider && how === method && ends === String(status) && pattern(template).test(path);
    }),
  );
  const lines = ['import type { Answers } from "./answers";'];
  answers.forEach(({ body }, index) =>
    lines.push(described[index] ? `const a${index}: Answers["${described[index]}"] = ${JSON.stringify(body)};` : ""),
  );
  const file = path.join(HERE, "recorded.ts");
  const program = compile(file, lines.join("\n"));
  const found = answers.map((_, index) => (described[index] ? [] : null));
  for (const one of ts.getPreEmitDiagnostics(program)) {
    const told = ts.flattenDiagnosticMessageText(one.messageText, " ").slice(0, 600);
    if (one.file?.fileName !== file) throw new Error(`${one.file?.fileName}: ${told}`);
    const line = one.file.getLineAndCharacterOfPosition(one.start).line;
    found[line - 1].push(`${one.file.text.slice(one.start, one.start + 40)}: ${told}`);
  }
  return [found, names.filter((name) => !described.includes(name))];
}

const answers = fs.readFileSync(0, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const checkGitHub = githubChecker();
const [byTypes, missing] = checkTypes(answers);
const found = answers.map((answer, index) =>
  answer.host === "api.github.com" ? checkGitHub(answer) : byTypes[index],
);
process.stdout.write(JSON.stringify({ found, missing }));
