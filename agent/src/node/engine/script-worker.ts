import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { answerRequests } from '../../quickjs/index.ts';

/** One script in its own thread: one that hangs or ends its thread is felt by no other. */
const answer = answerRequests({
  send: (reply, moved) => parentPort?.postMessage(reply, moved),
  time: {
    processorMs() {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    },
    passedMs: () => performance.now(),
  },
});

parentPort?.on('message', answer);
