// Read a JUnit report with junit2json; print the counts of all its suites.
import { readFileSync } from "node:fs";
import { parse } from "junit2json";

const { testsuite } = await parse(readFileSync(process.argv[2], "utf8"));
const sum = (name) => testsuite.reduce((total, suite) => total + suite[name], 0);
const cases = testsuite.flatMap((suite) => suite.testcase);
console.log(JSON.stringify({
  tests: cases.length,
  failures: sum("failures"),
  errors: sum("errors"),
  skipped: sum("skipped"),
}));
