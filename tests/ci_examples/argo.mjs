// Validate AnalysisTemplates, an array of JSON on stdin, with the schema of Argo Rollouts.
import { readFileSync } from "node:fs";
import { AnalysisTemplate } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/AnalysisTemplate";

for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  new AnalysisTemplate(document).validate();
  console.log(document.metadata.name);
}
