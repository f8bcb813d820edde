import process from 'node:process';
import { workerData } from 'node:worker_threads';

/**
 * A thread beside native code: a run of a model keeps the main thread from hearing that the fleet is gone, for as long as the model
 * likes. A process whose parent has ended gets another one.
 */
const INTERVAL_MS = 1000;
const { parent } = workerData as { parent: number };

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, INTERVAL_MS);
