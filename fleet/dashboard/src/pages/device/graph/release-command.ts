import { policiesSchema, type Release } from '@starling/shared';

/** What of a release a command line can say, and what only a file of policies can. */
export interface ReleaseCommand {
  command: string;
  /** Policies of the release that the command leaves out. */
  leftOut: string[];
}

type Source = Pick<Release, 'pipeline' | 'alongside' | 'models' | 'parameters' | 'policies' | 'requiredProviders'>;

/** The command that makes a release like this one, whose values at a port may be watched as well. */
export function commandToWatch(release: Source, port: string): ReleaseCommand {
  const { pipeline, alongside, models, parameters = {}, policies, requiredProviders = [] } = release;
  const { outputs, edges, streams = [], sinks } = policies.egress;
  const each = (flag: string, values: readonly string[]): string[] => values.map((value) => `${flag} ${shellWord(value)}`);
  const words = [
    `starling release create NAME --pipeline ${pipeline.name}@${pipeline.version}`,
    ...each(
      '--alongside',
      alongside.map(({ name, version }) => `${name}@${version}`),
    ),
    ...each(
      '--model',
      models.map(({ name, version }) => `${name}=${version}`),
    ),
    ...each(
      '--set',
      Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`),
    ),
    ...each('--allow-output', outputs),
    ...each('--allow-edge', [...edges, port]),
    ...each('--allow-stream', streams),
    ...each('--sink', sinks),
    ...each('--require-provider', requiredProviders),
  ];
  return { command: words.join(' '), leftOut: leftOutOf(policies) };
}

/** What a release has that says nothing of them. */
const usual = policiesSchema.parse({});

function leftOutOf({ capture, retention, power }: Release['policies']): string[] {
  return [
    ...(capture.enabled === usual.capture.enabled ? [] : ['capture']),
    ...(retention.resultDays === usual.retention.resultDays ? [] : ['retention']),
    ...(power.maximumWatts === usual.power.maximumWatts ? [] : ['power']),
  ];
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
