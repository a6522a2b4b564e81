// Validate a CTRF document with its reference implementation; print its summary, counted anew.
import { readFileSync } from "node:fs";
import { calculateSummary, validateStrict } from "ctrf";

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
validateStrict(report);
console.log(JSON.stringify(calculateSummary(report.results.tests)));
