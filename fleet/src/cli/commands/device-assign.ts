import { type ApiClient, api, type DeviceView } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import { findDevice } from '../references.ts';
import { describeDevice } from './device-text.ts';

const assignOptions = z.object({
  none: z.boolean().default(false),
  wait: z.boolean().default(false),
  timeout: numberOption('seconds').positive().max(86_400).default(600),
});
const POLL_MS = 500;

export function defineDeviceAssign(device: Command, contextOf: ContextOf): void {
  device
    .command('assign')
    .argument('<device>')
    .argument('[release]', 'name or digest')
    .summary('give a device a release; the artefacts are chosen for it')
    .option('--none', 'no release: the device stops what it runs')
    .option('--wait', 'wait until it runs and is verified')
    .option('--timeout <seconds>', 'how long to wait (default 600)')
    .addHelpText(
      'after',
      examples(['starling device assign gate-3 read-signs-2 --wait', 'until it runs'], ['starling device assign gate-3 --none', 'stop it']),
    )
    .action(async (reference: string, release: string | undefined, _options, command: Command) => {
      const context = contextOf(command);
      const { none, wait, timeout } = readOptions(command, assignOptions);
      if (none === (release !== undefined)) {
        throw cliError('usage', none ? 'a release and --none exclude each other' : 'which release?', {
          field: 'release',
          hint: 'name a release, or give --none',
        });
      }
      const { client } = await context.connect();
      const { id } = await findDevice(client, reference);
      const assigned = await client.call(api.assignDevice, { params: { id }, body: { release: release ?? null } });
      const view = wait ? await waitUntilReached(context, client, assigned, timeout * 1000) : assigned;
      context.output.result(
        view,
        () => describeDevice(view, context.output),
        () => [view.id],
      );
    });
}

/** @throws StarlingError `device-failed`, `timed-out` */
async function waitUntilReached(context: Context, client: ApiClient, assigned: DeviceView, timeoutMs: number): Promise<DeviceView> {
  const { output, sleep, nowMs } = context;
  const progress = output.progress(`${assigned.name} takes ${assigned.desired?.releaseName ?? 'nothing'}`);
  const untilMs = nowMs() + timeoutMs;
  try {
    for (;;) {
      const view = await client.call(api.showDevice, { params: { id: assigned.id } });
      const stand = standOf(view);
      if (stand.state === 'failed') {
        throw cliError('device-failed', `${view.name} could not take it: ${view.reported?.error?.message ?? 'without a reason'}`, {
          hint: view.reported?.error?.hint ?? `see "starling device logs ${view.id}"`,
        });
      }
      if (stand.state === 'reached') {
        progress.done(view.reported?.phase);
        return view;
      }
      if (nowMs() > untilMs) throw tooLate(view, timeoutMs);
      progress.update(stand.share, stand.what);
      await sleep(POLL_MS);
    }
  } catch (error) {
    progress.failed();
    throw error;
  }
}

type Stand = { state: 'failed' } | { state: 'reached' } | { state: 'waiting'; what: string; share: number | undefined };

/** How far a device is with what it should run. */
function standOf({ reported, desired }: DeviceView): Stand {
  const answers = reported !== null && desired !== null && reported.epoch === desired.epoch && reported.generation === desired.generation;
  if (!answers) return { state: 'waiting', what: 'waiting for the device', share: undefined };
  if (reported.phase === 'failed') return { state: 'failed' };
  if (reported.phase === 'running' || (desired.release === null && reported.running === null)) return { state: 'reached' };
  const step = reported.steps.find(({ state }) => state === 'running');
  if (step === undefined) return { state: 'waiting', what: reported.phase, share: undefined };
  const share = step.totalBytes === undefined ? undefined : (step.doneBytes ?? 0) / Math.max(1, step.totalBytes);
  return { state: 'waiting', what: `${step.step} ${step.subject}`, share };
}

function tooLate({ name, online, reported }: DeviceView, timeoutMs: number): Error {
  const stand = online ? `still ${reported?.phase ?? 'silent'}` : 'offline';
  return cliError('timed-out', `${name} is ${stand} after ${timeoutMs / 1000} s`, {
    field: '--timeout',
    hint: 'the assignment stands; the device takes it when it can',
  });
}
