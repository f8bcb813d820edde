/** Every tsconfig of the workspace -> TypeScript 7, two projects at a time -> exit 1 if any has an error. */
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const compiler = fileURLToPath(new URL('../../node_modules/typescript-native/bin/tsc', import.meta.url));
const PROJECTS_AT_ONCE = 2;
/** "No inputs were found": a project whose folder is still empty is not an error. */
const NO_INPUTS = 'TS18003';

interface ProjectResult {
  project: string;
  isClean: boolean;
  output: string;
}

function findProjects(): string[] {
  const found = globSync('{*,*/*,*/src/*}/tsconfig*.json', { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' });
  return found.toSorted();
}

function checkProject(project: string): Promise<ProjectResult> {
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, '--project', project, '--pretty', 'false'], { cwd: root }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim();
      resolve({ project, output, isClean: error === null || output.includes(NO_INPUTS) });
    });
  });
}

const waiting = findProjects();
const results: ProjectResult[] = [];

async function work(): Promise<void> {
  for (let project = waiting.shift(); project !== undefined; project = waiting.shift()) results.push(await checkProject(project));
}

await Promise.all(Array.from({ length: PROJECTS_AT_ONCE }, work));
const broken = results.filter((result) => !result.isClean);
for (const { project, output } of broken) console.error(`${relative('.', project)}:\n${output}\n`);
console.log(`typecheck: ${results.length - broken.length} projects clean, ${broken.length} with errors`);
process.exitCode = broken.length === 0 ? 0 : 1;
