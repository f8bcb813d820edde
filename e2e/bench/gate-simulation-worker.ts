import { parentPort, workerData } from 'node:worker_threads';
import { simulateRollout } from './gate-simulation.ts';

const { seeds, latencyFactor } = workerData as { seeds: number[]; latencyFactor: number };
for (const seed of seeds) parentPort?.postMessage(simulateRollout(seed, latencyFactor));
