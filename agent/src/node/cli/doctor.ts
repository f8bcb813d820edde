import { access, constants } from 'node:fs/promises';
import { isStarlingError, messageOf, nonceResponseSchema, StarlingError } from '@starling/shared';
import { readAuthorities } from '../authorities.ts';
import { measureCapabilities } from '../capabilities.ts';
import { readAgentConfig } from '../config.ts';
import { readEnrolment } from '../enrol.ts';
import { createFleetAccess } from '../fleet-access.ts';
import { readDeviceKey } from '../key-store.ts';
import { engineProviders } from '../start.ts';

interface Finding {
  check: string;
  ok: boolean;
  detail: string;
}

const FREE_BYTES_MINIMUM = 512 * 1024 * 1024;
/** Clocks before this are those of a board without a battery. */
const BUILD_TIME_MS = Date.UTC(2026, 0, 1);

export async function doctor(options: { dataDirectory?: string; json?: boolean }): Promise<void> {
  const { dataDirectory } = readAgentConfig({ dataDirectory: options.dataDirectory });
  const findings = [
    await check('data directory', async () => {
      await access(dataDirectory, constants.R_OK | constants.W_OK);
      return dataDirectory;
    }),
    await check('device key', async () => {
      const key = await readDeviceKey(dataDirectory);
      return key === undefined ? fail('there is none for this machine: run "starling-agent enrol"') : key.device;
    }),
    await check('clock', async () => {
      const now = new Date(performance.timeOrigin + performance.now());
      return now.getTime() < BUILD_TIME_MS
        ? fail(`says ${now.toISOString()}; the fleet's signed time is used until it is set`)
        : now.toISOString();
    }),
    await check('disk', async () => {
      const { disk } = await measureCapabilities(dataDirectory, []);
      const free = `${Math.round(disk.freeBytes / 2 ** 20)} MiB free`;
      return disk.freeBytes < FREE_BYTES_MINIMUM ? fail(`only ${free}`) : free;
    }),
    await check('fleet', async () => {
      const enrolment = await readEnrolment(dataDirectory);
      if (enrolment === undefined) return fail('not enrolled: run "starling-agent enrol"');
      const certificates = await readAuthorities(dataDirectory, enrolment);
      const authority = certificates === undefined ? undefined : { certificates: () => certificates };
      const answer = await createFleetAccess(enrolment.url, authority).post('/device-access/nonce', {
        device: enrolment.device,
      });
      return `${enrolment.url}, root version ${nonceResponseSchema.parse(answer).rootVersion}`;
    }),
    await check('engine', async () =>
      engineProviders()
        .map(({ name }) => name)
        .join(', '),
    ),
  ];
  if (options.json === true) console.log(JSON.stringify(findings));
  else for (const { check: name, ok, detail } of findings) console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(16)}${detail}`);
  if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
}

async function check(name: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { check: name, ok: true, detail: await work() };
  } catch (error) {
    const hint = isStarlingError(error) && error.hint !== undefined ? ` (${error.hint})` : '';
    return { check: name, ok: false, detail: messageOf(error) + hint };
  }
}

function fail(detail: string): never {
  throw new StarlingError('check-failed', detail);
}
