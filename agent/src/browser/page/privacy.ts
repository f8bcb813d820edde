import type { EgressPolicy } from '@starling/shared';
import type { BrowserAgentStatus } from '../index.ts';
import { watchedText } from '../watched-text.ts';
import { element, make, setText } from './elements.ts';

/** What a command of the fleet takes along when it is answered; others take nothing of what this tab sees. */
const answers: Readonly<Record<string, string>> = {
  infer: 'what was read in a picture that it sent',
  replay: 'what the pipeline made of one picture, step by step',
  logs: 'the newest lines of the log',
  snapshot: 'how this device is doing',
};
/** An answer is gone at once: so long it stays to be seen. */
const SHOWN_MS = 10_000;

/** What leaves this tab under the policy of the release that runs, in words. */
export function leavingUnder(egress: EgressPolicy | null): string[] {
  const always = 'Always: how much and how fast it computes, its energy (modelled), its battery, and what this browser is.';
  if (egress === null) return ['Nothing of what it sees: no release runs.', always];
  const { outputs, edges, sinks } = egress;
  return [
    outputs.length === 0 ? 'No results.' : `Results, when the fleet asks for them: ${outputs.join(', ')}.`,
    edges.length === 0 ? 'No pictures, and nothing from within the pipeline.' : `May be watched from the dashboard: ${edges.join(', ')}.`,
    ...(sinks.length === 0 ? [] : [`What the pipeline itself sends on: ${sinks.join(', ')}.`]),
    always,
  ];
}

/** What leaves a tab that is no device yet: what a browser is, it says when it joins. */
function leavingBefore(hasFailed: boolean): string[] {
  return hasFailed
    ? ['Nothing: this browser has joined no fleet.']
    : ['Nothing of what it sees: this browser has joined no fleet yet. When it joins, it says what this browser is.'];
}

/** Shows what may leave, and, in the head of the page, that something just does. */
export function showLeaving({ phase, agent, known }: BrowserAgentStatus, nowMs: number): void {
  const list = element('leaves', HTMLUListElement);
  const hasJoined = agent !== undefined || known !== undefined || phase === 'running';
  const lines = hasJoined ? leavingUnder(agent?.egress ?? null) : leavingBefore(phase === 'failed');
  const text = lines.join('\n');
  if (list.dataset.text !== text) {
    list.dataset.text = text;
    list.replaceChildren(...lines.map((line) => make('li', line)));
  }
  const answered = agent?.answered ?? null;
  const what = answered === null ? undefined : answers[answered.command];
  const isAnswered = answered !== null && what !== undefined && nowMs - answered.atMs < SHOWN_MS;
  const said = [watchedText(agent?.taps ?? [], nowMs), isAnswered ? `The fleet was just given ${what}.` : ''].filter((text) => text !== '');
  element('watched', HTMLParagraphElement).hidden = said.length === 0;
  if (said.length > 0) setText(element('watched-what', HTMLSpanElement), said.join(' '));
}
