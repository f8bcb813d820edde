import {
  firstProblemOf,
  type OperatorCommandName,
  type OperatorRequest,
  operatorCommandNames,
  operatorRequestSchema,
  StarlingError,
  topicSegmentSchema,
  UNREADABLE_REQUEST,
} from '@starling/shared';

/** What came on a topic of an operator, read as far as it can be: the id says where an error goes. */
export interface ReadRequest {
  id: string;
  read: { name: OperatorCommandName; request: OperatorRequest } | { error: StarlingError };
}

/** @param name last part of the topic */
export function readRequest(name: string, payload: Uint8Array, nowMs: number): ReadRequest {
  const refuse = (id: string, code: string, message: string, field: string, hint: string): ReadRequest => ({
    id,
    read: { error: new StarlingError(code, message, { field, hint }) },
  });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return refuse(UNREADABLE_REQUEST, 'invalid-request', 'the payload is no JSON', 'payload', 'send {"request": "my-1", "device": "..."}');
  }
  const id = topicSegmentSchema.safeParse((value as { request?: unknown } | null)?.request).data ?? UNREADABLE_REQUEST;
  const known = operatorCommandNames.find((each) => each === name);
  if (known === undefined)
    return refuse(
      id,
      'unknown-command',
      `there is no command "${name}"`,
      'topic',
      `publish on .../command/ and one of ${operatorCommandNames.join(', ')}`,
    );
  const parsed = operatorRequestSchema.safeParse(value);
  if (!parsed.success) {
    const { field, message } = firstProblemOf(parsed.error);
    return refuse(id, 'invalid-request', `${field === '' ? 'the request' : field}: ${message}`, field, 'see docs/guides/mqtt-tools.md');
  }
  const { device, select, notAfterMs } = parsed.data;
  if (known !== 'cancel' && (device === undefined) === (select === undefined))
    return refuse(id, 'invalid-request', 'name one device, or a selector', 'device', 'give "device" or "select", one of them');
  if (notAfterMs !== undefined && notAfterMs < nowMs)
    return refuse(id, 'request-expired', 'the request came after its notAfterMs', 'notAfterMs', 'send it again with a later one');
  return { id, read: { name: known, request: parsed.data } };
}
