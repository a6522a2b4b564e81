// Write annotations as GitHub's own toolkit does: [{level, message, title, file, line}] from stdin.
import { readFileSync } from "node:fs";
import * as core from "@actions/core";

for (const { level, message, title, file, line } of JSON.parse(readFileSync(0, "utf8"))) {
  core[level](message, { title, file, startLine: line });
}
