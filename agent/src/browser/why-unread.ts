import { isStarlingError, messageOf, type Problem } from '@starling/shared';
import type { BrowserAgentStatus } from './agent-messages.ts';
import { waitsFor } from './waits-for.ts';

/** What is known of a camera in a page of somebody else. */
export interface CameraSituation {
  status: BrowserAgentStatus | undefined;
  /** Its camera is open. */
  isWatching: boolean;
  /** What ended it, or kept it from starting. */
  failure: unknown;
  /** Why frames fail, until they are read again. */
  trouble: Pick<Problem, 'code' | 'message' | 'hint'> | undefined;
  /** Names of the attributes that its element has. */
  attributes: readonly string[];
}

/** Why a camera reads nothing, and what to do, in sentences; empty while it reads. */
export function whyUnread({ status, isWatching, failure, trouble, attributes }: CameraSituation): string {
  if (failure !== undefined) {
    const told = isStarlingError(failure) ? failure : { code: 'failed', message: messageOf(failure), hint: undefined };
    return sentences(told.message, hintFor(told, attributes));
  }
  if (trouble !== undefined) return sentences(trouble.message, trouble.hint);
  if (status === undefined) return 'Starting.';
  const error = status.agent?.reported.running == null ? status.agent?.reported.error : undefined;
  if (error != null) return sentences(error.message, error.hint);
  const waiting = waitsFor(status);
  if (waiting !== undefined) return sentences(waiting.text, waiting.hint);
  if (status.agent === undefined) return 'Starting.';
  if (status.agent.reported.running !== null)
    return isWatching ? '' : 'The camera is being opened: the browser may ask whether this page may use it.';
  return status.agent.link === 'online' ? 'The release is being loaded.' : 'The fleet is sought; nothing runs here yet.';
}

/** What whoever wrote the element can do is said in its attributes. */
function hintFor({ code, hint }: { code: string; hint: string | undefined }, attributes: readonly string[]): string | undefined {
  if (code === 'not-enrolled' && !attributes.includes('token'))
    return 'the attribute "token" is missing: it takes what "starling token create" prints, or what stands behind "#token=" in a link of "Add a device"';
  if (attributes.includes('fleet') || !['unreachable', 'unexpected-answer'].includes(code)) return hint;
  return 'the attribute "fleet" is missing, so the fleet was sought where this page comes from: it takes the address of the fleet';
}

/** Errors are written to stand behind something; here they stand alone. */
function sentences(...parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined && part !== '')
    .map((part = '') => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}${/[.!?…]$/.test(part) ? '' : '.'}`)
    .join(' ');
}
