/** The working tree -> every static check -> exit 1 if any fails. `npm run check` is this file. */
import { runSteps, staticSteps, tidyStep } from './steps.ts';

const results = await runSteps([...staticSteps, tidyStep]);
const failed = results.filter((result) => !result.isPassed);
console.log(
  `\n${results.length - failed.length} checks passed, ${failed.length} failed${failed.map((result) => `\n  ✘ ${result.name}`).join('')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
