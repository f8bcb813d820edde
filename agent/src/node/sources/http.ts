import { type Audio, messageOf, type PortType, parsePortType, type SourceParams, StarlingError } from '@starling/shared';
import type { PushRequest } from './endpoints.ts';
import type { OpenSource } from './source.ts';
import { readTensor } from './tensor-body.ts';
import { readWave } from './wave.ts';

type Params = SourceParams<'http'>;
type Kind = Params['accepts'][number];

const MEGABYTE = 1024 * 1024;

/** Which port a body of this type goes to. A tensor has no type of its own: its bytes are those of `application/octet-stream`. */
const kindsOfTypes: readonly [RegExp, Kind][] = [
  [/^image\//, 'image'],
  [/^application\/json$|\+json$/, 'json'],
  [/^text\//, 'text'],
  [/^audio\//, 'audio'],
  [/^application\/octet-stream$/, 'tensor'],
];

/** What is posted to the local server is an item; whoever posts it is answered with what the pipeline gives. */
export const openHttp: OpenSource<Params> = (params, { node, push, endpoints }) => {
  const tensorType = parsePortType(params.tensor);
  const close = endpoints.open(params.name ?? node.replaceAll('/', '-'), {
    maximumBytes: params.maximumMegabytes * MEGABYTE,
    async take(request) {
      const kind = kindOf(request, params);
      const ports = { [kind]: valueIn(kind, request, tensorType) };
      const done = push(ports, {
        ...(request.stream === undefined ? {} : { stream: `${node}/${request.stream}` }),
        ...(request.item === undefined ? {} : { item: request.item }),
        ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
        ...(params.wait ? { signal: request.signal } : {}),
      });
      if (params.wait) return done;
      // Whoever does not wait is told of nothing that comes later.
      done.catch(() => undefined);
      return undefined;
    },
  });
  return {
    async close() {
      close();
    },
  };
};

/** @throws StarlingError `unsupported-type` */
function kindOf({ contentType, port }: PushRequest, { accepts }: Params): Kind {
  const [type = ''] = contentType.toLowerCase().split(';');
  const named = accepts.find((kind) => kind === port);
  const [only] = accepts;
  // Many programs send a picture as bytes of no type: where nothing else is taken, there is no doubt.
  const isUntyped = type.trim() === '' || type.trim() === 'application/octet-stream' || type.trim() === 'application/x-www-form-urlencoded';
  const byType = kindsOfTypes.find(([pattern]) => pattern.test(type.trim()))?.[1];
  const kind = named ?? (isUntyped && accepts.length === 1 ? only : accepts.find((each) => each === byType));
  if (kind !== undefined && port === undefined) return kind;
  if (kind !== undefined && kind === port) return kind;
  throw new StarlingError(
    'unsupported-type',
    `the source does not take ${port === undefined ? `"${contentType}"` : `the port "${port}"`}`,
    {
      field: port === undefined ? 'content-type' : 'port',
      hint: `it takes ${accepts.join(', ')}; name one with the header Content-Type, or with ?port=`,
    },
  );
}

/** @throws StarlingError `invalid-json`, `invalid-tensor`, `invalid-audio`, `empty-body` */
function valueIn(kind: Kind, { body }: PushRequest, tensorType: PortType): unknown {
  if (body.length === 0) throw new StarlingError('empty-body', 'the request has no body', { field: 'body' });
  switch (kind) {
    case 'image':
      return body;
    case 'json':
      return jsonOf(body);
    case 'text':
      return { text: utf8Of(body), confidence: 1 };
    case 'audio':
      return readWave(body) satisfies Audio;
    case 'tensor':
      return readTensor(body, tensorType);
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Of(body));
  } catch (cause) {
    throw new StarlingError('invalid-json', `the body is no JSON: ${messageOf(cause)}`, { field: 'body', cause });
  }
}

function utf8Of(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new StarlingError('invalid-text', 'the body is no UTF-8', { field: 'body', cause });
  }
}
