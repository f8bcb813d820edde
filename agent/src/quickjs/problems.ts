import type { ScriptProblem } from '../core/sandbox/index.ts';

/** What an error inside of the sandbox said of itself. */
export interface Described {
  name?: string;
  message: string;
  stack?: string;
}

/** The file name that scripts have in their own errors. */
export const SCRIPT_FILE = 'script.js';

/** Line and column in the script, as far as the error knows. */
export function positionOf({ stack }: Described): string {
  const found = new RegExp(`${SCRIPT_FILE.replace('.', '\\.')}:(\\d+)(?::(\\d+))?`).exec(stack ?? '');
  if (found === null) return '';
  return found[2] === undefined ? ` (line ${found[1]})` : ` (line ${found[1]}, column ${found[2]})`;
}

export function timeoutOf(cpuMs: number): ScriptProblem {
  return {
    code: 'script-timeout',
    message: `the script ran longer than ${cpuMs} ms`,
    hint: 'look for a loop that does not end, or raise cpuMs',
  };
}

export function memoryOf(memoryMegabytes: number): ScriptProblem {
  return {
    code: 'script-out-of-memory',
    message: `the script needs more than ${memoryMegabytes} MB`,
    hint: 'keep less at once, or raise memoryMegabytes',
  };
}

export function stackOf(described?: Described): ScriptProblem {
  return {
    code: 'script-stack-overflow',
    message: `calls of the script are nested too deep${described ? positionOf(described) : ''}`,
    hint: 'use a loop instead of recursion',
  };
}

/** The error of a run, for whoever wrote the script. */
export function problemOf(described: Described, memoryMegabytes: number): ScriptProblem {
  if (described.message === 'out of memory') return memoryOf(memoryMegabytes);
  if (described.message === 'stack overflow') return stackOf(described);
  const name = described.name === undefined ? '' : `${described.name}: `;
  return { code: 'script-failed', message: `the script threw ${name}${described.message}${positionOf(described)}` };
}

/** The error of a module that cannot be loaded. */
export function invalidScript(described: Described): ScriptProblem {
  const isImport = described.message.startsWith('could not load module');
  const name = described.name === undefined ? '' : `${described.name}: `;
  const message = isImport ? 'a script cannot import' : `${name}${described.message}${positionOf(described)}`;
  return { code: 'invalid-script', message, ...(isImport ? { hint: 'put what it needs into the script itself' } : {}) };
}

export const unsettled: ScriptProblem = {
  code: 'script-unsettled',
  message: 'the promise of the script was not settled when nothing was left to do',
  hint: 'there is nothing to wait for in a script: no timers, no network',
};

/** @param path where in what was returned; empty for the whole of it */
export function unfit(what: string, path: string): ScriptProblem {
  if (path === '') {
    return {
      code: 'wrong-type',
      message: `the script returned ${what} instead of an object of its outputs`,
      hint: 'return { NAME: value } with the names of the declared outputs',
    };
  }
  return {
    code: 'wrong-type',
    message: `${path} is ${what}, which cannot leave a script`,
    hint: 'give strings, finite numbers, booleans, null, arrays and plain objects of them, or arrays of numbers such as Float32Array',
  };
}

export function tooLarge(what: string, characters: number, maximum: number): ScriptProblem {
  return {
    code: 'too-large',
    message: `the ${what} of the script have ${characters} characters of JSON; ${maximum} is the most`,
    hint: 'keep less, or give numbers as a tensor',
  };
}
