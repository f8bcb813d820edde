import { type Capabilities, capabilitiesSchema, type DeviceProfile, StarlingError } from '@starling/shared';

/** Key of `runtimeVersions` by which a device says of itself that it is simulated. */
export const SIMULATOR_MARK = 'simulator';

/**
 * Capabilities of a device that matches a profile: what its rules ask for, and no more.
 * @throws StarlingError `invalid-request` for a profile of browsers
 */
export function capabilitiesOfProfile({ name, match, memoryBudgetBytes }: DeviceProfile, hostName: string): Capabilities {
  if (match.environment !== 'node') {
    throw new StarlingError('invalid-request', `the profile ${name} is for browsers, which are not simulated`, {
      field: '--profile',
      hint: 'take one such as raspberry-pi-5 or linux-x64',
    });
  }
  const { architecture = ['arm64'], os = ['linux'], deviceTree, cpu, isa = [], gpu, executionProviders = ['cpu'], virtualised } = match;
  const wanted = Math.max(2 * memoryBudgetBytes, match.memoryBytes?.minimum ?? 0);
  const totalBytes = Math.min(wanted, match.memoryBytes?.maximum ?? wanted);
  const model = deviceTree === undefined ? undefined : textMatching(deviceTree);
  return capabilitiesSchema.parse({
    ...{ schemaVersion: 1, environment: 'node', os: os[0], architecture: architecture[0], agentVersion: SIMULATED_AGENT_VERSION },
    runtimeVersions: { [SIMULATOR_MARK]: '1' },
    cpu: { cores: 4, model: cpu === undefined ? '' : textMatching(cpu), isa, virtualised: virtualised ?? false },
    ...(model === undefined ? {} : { deviceTree: { model, compatible: [] } }),
    gpus: gpu === undefined ? [] : [{ vendor: '', name: textMatching(gpu), api: '' }],
    executionProviders: executionProviders.map((provider) => ({ name: provider, ran: true })),
    memory: { totalBytes, availableBytes: Math.floor(totalBytes * 0.6) },
    disk: { totalBytes: 32 * 1024 ** 3, freeBytes: 20 * 1024 ** 3 },
    hostName,
  });
}

export const SIMULATED_AGENT_VERSION = '0.1.0';

/** A text that an expression of a profile matches: the first of every choice. Profiles use groups, sets, digits and question marks. */
function textMatching(expression: string): string {
  const first = (text: string): string => {
    let depth = 0;
    for (const [place, letter] of [...text].entries()) {
      if (letter === '(') depth += 1;
      if (letter === ')') depth -= 1;
      if (letter === '|' && depth === 0) return text.slice(0, place);
    }
    return text;
  };
  let text = first(expression);
  for (let group = /\(([^()]*)\)/.exec(text); group !== null; group = /\(([^()]*)\)/.exec(text)) {
    text = text.slice(0, group.index) + first(group[1] ?? '') + text.slice(group.index + group[0].length);
  }
  return text
    .replaceAll(/\[([^\]])[^\]]*\]/g, '$1')
    .replaceAll(/\\d/g, '1')
    .replaceAll(/.\?/g, '')
    .replaceAll(/[\\^$]/g, '');
}
