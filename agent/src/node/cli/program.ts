import { Command } from 'commander';
import { agentConfigSchema } from '../config.ts';
import { AGENT_VERSION } from '../version.ts';
import { doctor } from './doctor.ts';
import { enrolDevice } from './enrol.ts';
import { definePipelineRun } from './pipeline-run.ts';
import { run } from './run.ts';
import { showStatus } from './status.ts';

const dataDirectory = ['--data-directory <directory>', 'where the key, models and telemetry lie (default ~/.starling-agent)'] as const;

/** The command line of the agent; its options and their help come from the schema of the settings. */
export function createProgram(): Command {
  const program = new Command('starling-agent').description('Runs signed inference pipelines on this device').version(AGENT_VERSION);
  program
    .command('enrol')
    .description(
      'join a fleet with a claim token, from a file, standard input or STARLING_TOKEN; never as an argument, which others could read',
    )
    .option(...dataDirectory)
    .option('--token-file <file>', 'file that holds the claim token; "-" for standard input')
    .option('--json', 'print JSON')
    .action(enrolDevice);
  const running = program.command('run').description('run in the foreground until SIGTERM');
  for (const [key, schema] of Object.entries(agentConfigSchema.shape)) {
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const description = schema.meta()?.description ?? '';
    if (key === 'set') running.option(`--${flag} <name=value>`, description, (value, before: string[] = []) => [...before, value]);
    else running.option(`--${flag} <value>`, description);
  }
  running.option('--token-file <file>', 'enrol first, if this device is not enrolled yet').action(run);
  program
    .command('status')
    .description('what the running agent does')
    .option(...dataDirectory)
    .option('--json', 'print JSON')
    .action(showStatus);
  program
    .command('doctor')
    .description('check key, clock, disk, network and engine')
    .option(...dataDirectory)
    .option('--json', 'print JSON')
    .action(doctor);
  definePipelineRun(program);
  return program;
}
