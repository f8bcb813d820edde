import type { ScriptAnswer, ScriptCall, ScriptModule } from '../ports/sandbox.ts';

/** What a thread with a script is asked. Its first message is the module. */
export type ScriptRequest = { type: 'open'; module: ScriptModule } | { type: 'run'; call: ScriptCall };

export interface ScriptProblem {
  code: string;
  message: string;
  hint?: string | undefined;
}

/** @property isBroken the thread can do nothing more */
export type ScriptReply =
  | { type: 'opened' }
  | { type: 'ran'; answer: ScriptAnswer }
  | { type: 'failed'; problem: ScriptProblem; isBroken: boolean };
