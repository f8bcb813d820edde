/** Calls of a test -> the sandbox of the agent for browsers, in a real one -> what came of them. */
import { isStarlingError, messageOf } from '@starling/shared';
import { createWorkerSandbox } from '../../../agent/src/browser/sandbox.ts';
import type { Script } from '../../../agent/src/core/ports/sandbox.ts';

declare const self: DedicatedWorkerGlobalScope;

const sandbox = createWorkerSandbox();
const scripts: Script[] = [];

self.addEventListener('message', async ({ data: { id, method, given } }: MessageEvent) => {
  try {
    self.postMessage({ id, value: await calls[method as keyof typeof calls](given as never) });
  } catch (error) {
    self.postMessage({ id, error: { code: isStarlingError(error) ? error.code : 'unknown', message: messageOf(error) } });
  }
});

const calls = {
  async open(module: Parameters<typeof sandbox.open>[0]) {
    return scripts.push(await sandbox.open(module)) - 1;
  },
  run: ({ script, call }: { script: number; call: Parameters<Script['run']>[0] }) => scripts[script]?.run(call),
  close: ({ script }: { script: number }) => scripts[script]?.close(),
};
