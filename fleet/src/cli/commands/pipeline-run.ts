import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { problemSchema, StarlingError } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { isModelVersion, pullModel } from '../fleet-models.ts';
import { joinPipeline } from '../joined-pipeline.ts';
import { type ContextOf, collect, examples, numberOption, readOptions, wordsSchema } from '../options.ts';
import { clientOf } from './pipeline-check.ts';

/** What runs pipelines is a program of the agent: started by its place, never imported. */
const program = fileURLToPath(new URL('../../../../agent/src/node/main.ts', import.meta.url));

const runOptions = z.object({
  input: z.string().optional(),
  source: wordsSchema,
  set: wordsSchema,
  model: wordsSchema,
  models: z.string().optional(),
  credentials: z.string().optional(),
  output: z.string().optional(),
  send: z.boolean().optional(),
  intervalMs: numberOption().pipe(z.number().min(0).max(3_600_000)).optional(),
  threads: numberOption().pipe(z.number().int().min(0).max(256)).optional(),
});

const failedSchema = z.object({ type: z.literal('failed'), error: problemSchema });

export function definePipelineRun(pipeline: Command, contextOf: ContextOf): void {
  pipeline
    .command('run')
    .argument('<file>', 'pipeline document, YAML or JSON')
    .summary('run a pipeline on this machine, with no fleet')
    .option('--input <path>', 'file or folder for the first input, or in the place of the first source')
    .option('--source <node=path>', 'file or folder in the place of the source of that name; may be repeated', collect)
    .option('--set <name=value>', 'value of a parameter; may be repeated', collect)
    .option(
      '--model <name=path>',
      'ONNX file of a model, name/asset=path of an asset, or name=NAME@VERSION of the fleet, kept once pulled; may be repeated',
      collect,
    )
    .option('--models <directory>', 'folder of models: NAME.onnx, or a folder NAME with its assets (default: models beside the document)')
    .option('--credentials <file>', 'what sources and sinks log in with (default: credentials.yaml)')
    .option('--output <directory>', 'folder for what comes out: JSON, and pictures')
    .option('--send', 'let sinks send what they get, as on a device')
    .option('--interval-ms <ms>', 'inputs count as taken so far apart, the first at 0 (default: 40)')
    .option('--threads <count>', 'threads of one model run; 0 lets the engine decide')
    .addHelpText(
      'after',
      examples(
        ['starling pipeline run read-signs.yaml --input photos/', 'each picture, then how long each node took'],
        ['starling pipeline run read-signs.yaml --input photos/ --model detect=text-detection@4.0.0', 'a model of the fleet'],
        ['starling pipeline run gate.yaml --set camera_url=rtsp://10.0.0.7/1', 'its own sources, until Ctrl-C'],
      ),
    )
    .action(async (file: string, _options, command: Command) => {
      const { source, set, model, send, intervalMs, models, ...rest } = readOptions(command, runOptions);
      const context = contextOf(command);
      const joined = await joinPipeline(file, () => clientOf(context), set);
      // Beside a copy there are no models.
      const beside = joined.isCopy ? join(dirname(file), 'models') : undefined;
      const named = { ...rest, models: models ?? beside, 'interval-ms': intervalMs };
      const args = [
        ...['pipeline', 'run', joined.path, ...(context.output.json ? ['--json'] : []), ...(send === true ? ['--send'] : [])],
        ...(source ?? []).flatMap((word) => ['--source', word]),
        ...(set ?? []).flatMap((word) => ['--set', word]),
        ...(await withPulled(model ?? [], context)).flatMap((word) => ['--model', word]),
        ...Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
      ];
      await runAgent(args, context).finally(joined.remove);
    });
}

/** Versions of the fleet become files; an asset that is given by itself goes before the one of the version. */
async function withPulled(words: readonly string[], context: Context): Promise<string[]> {
  const files: string[] = [];
  for (const word of words) {
    const [, name = '', reference = ''] = /^([^=/]+)=(.*)$/s.exec(word) ?? [];
    if (!isModelVersion(reference)) {
      files.push(word);
      continue;
    }
    const { file, assets } = await pullModel(reference, context);
    files.unshift(`${name}=${file}`, ...Object.entries(assets).map(([asset, path]) => `${name}/${asset}=${path}`));
  }
  return files;
}

/** @throws StarlingError what the agent says is wrong, or `items-failed` */
async function runAgent(args: readonly string[], { output, signal }: Context): Promise<void> {
  const child = fork(program, [...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let failure: StarlingError | undefined;
  child.on('message', (message: unknown) => {
    const { error } = failedSchema.parse(message);
    failure = new StarlingError(error.code, error.message, {
      ...(error.field === undefined ? {} : { field: error.field }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  });
  // A terminal sends Ctrl-C to both; whoever ends this process alone means both as well.
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => output.line(output.json ? JSON.parse(line) : line, () => line));
  }
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => output.notice(line));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  signal.removeEventListener('abort', stop);
  if (failure !== undefined) throw failure;
  if (exitCode !== 0 && !signal.aborted)
    throw cliError('items-failed', 'some items could not be run', { hint: 'see what was said of each' });
}
