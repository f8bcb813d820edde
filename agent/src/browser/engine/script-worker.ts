import type { ScriptRequest } from '../../core/sandbox/index.ts';
import { answerRequests } from '../../quickjs/index.ts';

/** One script in its own worker: one that hangs or ends its worker is felt by no other. */
declare const self: DedicatedWorkerGlobalScope;

const answer = answerRequests({
  send: (reply, moved) => self.postMessage(reply, moved),
  // A browser tells no processor time: what passed is counted, the waiting for a processor too.
  time: { processorMs: () => performance.now(), passedMs: () => performance.now() },
});

self.addEventListener('message', ({ data }: MessageEvent<ScriptRequest>) => answer(data));
