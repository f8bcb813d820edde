import { Command } from 'commander';
import { defineAgentCommands } from './commands/agent.ts';
import { defineAnalysisCommands } from './commands/analysis.ts';
import { defineApiTokenCommands } from './commands/api-token.ts';
import { defineArtefactCommands } from './commands/artefact.ts';
import { defineAuditCommands } from './commands/audit.ts';
import { defineBackupCommands } from './commands/backup.ts';
import { defineBenchmark } from './commands/benchmark.ts';
import { defineBuildCommands } from './commands/build.ts';
import { defineChoiceCommands } from './commands/choice.ts';
import { defineCommandCommands } from './commands/command.ts';
import { defineDeviceCommands } from './commands/device.ts';
import { defineEvents } from './commands/events.ts';
import { defineExperimentCommands } from './commands/experiment.ts';
import { defineFeedback } from './commands/feedback.ts';
import { defineFleetCommands } from './commands/fleet.ts';
import { defineGroupCommands } from './commands/group.ts';
import { defineKeyCommands } from './commands/key.ts';
import { defineLogin } from './commands/login.ts';
import { defineModelCommands } from './commands/model.ts';
import { defineOperatorCommands } from './commands/operator.ts';
import { definePipelineCommands } from './commands/pipeline.ts';
import { defineReleaseCommands } from './commands/release.ts';
import { defineRolloutCommands } from './commands/rollout.ts';
import { defineSimulate } from './commands/simulate.ts';
import { defineSiteCommands } from './commands/site.ts';
import { defineTapCommands } from './commands/tap.ts';
import { defineTelemetryCommands } from './commands/telemetry.ts';
import { defineTokenCommands } from './commands/token.ts';
import { defineUserCommands } from './commands/user.ts';
import { environmentHelp } from './config.ts';
import type { ContextOf } from './options.ts';
import type { Sink } from './output.ts';

export interface ProgramOptions {
  version: string;
  stdout: Sink;
  stderr: Sink;
  contextOf: ContextOf;
}

/** The whole command line: what there is, what it takes, what it says about itself. */
export function createProgram({ version, stdout, stderr, contextOf }: ProgramOptions): Command {
  const program = new Command('starling')
    .description('Operate a Starling fleet from a terminal.')
    .option('--fleet <url>', 'address of the fleet (default: the one of the last login)')
    .option(
      '--token <token>',
      'API token (default: the one of the login); other users of this machine can see it, STARLING_TOKEN they cannot',
    )
    .option('--ca <file>', "PEM file of the fleet's own certificate authority")
    .option('--insecure', 'permit plain HTTP to another machine')
    .option('--json', 'print the result as JSON on stdout; an error as {"error": {code, message, field, hint}}')
    .option('--quiet', 'no progress and no notices; results as bare names or ids')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      // `run` prints errors, in one form for all.
      outputError: () => undefined,
    })
    .helpCommand(false)
    .exitOverride()
    .addHelpText('after', helpAfter(version));
  defineLogin(program, contextOf);
  defineKeyCommands(program, contextOf);
  defineModelCommands(program, contextOf);
  defineBuildCommands(program, contextOf);
  defineArtefactCommands(program, contextOf);
  definePipelineCommands(program, contextOf);
  defineReleaseCommands(program, contextOf);
  defineRolloutCommands(program, contextOf);
  defineExperimentCommands(program, contextOf);
  defineFeedback(program, contextOf);
  defineChoiceCommands(program, contextOf);
  defineBenchmark(program, contextOf);
  defineFleetCommands(program, contextOf);
  defineDeviceCommands(program, contextOf);
  defineAgentCommands(program, contextOf);
  defineGroupCommands(program, contextOf);
  defineSiteCommands(program, contextOf);
  defineCommandCommands(program, contextOf);
  defineAnalysisCommands(program, contextOf);
  defineTapCommands(program, contextOf);
  defineTelemetryCommands(program, contextOf);
  defineTokenCommands(program, contextOf);
  defineApiTokenCommands(program, contextOf);
  defineOperatorCommands(program, contextOf);
  defineUserCommands(program, contextOf);
  defineAuditCommands(program, contextOf);
  defineSimulate(program, contextOf);
  defineBackupCommands(program, contextOf);
  defineEvents(program, contextOf);
  return program;
}

function helpAfter(version: string): string {
  const width = Math.max(...environmentHelp.map(([name]) => name.length));
  return `
Environment:
${environmentHelp.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`).join('\n')}

Exit codes:
  0    done
  1    failed on the way: a build, a device, an answer that was not understood
  2    wrong arguments or files; nothing was changed
  3    not signed in, or not allowed
  4    not found
  5    refused by the fleet: a conflict, a bad document, a device that is offline
  6    the fleet or its database cannot be reached, or its certificate is not trusted
  130  interrupted

Examples:
  $ starling login --fleet http://localhost:8080 --email admin@starling.local
  $ starling key create --root
  $ starling model push det.onnx --name text-detection --version 1.0.0 --card card.yaml --wait
  $ starling pipeline push read-signs.yaml
  $ starling release create read-signs-1 --pipeline read-signs --allow-output readings
  $ starling rollout create -f rollout.yaml
  $ starling token create --release read-signs-1
  $ starling device infer gate-3 photo.jpg

starling ${version}`;
}
