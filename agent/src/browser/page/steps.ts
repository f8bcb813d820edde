import type { StepReport } from '@starling/shared';
import type { BrowserAgentStatus } from '../index.ts';
import { make } from './elements.ts';

type StepState = 'waiting' | 'running' | 'done' | 'failed';

/** One line of what a person sees of the way to results. */
export interface ShownStep {
  name: string;
  state: StepState;
  /** 0..1, where it is known. */
  progress?: number;
}

/** The agent's own steps, gathered into what a person waits for. */
const groups: readonly { name: string; steps: readonly string[] }[] = [
  { name: 'Check the release', steps: ['fetch-documents', 'check-agent', 'check-space', 'check-memory'] },
  { name: 'Pull the models', steps: ['pull-blobs'] },
  { name: 'Load', steps: ['load'] },
  { name: 'Test itself', steps: ['self-test'] },
  { name: 'Run', steps: ['activate', 'probation', 'commit'] },
];

/** What a browser that starts again need not do. */
const keptSteps = ['Check the release', 'Pull the models'];

export function shownSteps({ phase, agent, known, pending }: BrowserAgentStatus): ShownStep[] {
  const isIn = agent !== undefined || known !== undefined || phase === 'running';
  const startsAgain = agent === undefined && known?.release != null && phase !== 'failed';
  const joined: ShownStep = {
    name: pending ? 'Join the fleet: somebody has to approve it' : 'Join the fleet',
    state: isIn ? 'done' : 'running',
  };
  if (phase === 'failed' && !isIn) joined.state = 'failed';
  const reported = agent?.reported;
  const runs = reported?.phase === 'running';
  return [
    joined,
    ...groups.map(({ name, steps }): ShownStep => {
      const parts = reported?.steps.filter(({ step }) => steps.includes(step)) ?? [];
      if (startsAgain) return { name, state: keptSteps.includes(name) ? 'done' : name === 'Load' ? 'running' : 'waiting' };
      if (parts.length === 0) return { name, state: runs ? 'done' : 'waiting' };
      const progress = progressOf(parts);
      return { name, state: stateOf(parts), ...(progress === undefined ? {} : { progress }) };
    }),
  ];
}

function stateOf(parts: readonly StepReport[]): StepState {
  if (parts.some(({ state }) => state === 'failed')) return 'failed';
  if (parts.every(({ state }) => state === 'done')) return 'done';
  return parts.every(({ state }) => state === 'waiting') ? 'waiting' : 'running';
}

function progressOf(parts: readonly StepReport[]): number | undefined {
  const counted = parts.filter(({ totalBytes }) => totalBytes !== undefined && totalBytes > 0);
  if (counted.length === 0) return undefined;
  const total = counted.reduce((sum, { totalBytes = 0 }) => sum + totalBytes, 0);
  return counted.reduce((sum, { doneBytes = 0 }) => sum + doneBytes, 0) / total;
}

const signs: Record<StepState, string> = { waiting: '·', running: '…', done: '✓', failed: '✗' };
const words: Record<StepState, string> = { waiting: 'waits', running: 'under way', done: 'done', failed: 'failed' };

/** Shows the steps; a line is made anew only where it has changed. */
export function showSteps(list: HTMLElement, steps: readonly ShownStep[]): void {
  for (const [index, { name, state, progress }] of steps.entries()) {
    const known = list.children[index];
    const isMoving = state === 'running' && progress !== undefined;
    const key = `${name} ${state} ${isMoving}`;
    if (known instanceof HTMLElement && known.dataset.key === key) {
      const bar = known.querySelector('progress');
      if (bar !== null && progress !== undefined) bar.value = progress;
      continue;
    }
    const item = make('li', '', { 'data-state': state, 'data-key': key });
    const sign = make('b', signs[state], { 'aria-hidden': 'true' });
    const tail = isMoving ? make('progress', '', { max: '1', value: String(progress), 'aria-label': name }) : make('small', words[state]);
    item.append(sign, make('span', name), tail);
    if (known === undefined) list.append(item);
    else known.replaceWith(item);
  }
}
