import { isStarlingError, messageOf } from '@starling/shared';
import type { Command } from 'commander';
import { runPipelineLocally } from '../local/index.ts';

/** Whoever has started this program and listens gets what went wrong as data, and says it in its own way. */
async function handOver(error: unknown): Promise<boolean> {
  if (process.send === undefined) throw error;
  const { code, message, field, hint } = isStarlingError(error)
    ? error
    : { code: 'internal-error', message: messageOf(error), field: undefined, hint: undefined };
  const problem = { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
  await new Promise<void>((resolve) => process.send?.({ type: 'failed', error: problem }, () => resolve()));
  return false;
}

const repeated = (value: string, before: string[] = []): string[] => [...before, value];

/** `pipeline run`: the same here and in the command of the fleet, which starts this one. */
export function definePipelineRun(program: Command): void {
  program
    .command('pipeline')
    .description('try pipelines on this machine, with no fleet')
    .command('run')
    .description('run a pipeline over files, or over its own sources until they end or Ctrl-C')
    .argument('<file>', 'pipeline document, YAML or JSON')
    .option('--input <path>', 'file or folder for the first input, or in the place of the first source')
    .option('--source <node=path>', 'file or folder in the place of the source of that name; may be repeated', repeated, [])
    .option('--set <name=value>', 'value of a parameter; may be repeated', repeated, [])
    .option('--model <name=path>', 'ONNX file of a model, or name/asset=path of an asset; may be repeated', repeated, [])
    .option('--models <directory>', 'folder of models: NAME.onnx, or a folder NAME with its assets (default: models beside the document)')
    .option('--credentials <file>', 'what sources and sinks log in with (default: credentials.yaml)')
    .option('--output <directory>', 'folder for what comes out: JSON, and pictures')
    .option('--send', 'let sinks send what they get, as on a device', false)
    .option('--interval-ms <ms>', 'inputs count as taken so far apart, the first at 0: a trial gives the same whenever it runs', Number, 40)
    .option('--threads <count>', 'threads of one model run; 0 lets the engine decide', Number, 0)
    .option('--json', 'a line of JSON for each item', false)
    .action(async (file: string, options) => {
      const interruption = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
      const isWhole = await runPipelineLocally(file, options, {
        write: (line) => void process.stdout.write(`${line}\n`),
        tell: (line) => void process.stderr.write(`${line}\n`),
        signal: interruption.signal,
      }).catch(handOver);
      // Workers of the engine would keep the process.
      process.exit(isWhole ? 0 : 1);
    });
}
